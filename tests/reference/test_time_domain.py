"""Waveforms of the time domain against LALSimulation on its own grid, and against those of the frequency domain."""

import sys
from importlib.util import find_spec

import lal
import lalsimulation
import numpy as np
import pytest
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.signals.quadrupole import inclination_factors, is_quadrupole_only
from chirpleaf.physics.waveforms import polarizations

HEAVY = {"mass_1": 36.0, "mass_2": 29.0, "chi_1": 0.3, "chi_2": -0.2}
LIGHT = {"mass_1": 9.0, "mass_2": 7.0, "chi_1": 0.3, "chi_2": -0.2}
PLACE = {"luminosity_distance": 400.0, "theta_jn": 0.4, "phase": 0.3}
GRID = np.linspace(20.0, 1000.0, 3000)

PYSEOBNR = pytest.mark.skipif(find_spec("pyseobnr") is None, reason="pyseobnr, an extra, is not installed")


def overlap(one: NDArray[np.complex128], other: NDArray[np.complex128]) -> float:
    """Normalised overlap under a curve like a detector's, the best of times and of phases."""
    weight = GRID**4 / (1 + (GRID / 100) ** 6)
    times = np.linspace(-0.1, 0.1, 4001)
    products = np.exp(2j * np.pi * np.outer(times, GRID)) @ (weight * one * other.conj())
    norms = [np.sum(weight * np.abs(series) ** 2) for series in (one, other)]
    return float(np.abs(products).max() / np.sqrt(norms[0] * norms[1]))


@pytest.mark.parametrize(
    ("binary", "approximant", "least"),
    [
        (HEAVY, "SEOBNRv4", 0.9995),
        (HEAVY, "IMRPhenomT", 0.9998),
        (LIGHT, "IMRPhenomT", 0.999),
        pytest.param(HEAVY, "SEOBNRv5HM", 0.9995, marks=PYSEOBNR),
        pytest.param(LIGHT, "SEOBNRv5HM", 0.9995, marks=PYSEOBNR),
    ],
)
def test_models_of_both_domains_agree(binary: dict[str, float], approximant: str, least: float) -> None:
    face_on = {**binary, **PLACE, "theta_jn": 0.0}  # where higher modes are silent but for m = 2
    time_domain = polarizations(face_on, GRID, approximant)[0][0]
    assert overlap(time_domain, polarizations(face_on, GRID)[0][0]) > least


def test_what_lies_between_frequencies_is_what_a_longer_segment_has_there() -> None:
    spacing, binary = 1 / 64, {**HEAVY, **PLACE}
    solar, megaparsec = lal.MSUN_SI, 1e6 * lal.PC_SI
    exact, _ = lalsimulation.SimInspiralFD(
        36 * solar, 29 * solar, 0.0, 0.0, 0.3, 0.0, 0.0, -0.2, 400 * megaparsec, 0.4, 0.3, 0.0, 0.0, 0.0,
        spacing, 16.0, 1024.0, 20.0, None, lalsimulation.IMRPhenomT,
    )  # fmt: skip
    frequencies = spacing * np.arange(exact.data.length)
    turned = exact.data.data * np.exp(-2j * np.pi * float(exact.epoch) * frequencies)
    asked = frequencies[(frequencies >= 20.0) & (frequencies <= 400.0)][1::7]
    found = polarizations(binary, asked, "IMRPhenomT")[0][0]
    expected = turned[(frequencies >= 20.0) & (frequencies <= 400.0)][1::7]
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()


def test_inclination_and_distance_enter_as_they_should() -> None:
    assert is_quadrupole_only("IMRPhenomT")
    face_on = polarizations({**HEAVY, **PLACE, "theta_jn": 0.0, "phase": 0.0}, GRID, "IMRPhenomT")[0][0]
    hp, hc = polarizations({**HEAVY, **PLACE, "luminosity_distance": 800.0}, GRID, "IMRPhenomT")
    plus, cross = inclination_factors(0.4, 0.3)
    scale = np.abs(face_on).max()
    assert np.abs(2 * hp[0] - plus * face_on).max() < 1e-3 * scale
    assert np.abs(2 * hc[0] - cross * face_on).max() < 1e-3 * scale


def test_above_the_ringdown_there_is_nothing() -> None:
    series = polarizations({**HEAVY, **PLACE}, [30.0, 100.0, 4000.0], "IMRPhenomT")[0][0]
    assert abs(series[2]) < 1e-4 * abs(series[1])


def test_pyseobnr_is_asked_for_where_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyseobnr.generate_waveform", None)
    with pytest.raises(
        InputError, match=r"expected pyseobnr for SEOBNRv5HM; got none: pip install 'chirpleaf\[seobnr\]'"
    ):
        polarizations({**HEAVY, **PLACE}, GRID, "SEOBNRv5HM")
