"""Modes of aligned spins against LALSimulation: spherical harmonics, and the sum at any inclination and phase."""

import lal
import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.signals import AlignedModes, Quadrupole, make_likelihood_model
from chirpleaf.physics.signals.aligned_modes import mode_factors, spin_weighted_harmonic
from chirpleaf.physics.signals.quadrupole import inclination_factors
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.physics.waveforms import polarizations

N = 8
FREQUENCIES = np.arange(20.0, 500.0, 1.0)
THETA, PHASE = np.random.default_rng(3).uniform(0, np.pi, (2, N)) * [[1], [2]]


def binaries() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    chi_1, chi_2 = rng.uniform(-0.9, 0.9, (2, N))
    return {
        "chirp_mass": rng.uniform(15.0, 60.0, N),
        "mass_ratio": rng.uniform(0.15, 1.0, N),
        "chi_1": chi_1,
        "chi_2": chi_2,
    }


@pytest.mark.parametrize("degree", [2, 3, 4, 5])
def test_harmonics_are_those_of_lal(degree: int) -> None:
    for order in range(-degree, degree + 1):
        expected = [lal.SpinWeightedSphericalHarmonic(one, 0.0, -2, degree, order).real for one in THETA]
        np.testing.assert_allclose(spin_weighted_harmonic(degree, order, THETA), expected, atol=1e-12)


def test_the_factors_of_the_quadrupole_are_those_of_its_signal_model() -> None:
    plus, cross = inclination_factors(THETA, 0.0)
    np.testing.assert_allclose(mode_factors((2, 2), THETA)[0], plus.real, atol=1e-12)
    np.testing.assert_allclose(mode_factors((2, 2), THETA)[1], cross, atol=1e-12)


@pytest.mark.parametrize("approximant", ["IMRPhenomXHM", "IMRPhenomHM", "IMRPhenomXPHM"])
def test_the_sum_of_the_modes_is_the_waveform(approximant: str) -> None:
    signal, own = AlignedModes(WaveformSettings(approximant)), binaries()
    mass_1, mass_2 = component_masses(own["chirp_mass"], own["mass_ratio"])
    place = {"mass_1": mass_1, "mass_2": mass_2, "luminosity_distance": 1.0, "theta_jn": THETA, "phase": PHASE}
    direct = polarizations({**own, **place}, FREQUENCIES, approximant)
    series = signal.series(own, FREQUENCIES)
    for patterns, expected in zip(((1.0, 0.0), (0.0, 1.0)), direct, strict=True):
        found = np.einsum("ns,nsf->nf", signal.response(*patterns, THETA, PHASE), series)
        scale = np.abs(direct).max(axis=(0, 2))[:, None]
        assert np.abs(found - expected).max() < 2e-4 * scale.max()
        np.testing.assert_allclose(found / scale, expected / scale, atol=2e-4)


def test_the_likelihood_has_the_modes_that_can_be_separated() -> None:
    assert isinstance(make_likelihood_model(WaveformSettings("IMRPhenomXAS")), Quadrupole)
    found = make_likelihood_model(WaveformSettings("IMRPhenomXHM"))
    assert isinstance(found, AlignedModes)
    assert found.modes == ((2, 1), (2, 2), (3, 2), (3, 3), (4, 4))
    assert make_likelihood_model(WaveformSettings("IMRPhenomXPHM"), "multimode").harmonics == (1, 1, 2, 2, 3, 3, 4, 4)
    late = WaveformSettings("IMRPhenomTHM")  # of the time domain: its samples are weighted a second time
    assert not make_likelihood_model(late).has_all_modes()
    with pytest.raises(InputError, match=r"expected an approximant of the frequency domain .*; got IMRPhenomTHM"):
        AlignedModes(late)
