"""Loudness of noise: design curves of a detector are usual, strain in other units is not."""

import numpy as np
import pytest

from chirpleaf.inference.trust.loudness import examine_loudness
from chirpleaf.result.trust import Level
from chirpleaf.strain import PowerSpectralDensity
from chirpleaf.strain.ensemble import design_log_psd
from chirpleaf.strain.spectral_lines import detector_table
from chirpleaf.strain.usual_noise import compare_loudness

FREQUENCIES = np.arange(20.0, 1024.0)


def make_spectrum(curve: str, factor: float = 1.0) -> PowerSpectralDensity:
    return PowerSpectralDensity(FREQUENCIES, factor**2 * np.exp(design_log_psd(curve, FREQUENCIES)))


@pytest.mark.parametrize("detector", ["H1", "V1", "K1"])
def test_curves_of_a_detector_are_usual(detector: str) -> None:
    table = detector_table()
    for curves in table["families"][table["instruments"][detector]].values():
        for curve in curves:
            assert compare_loudness(make_spectrum(curve), detector) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("factor", "expected", "level"),
    [(10.0, 3.5, Level.WARN), (1e21, 3.5e20, Level.REFUSE), (0.2, 0.215, Level.WARN), (1e-3, 1.07e-3, Level.REFUSE)],
)
def test_strain_in_other_units_is_found(factor: float, expected: float, level: Level) -> None:
    spectra = {"H1": make_spectrum("aLIGO_design", factor), "L1": make_spectrum("aLIGO_design")}
    (found,) = examine_loudness(spectra, ("H1", "L1"))
    assert (found.detector, found.level) == ("H1", level)
    assert found.value == pytest.approx(expected, rel=0.02)
    assert "H1: the noise has" in found.message


def test_other_detectors_and_bands_have_no_usual_noise() -> None:
    high = PowerSpectralDensity(np.arange(500.0, 900.0), np.full(400, 1e-30))
    assert compare_loudness(make_spectrum("aLIGO_design", 1e9), "G1") == 1.0
    assert compare_loudness(high, "H1") == 1.0
