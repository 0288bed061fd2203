"""Half disks of both spins: equal prior mass in each pixel, and spins where they belong."""

import numpy as np
import pytest
from made_pictures import isotropic_spins
from scipy.stats import chi2

from chirpleaf.plots.spins import compare_with_prior, plot_spin_disks


def test_pixels_of_spins_have_equal_prior_mass() -> None:
    n = 60_000
    spins = isotropic_spins(n)
    pixels = compare_with_prior(spins["a_1"], spins["tilt_1"], 0.9)
    expected = n / pixels.size
    assert pixels.mean() == pytest.approx(1.0)
    assert chi2.sf(np.sum((pixels - 1) ** 2 * expected), pixels.size - 1) > 1e-3
    # The same magnitudes with tilts that are uniform in angle are not isotropic.
    tilts = np.random.default_rng(5).uniform(0.0, np.pi, n)
    wrong = compare_with_prior(spins["a_1"], tilts, 0.9)
    assert chi2.sf(np.sum((wrong - 1) ** 2 * expected), pixels.size - 1) < 1e-6


@pytest.mark.parametrize(("body", "side"), [(1, -1), (2, 1)])
@pytest.mark.parametrize("tilt", [0.3, 1.4, 2.9])
def test_a_spin_is_drawn_where_its_magnitude_and_tilt_are(body: int, side: int, tilt: float) -> None:
    spins = {name: np.full(50, 0.02 if name.startswith("a") else 1.0) for name in isotropic_spins(1)}
    spins |= {f"a_{body}": np.full(50, 0.7), f"tilt_{body}": np.full(50, tilt)}
    panel = plot_spin_disks(spins, largest=0.9).axes[0]
    drawn = panel.collections[body - 1]
    values, paths = drawn.get_array(), drawn.get_paths()
    assert values is not None
    centre = 0.7 * np.array([side * np.sin(tilt), np.cos(tilt)])
    assert paths[int(np.argmax(values))].contains_point(centre)
