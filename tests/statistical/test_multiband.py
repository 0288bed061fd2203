"""Noise on the multiband grid is white, of unit variance in the real and in the imaginary part of every bin."""

import numpy as np
import pytest
from scipy.stats import chi2, kstest

from chirpleaf.representation.multiband import Multiband
from chirpleaf.strain.ensemble import PsdEnsemble

GRID = Multiband(duration=4.0, chirp_mass_min=15.0, chirp_mass_max=87.0)
DRAWS = 400


def compressed_noise(excess: float = 1.0) -> np.ndarray:
    """Noise of a rough spectrum whose amplitude is `excess` times what its density says, (draw, bin)."""
    psd = PsdEnsemble(("H1",)).sample(1, GRID.native_frequencies, np.random.default_rng(1)).values
    rng = np.random.default_rng(2)
    white = rng.standard_normal((2, DRAWS, psd.shape[-1]))
    # <|d|^2> = T S / 2 of one-sided S, half in the real and half in the imaginary part.
    strain = excess * (white[0] + 1j * white[1]) * np.sqrt(psd * GRID.duration / 4)
    return GRID.compress(strain, np.broadcast_to(psd, strain.shape))[0]


def variance_p_value(values: np.ndarray) -> float:
    """That the sums of squares over the draws follow chi^2 with as many degrees of freedom."""
    return float(kstest(np.sum(values**2, axis=0), chi2(DRAWS).cdf).pvalue)


@pytest.mark.parametrize("part", [np.real, np.imag])
def test_noise_has_unit_variance(part):
    assert variance_p_value(part(compressed_noise())) > 1e-3
    assert np.mean(part(compressed_noise()) ** 2) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("excess", [0.98, 1.02])
def test_louder_or_quieter_noise_is_noticed(excess):
    assert variance_p_value(compressed_noise(excess).real) < 1e-4


def test_noise_is_normal_and_independent():
    noise = compressed_noise()
    assert kstest(noise.real.ravel(), "norm").pvalue > 1e-3
    neighbours = np.mean(noise[:, 1:] * noise[:, :-1].conj())
    assert abs(neighbours) < 4 * np.sqrt(2 / noise[:, 1:].size) * np.sqrt(2)
    assert abs(np.mean(noise**2)) < 0.02
