"""Noise spectra and strain of another scale than a detector's are refused before anything is computed with them."""

from dataclasses import replace

import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.inference.noise_spectra import NoiseData, gather_spectra, inspect_source
from chirpleaf.inference.sources import Source
from chirpleaf.strain import PowerSpectralDensity, load_event
from chirpleaf.strain.conditioning import DEFAULT_CONDITIONING
from chirpleaf.strain.events import events
from chirpleaf.strain.noise_spectrum import DEFAULT_SPECTRUM

TRIGGER = events()["GW150914"].trigger_time
STRAIN = load_event("GW150914")["H1"]


def gather(factor: float = 1.0, given: PowerSpectralDensity | None = None) -> PowerSpectralDensity:
    source = Source("strain", TRIGGER, {"H1": replace(STRAIN, values=STRAIN.values * factor)})
    flaws = inspect_source(source, [8.0], DEFAULT_SPECTRUM)["H1"]
    noise = NoiseData.select(source.strain["H1"], flaws, [8.0], DEFAULT_SPECTRUM, DEFAULT_CONDITIONING)
    return gather_spectra(source, {} if given is None else {"H1": given}, {"H1": noise})["H1"]


@pytest.fixture(scope="module")
def spectrum() -> PowerSpectralDensity:
    return gather()


@pytest.mark.parametrize("factor", [1e21, 1e8, 1e-8, 1e-21, 1e150, 1e-150])
@pytest.mark.parametrize("given", [False, True])
def test_strain_of_another_scale_is_refused(factor: float, given: bool, spectrum: PowerSpectralDensity) -> None:
    with pytest.raises(InputError, match=r"H1 strain: expected dimensionless strain .* got noise of .*: give the cali"):
        gather(factor, spectrum if given else None)


@pytest.mark.parametrize("factor", [1e6, 1e-6, 100.0, 0.01, 1e40, 1e-40])
def test_a_spectrum_of_another_scale_is_refused(factor: float, spectrum: PowerSpectralDensity) -> None:
    scaled = replace(spectrum, values=spectrum.values * factor)
    with pytest.raises(InputError, match=r"H1 power spectral density: expected one .* got .* another unit"):
        gather(given=scaled)


def test_an_amplitude_spectrum_is_named(spectrum: PowerSpectralDensity) -> None:
    amplitude = replace(spectrum, values=np.sqrt(spectrum.values))
    with pytest.raises(InputError, match=r"got .* times that power, an amplitude spectral density, .*: square it"):
        gather(given=amplitude)


@pytest.mark.parametrize("factor", [0.2, 1.0, 5.0])
def test_a_spectrum_of_about_the_right_scale_is_taken(factor: float, spectrum: PowerSpectralDensity) -> None:
    scaled = replace(spectrum, values=spectrum.values * factor)
    assert gather(given=scaled) is scaled


@pytest.mark.parametrize("mark", [np.inf, 0.0])
def test_a_wide_notch_within_the_compared_band_is_taken(mark: float, spectrum: PowerSpectralDensity) -> None:
    """60 Hz are 6 % of the analysed band, and 17 % of that in which scales are compared."""
    inside = (spectrum.frequencies >= 100) & (spectrum.frequencies <= 160)
    notched = replace(spectrum, values=np.where(inside, mark, spectrum.values))
    assert gather(given=notched) is notched
    with pytest.raises(InputError, match=r"H1 power spectral density: expected one .* another unit"):
        gather(given=replace(notched, values=100.0 * notched.values))


def test_a_spectrum_of_other_frequencies_is_taken(spectrum: PowerSpectralDensity) -> None:
    high = PowerSpectralDensity(np.array([500.0, 2000.0]), np.array([1e-30, 1e-30]))
    assert gather(given=high) is high
