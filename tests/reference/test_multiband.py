"""Inner products on the multiband grid against sums over every native frequency, for the shipped presets."""

from collections.abc import Callable

import numpy as np
import pytest

from chirpleaf.models import Architecture
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain.ensemble import PsdEnsemble, design_log_psd

SNR = 30.0


class Case:
    """Signals over the whole range of masses, seen on every native frequency and on the bins."""

    def __init__(self, architecture: Architecture, noise: str, delay: float) -> None:
        self.grid = grid = architecture.grid
        self.rng = rng = np.random.default_rng(3)
        chirp_mass = np.geomspace(*np.multiply(architecture.prior.chirp_mass_range, (1.001, 0.999)), 16)
        lowest = architecture.prior.mass_ratio_lower(chirp_mass)
        mass_1, mass_2 = component_masses(chirp_mass, lowest + (1 - lowest) * rng.random(16))
        binaries = {"mass_1": mass_1, "mass_2": mass_2, "luminosity_distance": 400.0, "theta_jn": 0.0, "phase": 0.3}
        binaries |= {"chi_1": rng.uniform(-0.95, 0.95, 16), "chi_2": rng.uniform(-0.95, 0.95, 16)}
        self.psd = self._psd(noise)
        self.native = self._delayed(binaries, grid.native_frequencies, delay)
        self.native *= SNR / self.norm(self.native)
        self.bins = self._delayed(binaries, grid.frequencies, delay)
        self.bins *= grid.carrier(grid.frequencies) * grid.weights(self.psd)

    def _psd(self, noise: str) -> np.ndarray:
        frequencies = self.grid.native_frequencies
        if noise == "design":
            return np.exp(design_log_psd("aLIGO_mid_high", frequencies))
        return PsdEnsemble(("L1",)).sample(1, frequencies, np.random.default_rng(7)).values[0]

    @staticmethod
    def _delayed(binaries: dict, frequencies: np.ndarray, delay: float) -> np.ndarray:
        return polarizations(binaries, frequencies)[0] * np.exp(-2j * np.pi * frequencies * delay)

    def norm(self, strain: np.ndarray) -> np.ndarray:
        """Optimal signal-to-noise from every native frequency, shape (n, 1)."""
        return np.sqrt(4 * self.grid.delta_f * np.sum(np.abs(strain) ** 2 / self.psd, axis=1, keepdims=True))

    def compressed(self, strain: np.ndarray) -> np.ndarray:
        return self.grid.compress(strain, np.broadcast_to(self.psd, strain.shape))[0]


@pytest.fixture(scope="module", params=["bbh", "bbh-long"])
def preset(request: pytest.FixtureRequest, shipped: Callable[[str], Architecture]) -> Architecture:
    return shipped(request.param)


@pytest.mark.parametrize("noise", ["design", "rough"])
@pytest.mark.parametrize(("delay", "mean", "worst"), [(0.0, 0.993, 0.989), (0.01, 0.99, 0.984)])
def test_signal_to_noise_is_kept(preset: Architecture, noise: str, delay: float, mean: float, worst: float) -> None:
    case = Case(preset, noise, delay)
    kept = np.linalg.norm(case.compressed(case.native), axis=1) / SNR
    assert np.mean(kept) > mean
    assert np.min(kept) > worst
    assert np.max(kept) <= 1 + 1e-9


@pytest.mark.parametrize("noise", ["design", "rough"])
def test_simulated_bins_are_what_data_become(preset: Architecture, noise: str) -> None:
    case = Case(preset, noise, delay=0.0)
    sampled = case.bins / np.linalg.norm(case.bins, axis=1, keepdims=True)
    overlap = np.sum(sampled.conj() * case.compressed(case.native), axis=1) / SNR
    assert np.mean(overlap.real) > 0.993
    assert np.min(overlap.real) > 0.988  # the heaviest binaries have few bins in band
    assert np.max(np.abs(overlap.imag)) < 8e-3


def test_sampling_at_the_centres_gives_the_same_optimal_signal_to_noise(preset: Architecture) -> None:
    case = Case(preset, "rough", delay=0.0)
    binary = {"mass_1": 12.0, "mass_2": 11.0, "chi_1": 0.4, "chi_2": 0.0}
    binary |= {"luminosity_distance": 400.0, "theta_jn": 0.5, "phase": 0.0}
    native, bins = (polarizations(binary, f)[0] for f in (case.grid.native_frequencies, case.grid.frequencies))
    expected = case.norm(native)[0, 0]
    assert np.linalg.norm(bins * case.grid.weights(case.psd)) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("noise", ["design", "rough"])
def test_inner_products_with_noisy_data(preset: Architecture, noise: str) -> None:
    case = Case(preset, noise, delay=0.001)
    white = case.rng.standard_normal((2, *case.native.shape))
    data = case.native + (white[0] + 1j * white[1]) * np.sqrt(case.psd / (4 * case.grid.delta_f))
    unit = case.native / SNR
    expected = 4 * case.grid.delta_f * np.sum(data * unit.conj() / case.psd, axis=1)
    sampled = case.bins / np.linalg.norm(case.bins, axis=1, keepdims=True)
    found = np.sum(case.compressed(data) * sampled.conj(), axis=1)
    # In noise the two filters differ by a tenth of its standard deviation, one; in the signal by less than 1 %.
    assert np.sqrt(np.mean(np.abs(found - expected) ** 2)) < 0.35
    assert abs(np.mean(found - expected)) < 0.01 * SNR
