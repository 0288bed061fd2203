"""Known lines show a wrong sampling rate in the header, where the data have them."""

from dataclasses import replace

import numpy as np
import pytest

from chirpleaf.inference.trust.settings import DataSettings
from chirpleaf.strain import PowerSpectralDensity, load_event
from chirpleaf.strain.line_frequencies import find_rate_factor
from chirpleaf.strain.noise_spectrum import estimate_spectrum

LIMIT = DataSettings().rate_refuse
SPECTRA = {
    (event, name): estimate_spectrum(strain)
    for event in ("GW150914", "GW170814")
    for name, strain in load_event(event).items()
}
UNCLEANED = [("GW150914", "H1"), ("GW150914", "L1"), ("GW170814", "V1")]


@pytest.mark.parametrize("which", SPECTRA)
def test_the_rate_of_recorded_strain_is_right(which: tuple[str, str]) -> None:
    assert find_rate_factor(SPECTRA[which], which[1])[1] < LIMIT


@pytest.mark.parametrize("which", UNCLEANED)
@pytest.mark.parametrize("factor", [2.0, 4.0, 4000 / 4096, 4096 / 4000])
def test_a_wrong_rate_is_found_with_its_factor(which: tuple[str, str], factor: float) -> None:
    spectrum = replace(SPECTRA[which], frequencies=SPECTRA[which].frequencies * factor)
    found, excess = find_rate_factor(spectrum, which[1])
    assert found == factor
    assert excess > LIMIT


def test_noise_without_lines_says_nothing() -> None:
    values = np.random.default_rng(0).gamma(20.0, 1e-47, 8000)
    flat = PowerSpectralDensity(np.arange(1, 8001) / 4, values)
    assert find_rate_factor(flat, "H1")[1] < LIMIT
    assert find_rate_factor(replace(flat, values=np.full(8000, np.inf)), "H1") == (1.0, -np.inf)
