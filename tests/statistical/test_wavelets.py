"""Evidence of bursts: exact on one wavelet, small on noise, and that of BayesWave's prior."""

import numpy as np
import pytest

from chirpleaf.strain.wavelets import WaveletSettings, _tabulate, find_burst

DURATION = 8.0
FREQUENCIES = np.arange(160, 8 * 1024) / DURATION
PSD = 1e-46 * (1 + (40 / FREQUENCIES) ** 8 + (FREQUENCIES / 200) ** 2)


def make_noise(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    draws = rng.normal(size=len(PSD)) + 1j * rng.normal(size=len(PSD))
    return draws * np.sqrt(PSD * DURATION) / 2


def make_wavelet(snr: float, frequency: float, quality: float, time: float) -> np.ndarray:
    tau = quality / (2 * np.pi * frequency)
    shape = np.exp(-((np.pi * tau * (FREQUENCIES - frequency)) ** 2) - 2j * np.pi * FREQUENCIES * time)
    return shape * snr / np.sqrt(4 / DURATION * np.sum(np.abs(shape) ** 2 / PSD))


@pytest.mark.parametrize(
    ("frequency", "quality", "time"), [(60, 6, 0.0), (200, 2, 0.05), (30, 20, 0.1), (200, 30, 0.3), (500, 9, -0.25)]
)
def test_a_wavelet_without_noise_is_found(frequency: float, quality: float, time: float) -> None:
    found = find_burst(make_wavelet(20, frequency, quality, time), PSD, FREQUENCIES, DURATION)
    assert found.snr == pytest.approx(20, rel=2e-3)
    assert (found.frequency, found.quality) == (pytest.approx(frequency, rel=0.02), pytest.approx(quality, rel=0.05))
    assert found.time == pytest.approx(time, abs=5e-4)
    assert found.wavelets == 1
    assert 165 < found.log_evidence < 200 - 10  # rho^2 / 2 less the volume of the prior


def test_the_window_can_be_moved() -> None:
    found = find_burst(make_wavelet(20, 100, 6, -1.2), PSD, FREQUENCIES, DURATION, middle=-1.1)
    assert (found.time, found.snr) == (pytest.approx(-1.2, abs=5e-4), pytest.approx(20, rel=2e-3))
    assert find_burst(make_wavelet(20, 100, 6, -1.2), PSD, FREQUENCIES, DURATION).snr < 3


def test_noise_has_no_burst_and_a_glitch_has_one() -> None:
    alone = [find_burst(make_noise(seed), PSD, FREQUENCIES, DURATION).log_evidence for seed in range(8)]
    assert max(alone) < 3
    loud = make_noise(9) + make_wavelet(9, 120, 8, 0.02)
    assert find_burst(loud, PSD, FREQUENCIES, DURATION).log_evidence > 10


def test_two_wavelets_need_two() -> None:
    both = make_wavelet(15, 60, 4, 0.0) + make_wavelet(12, 250, 12, 0.1)
    found = find_burst(both, PSD, FREQUENCIES, DURATION)
    assert found.wavelets == 2
    one = find_burst(both, PSD, FREQUENCIES, DURATION, WaveletSettings(most=1))
    assert found.log_evidence > one.log_evidence + 40


def test_the_amplitude_is_integrated_with_its_prior() -> None:
    z, value = _tabulate(5.0)
    rho = np.linspace(0, 30, 60_001)
    prior = rho / (2 * 5**2 * (1 + rho / 10) ** 3)
    for height in (0.0, 2.0, 6.0, 15.0):
        exact = np.log(np.sum(prior * np.i0(rho * height) * np.exp(-(rho**2) / 2)) * (rho[1] - rho[0]))
        assert np.interp(height, z, value) + height**2 / 2 == pytest.approx(exact, abs=0.02)
