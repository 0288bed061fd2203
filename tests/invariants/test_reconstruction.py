"""Reconstruction: data without noise give the signal itself."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from chirpleaf.inference.reconstruction import SEARCH, reconstruct
from chirpleaf.physics.conversions import chirp_mass
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain.psd_estimation import welch
from chirpleaf.strain.segment import whiten_series

if TYPE_CHECKING:
    from chirpleaf.inference.observation import Observation
    from chirpleaf.models import Model

BINARY = {"mass_1": 40.0, "mass_2": 32.0, "chi_1": 0.2, "chi_2": -0.1}
INTRINSIC = {"chirp_mass": chirp_mass(40.0, 32.0), "mass_ratio": 0.8, "chi_1": 0.2, "chi_2": -0.1}


@pytest.fixture(scope="module")
def observation(model: "Model") -> "Observation":
    """GW150914's frequencies and noise, with strain that consists of a delayed, rotated and scaled waveform."""
    from chirpleaf.inference.observe import observe
    from chirpleaf.strain import load_event

    strain = load_event("GW150914")
    found = observe(model, strain, {name: welch(series) for name, series in strain.items()}, 1126259462.4)
    frequencies = found.segment.frequencies
    orbit = {"luminosity_distance": 800.0, "theta_jn": 0.7, "phase": 1.1}
    wave, _ = polarizations({**BINARY, **orbit}, frequencies)
    copies = [
        scale * wave[0] * np.exp(1j * phase - 2j * np.pi * frequencies * time)
        for scale, phase, time in ((1.0, 0.3, 0.0123), (0.6, -2.0, -0.0071))
    ]
    return replace(found, segment=replace(found.segment, strain=np.stack(copies)))


def _mismatch(observation: "Observation", binary: dict[str, float]) -> np.ndarray:
    """Power of the residual divided by the power of the signal, by detector."""
    segment = observation.segment
    (signal,) = reconstruct(observation, binary)
    left = (np.abs(segment.strain - signal) ** 2 / segment.psd).sum(axis=-1)
    return np.asarray(left / (np.abs(segment.strain) ** 2 / segment.psd).sum(axis=-1))


def test_amplitude_phase_and_time_are_found(observation: "Observation") -> None:
    assert (_mismatch(observation, INTRINSIC) < 1e-3).all()


def test_another_binary_leaves_a_larger_residual(observation: "Observation") -> None:
    other = {**INTRINSIC, "chirp_mass": chirp_mass(30.0, 24.0)}
    assert chirp_mass(30.0, 24.0) < 0.8 * chirp_mass(40.0, 32.0)
    assert (_mismatch(observation, other) > 0.02).all()


def test_a_batch_of_samples_equals_single_samples(observation: "Observation") -> None:
    many = {name: np.array([value, 1.1 * value]) for name, value in INTRINSIC.items()}
    signals = reconstruct(observation, many)
    assert signals.shape == (2, *observation.segment.strain.shape)
    np.testing.assert_allclose(signals[0], reconstruct(observation, INTRINSIC)[0])


def test_the_signal_peaks_where_the_data_do(observation: "Observation") -> None:
    segment = observation.segment
    (signal,) = whiten_series(segment, reconstruct(observation, INTRINSIC)[0], 4096.0)[:1]
    (data,) = segment.whiten(4096.0)[:1]
    assert abs(int(np.abs(signal).argmax()) - int(np.abs(data).argmax())) <= 1
    assert abs(int(np.abs(data).argmax()) / 4096.0 - (segment.duration - 2.0)) < SEARCH
