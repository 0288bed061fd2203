"""Which of two models the data are given to: light and heavy signals in coloured noise, no network asked."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from chirpleaf.errors import ShortStrainError
from chirpleaf.inference.observe import choose
from chirpleaf.models import Architecture, Model
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain import PowerSpectralDensity, Strain
from chirpleaf.strain.ensemble import design_log_psd

RATE, DURATION, TRIGGER = 4096.0, 64, 1_000_000_040.0
FREQUENCIES = np.arange(1, DURATION * 1024 + 1) / DURATION
IN_BAND = FREQUENCIES >= 15.0
PSD = np.exp(design_log_psd("aLIGO_design", np.maximum(FREQUENCIES, 15.0)))


@pytest.fixture(scope="module")
def models(shipped: Callable[[str], Architecture]) -> list[Model]:
    """The preprocessing of both presets before networks of no consequence."""
    small = {
        name: replace(shipped(name), root={"width": 8, "n_blocks": 1}, n_context=4) for name in ("bbh", "bbh-long")
    }
    return [Model(name, architecture, architecture.build().eval()) for name, architecture in small.items()]


def observed(chirp_mass: float, *, snr: float = 20.0, seconds: int = DURATION) -> dict[str, Strain]:
    """The same optimally oriented signal in both detectors, each with noise of its own; the last `seconds`."""
    mass_1, mass_2 = component_masses(chirp_mass, 0.8)
    binary = {"mass_1": mass_1, "mass_2": mass_2, "chi_1": 0.2, "chi_2": -0.1}
    face_on = {"luminosity_distance": 1.0, "theta_jn": 0.0, "phase": 0.3}
    hp, _ = polarizations({**binary, **face_on}, FREQUENCIES[IN_BAND])
    signal = np.zeros(len(FREQUENCIES), dtype=np.complex128)
    signal[IN_BAND] = hp[0]
    signal *= snr / np.sqrt(2) / np.sqrt(4 / DURATION * np.sum(np.abs(signal) ** 2 / PSD))
    start = TRIGGER + 20 - DURATION
    signal *= np.exp(-2j * np.pi * FREQUENCIES * (TRIGGER - start))
    strain = {}
    for seed, name in enumerate(("H1", "L1")):
        noise = np.random.default_rng(seed).standard_normal((2, len(FREQUENCIES))) * np.sqrt(PSD * DURATION / 4)
        spectrum = np.zeros(int(RATE) * DURATION // 2 + 1, dtype=np.complex128)
        spectrum[1 : len(FREQUENCIES) + 1] = signal + noise[0] + 1j * noise[1]
        values = np.fft.irfft(spectrum) * RATE
        first = len(values) - round((20 + seconds / 2) * RATE) if seconds < DURATION else 0
        values = values[first : first + round(seconds * RATE)]
        strain[name] = Strain(name, values, start + first / RATE, RATE)
    return strain


def psd() -> dict[str, PowerSpectralDensity]:
    return {name: PowerSpectralDensity(FREQUENCIES[IN_BAND], PSD[IN_BAND]) for name in ("H1", "L1")}


@pytest.mark.parametrize(
    ("chirp_mass", "expected"), [(6.5, "bbh-long"), (9.7, "bbh-long"), (20.0, "bbh"), (35.0, "bbh")]
)
def test_the_signal_goes_to_the_model_that_holds_it(models: list[Model], chirp_mass: float, expected: str) -> None:
    found = choose(models, observed(chirp_mass), psd(), TRIGGER)
    assert found.model.name == expected
    assert found.chirp_mass == pytest.approx(chirp_mass, rel=0.12)
    assert found.snr > 15.0


def test_a_light_signal_in_a_short_stretch_asks_for_a_longer_one(models: list[Model]) -> None:
    with pytest.raises(ShortStrainError, match="needs a segment of 32 s"):
        choose(models, observed(9.7, seconds=32), psd(), TRIGGER)


def test_a_heavy_signal_needs_no_longer_stretch(models: list[Model]) -> None:
    assert choose(models, observed(30.0, seconds=32), psd(), TRIGGER).model.name == "bbh"
