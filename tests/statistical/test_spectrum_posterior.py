"""Drawn noise spectra scatter about the estimate as the estimate scatters about the truth."""

import numpy as np
import pytest

from chirpleaf.strain.conditioning import Conditioning
from chirpleaf.strain.noise_spectrum import MEDIAN, SpectrumSettings, estimate_spectrum
from chirpleaf.strain.spectrum_posterior import draw_spectra
from chirpleaf.strain.strain import Strain

RATE, SECONDS = 256.0, 32
BANDS = ((30.0, 34.0), (34.0, 60.0), (60.0, 120.0))


def levels(density: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Mean of ln S in the bands."""
    inside = [(frequencies >= low) & (frequencies < high) for low, high in BANDS]
    return np.array([np.log(density[one]).mean() for one in inside])


@pytest.mark.parametrize("settings", [SpectrumSettings(), MEDIAN])
def test_the_truth_is_among_the_draws(settings: SpectrumSettings) -> None:
    rng, conditioning = np.random.default_rng(4), Conditioning(None, 1.0)
    deviations = []
    for _ in range(14):
        values = rng.normal(size=int(RATE * SECONDS))
        values[3000:3600] = np.nan
        strain = Strain("H1", values, 0.0, RATE)
        truth = levels(np.full(513, 2 / RATE), np.arange(513) / 4)
        drawn = [levels(one.values, one.frequencies) for one in draw_spectra(strain, 8, rng, settings, conditioning)]
        estimate = estimate_spectrum(strain, settings, conditioning)
        assert np.abs(np.mean(drawn, axis=0) - levels(estimate.values, estimate.frequencies)).max() < 0.2
        deviations.append((truth - np.mean(drawn, axis=0)) / np.std(drawn, axis=0, ddof=1))
    # t distribution of 7 degrees of freedom, times sqrt(1 + 1 / 8): standard deviation 1.25, known to 0.15.
    assert 0.85 < np.std(deviations) < 1.75


def test_draws_follow_lines_and_stay_infinite_where_nothing_is_estimated() -> None:
    rng = np.random.default_rng(5)
    times = np.arange(int(RATE * SECONDS)) / RATE
    strain = Strain("H1", rng.normal(size=len(times)) + 3 * np.sin(2 * np.pi * 60 * times), 0.0, RATE)
    estimate = estimate_spectrum(strain)
    for one in draw_spectra(strain, 3, rng):
        np.testing.assert_array_equal(np.isfinite(one.values), np.isfinite(estimate.values))
        used = np.isfinite(estimate.values) & (estimate.frequencies > 20) & (estimate.frequencies < 120)
        assert np.abs(np.log(one.values[used] / estimate.values[used])).max() < 3
        assert one.values[240] > 20 * np.median(one.values[used])
