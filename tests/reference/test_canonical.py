"""The grouped search on bands against a plain matched filter of every template on every native frequency."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from chirpleaf.models import Architecture
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.representation.canonical import CanonicalInput
from chirpleaf.strain.ensemble import PsdEnsemble

TIMES = np.linspace(-0.006, 0.006, 301)
SNR = np.array([14.0, 10.0])


def templates(canonical: CanonicalInput, which: np.ndarray, psd: np.ndarray) -> np.ndarray:
    """Templates on the native frequencies, of unit optimal signal-to-noise, (n, detector, frequency)."""
    chirp_mass, spin = canonical.bank.chirp_mass.ravel()[which], canonical.bank.chi_eff.ravel()[which]
    mass_1, mass_2 = component_masses(chirp_mass, 0.7)
    binaries = {"mass_1": mass_1, "mass_2": mass_2, "chi_1": spin, "chi_2": spin, "luminosity_distance": 1.0}
    waves = polarizations(binaries | {"theta_jn": 0.0, "phase": 0.0}, canonical.grid.native_frequencies)[0][:, None]
    return waves / np.sqrt(4 * canonical.grid.delta_f * np.sum(np.abs(waves) ** 2 / psd, axis=-1, keepdims=True))


def matched_filter(canonical: CanonicalInput, data: np.ndarray, template: np.ndarray, psd: np.ndarray) -> np.ndarray:
    """z(t) = 4 df sum_f d conj(h) exp(2 pi i f t) / S, (n, detector, time)."""
    shifts = np.exp(2j * np.pi * np.outer(canonical.grid.native_frequencies, TIMES))
    return 4 * canonical.grid.delta_f * (data * template.conj() / psd) @ shifts


@pytest.mark.parametrize(("preset", "typical", "worst"), [("bbh", 0.98, 0.92), ("bbh-long", 0.96, 0.86)])
def test_search_equals_a_plain_matched_filter(
    preset: str, typical: float, worst: float, shipped: Callable[[str], Architecture]
) -> None:
    architecture = shipped(preset)
    canonical = CanonicalInput(architecture.grid, architecture.build().canonical.bank, architecture.reference_weights())
    grid, rng = canonical.grid, np.random.default_rng(5)
    psd = PsdEnsemble(("H1",)).sample(2, grid.native_frequencies, rng).values
    injected = np.linspace(0, canonical.bank.n_templates - 1, 12).astype(int)
    arrival = np.array([0.0008, -0.0021])
    signal = templates(canonical, injected, psd) * SNR[:, None]
    signal *= np.exp(1j * np.array([[0.5], [2.1]]) - 2j * np.pi * arrival[:, None] * grid.native_frequencies)
    white = rng.standard_normal((2, *signal.shape))
    data = signal + (white[0] + 1j * white[1]) * np.sqrt(psd / (4 * grid.delta_f))
    bins, weights = grid.compress(data, np.broadcast_to(psd, data.shape))
    relative = weights / canonical.reference_weights
    out = canonical(torch.from_numpy(bins.astype(np.complex64)), torch.from_numpy(relative.astype(np.float32)))

    found = out.template.numpy()
    filtered = matched_filter(canonical, data, templates(canonical, found, psd), psd)
    peak = np.abs(filtered).argmax(-1)
    expected = np.take_along_axis(filtered, peak[..., None], -1)[..., 0]
    ratio = out.snr.numpy() / np.abs(expected)
    assert typical < np.median(ratio) < 1.01
    assert np.all((ratio > worst) & (ratio < 1.04))
    assert np.abs(out.time.numpy() - TIMES[peak]).max() < 5e-4
    assert np.median(np.abs(out.time.numpy() - TIMES[peak])) < 2e-4
    # The phase at the very same time differs less than the phases at two peaks some 0.1 ms apart.
    same = np.abs(out.time.numpy()[..., None] - TIMES).argmin(-1)
    there = np.take_along_axis(filtered, same[..., None], -1)[..., 0]
    assert np.abs(np.angle(np.exp(1j * out.phase.numpy()) / there)).max() < 0.2
    assert np.mean(np.abs(np.angle(np.exp(1j * out.phase.numpy()) / there))) < 0.06

    # No other template is louder: their plain filters, summed over the detectors.
    rivals = matched_filter(canonical, data[:1], templates(canonical, np.arange(found[0] + 12), psd), psd)
    network = np.sqrt(np.sum(np.abs(rivals).max(-1) ** 2, axis=-1))
    assert network[found[0]] > 0.98 * network.max()
    assert network.min() < 0.9 * network.max()
