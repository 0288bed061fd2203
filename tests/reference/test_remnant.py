"""Remnant fits against LALInference's and LALSimulation's; quasi-normal frequencies against the `qnm` package."""

import lal
import lalsimulation
import numpy as np
import pytest
from lalinference.imrtgr import nrutils
from qnm.spinsequence import KerrSpinSeq

from chirpleaf.errors import InputError
from chirpleaf.physics.inspiral import SOLAR_MASS_SECONDS
from chirpleaf.physics.remnant import f_220, final_mass, final_spin, quasi_normal_frequency, tau_220


@pytest.fixture
def binaries():
    rng = np.random.default_rng(0)
    mass_1 = rng.uniform(5.0, 100.0, 10_000)
    mass_2 = mass_1 * rng.uniform(0.05, 1.0, 10_000)
    return mass_1, mass_2, *rng.uniform(-0.99, 0.99, (2, 10_000))


def test_final_mass_is_the_uib2016_fit(binaries):
    np.testing.assert_allclose(
        final_mass(*binaries), nrutils.bbh_final_mass_non_precessing_UIB2016(*binaries), rtol=1e-12
    )


def test_final_spin_is_the_uib2016_fit(binaries):
    expected = nrutils.bbh_final_spin_non_precessing_UIB2016(*binaries)
    np.testing.assert_allclose(final_spin(*binaries), expected, rtol=0, atol=1e-12)


def test_public_interface_of_lalinference_agrees():
    tilt_1, tilt_2 = 0.0, np.pi
    binary, aligned = (36.0, 29.0, 0.6, 0.3), (36.0, 29.0, 0.6, -0.3)
    mass = nrutils.bbh_final_mass_projected_spins(*binary, tilt_1, tilt_2, "UIB2016")
    spin = nrutils.bbh_final_spin_projected_spins(*binary, tilt_1, tilt_2, "UIB2016")
    assert float(final_mass(*aligned)) == pytest.approx(float(mass), rel=1e-12)
    assert float(final_spin(*aligned)) == pytest.approx(float(spin), rel=1e-12)


@pytest.mark.parametrize("chi_1", [-0.8, 0.0, 0.6])
@pytest.mark.parametrize("mass_ratio", [0.15, 0.7, 1.0])
def test_lalsimulation_agrees(mass_ratio, chi_1):
    mass_1, mass_2, chi_2 = 50.0, 50.0 * mass_ratio, 0.2
    eta = mass_ratio / (1 + mass_ratio) ** 2
    mass, spin = float(final_mass(mass_1, mass_2, chi_1, chi_2)), float(final_spin(mass_1, mass_2, chi_1, chi_2))
    # IMRPhenomX uses the same fits, coded anew.
    assert mass / (mass_1 + mass_2) == pytest.approx(
        lalsimulation.SimIMRPhenomXFinalMass2017(eta, chi_1, chi_2), rel=1e-9
    )
    assert spin == pytest.approx(lalsimulation.SimIMRPhenomXFinalSpin2017(eta, chi_1, chi_2), abs=1e-9)
    # IMRPhenomD uses older fits to other simulations.
    older = lalsimulation.SimPhenomUtilsIMRPhenomDFinalMass(mass_1, mass_2, chi_1, chi_2)
    assert mass / (mass_1 + mass_2) == pytest.approx(older, rel=5e-3)
    assert spin == pytest.approx(lalsimulation.SimIMRPhenomDFinalSpin(mass_1, mass_2, chi_1, chi_2), abs=0.02)


def test_exchange_of_the_holes_changes_nothing(binaries):
    mass_1, mass_2, chi_1, chi_2 = binaries
    np.testing.assert_allclose(final_mass(mass_2, mass_1, chi_2, chi_1), final_mass(*binaries), rtol=1e-12)
    np.testing.assert_allclose(final_spin(mass_2, mass_1, chi_2, chi_1), final_spin(*binaries), atol=1e-9)


def test_extreme_mass_ratio_leaves_the_big_hole_alone():
    assert float(final_spin(1.0, 1e-6, -0.7, 0.3)) == pytest.approx(-0.7, abs=1e-4)
    assert float(final_mass(1.0, 1e-6, -0.7, 0.3)) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_quasi_normal_frequencies_between_the_nodes(sign):
    # A tolerance of 1e-10 is below the solver's rounding on some processors, which then finds nothing.
    sequence = KerrSpinSeq(s=-2, l=2, m=2 * sign, n=0, a_max=0.999, tol=1e-9, cf_tol=1e-12, Nr=400)
    sequence.do_find_sequence()
    spins = np.concatenate([np.linspace(0.0, 0.99, 181), 1.0 - np.geomspace(0.01, 0.001, 20)])
    expected = np.array([sequence(float(spin))[0] for spin in spins])
    omega_r, omega_i = quasi_normal_frequency(sign * spins)
    np.testing.assert_allclose(omega_r, expected.real, rtol=0, atol=1e-7)
    np.testing.assert_allclose(omega_i, -expected.imag, rtol=0, atol=1e-7)


def test_published_values():
    # Leaver (1985), table 1 for a hole without spin; Berti, Cardoso & Starinets, arXiv:0905.2975, at spin 0.7.
    omega_r, omega_i = quasi_normal_frequency([0.0, 0.7])
    np.testing.assert_allclose(omega_r, [0.37367, 0.53260], atol=1e-5)
    np.testing.assert_allclose(omega_i, [0.08896, 0.08079], atol=1e-5)


def test_both_branches_meet_smoothly_at_zero_spin():
    spins = np.linspace(-0.05, 0.05, 101)
    for omega in quasi_normal_frequency(spins):
        assert np.abs(np.diff(omega, 3)).max() < 1e-7
    omega_r, _ = quasi_normal_frequency(np.linspace(-0.999, 0.999, 1000))
    assert np.all(np.diff(omega_r) > 0.0)


def test_physical_frequency_and_damping_time():
    assert pytest.approx(lal.MTSUN_SI, rel=1e-12) == SOLAR_MASS_SECONDS
    omega_r, omega_i = quasi_normal_frequency(0.7)
    seconds = 68.0 * lal.MTSUN_SI
    assert float(f_220(68.0, 0.7)) == pytest.approx(omega_r / (2 * np.pi * seconds), rel=1e-12)
    assert float(tau_220(68.0, 0.7)) == pytest.approx(1e3 * seconds / omega_i, rel=1e-12)
    # GW150914's ringdown as published (arXiv:1602.03841): 251 (+8 -8) Hz, 4.0 (+0.3 -0.3) ms at the medians below.
    assert float(f_220(67.6, 0.67)) == pytest.approx(251.0, abs=8.0)
    assert float(tau_220(67.6, 0.67)) == pytest.approx(4.0, abs=0.3)


@pytest.mark.parametrize("spin", [1.0, -1.0, 0.9995, np.nan, [0.5, -2.0]])
def test_spins_off_the_table_are_refused(spin):
    with pytest.raises(InputError, match="final_spin"):
        quasi_normal_frequency(spin)


@pytest.mark.parametrize(
    "binary", [(0.0, 1.0, 0.0, 0.0), (1.0, -1.0, 0.0, 0.0), (1.0, 1.0, 1.1, 0.0), (1.0, 1.0, 0.0, np.nan)]
)
@pytest.mark.parametrize("fit", [final_mass, final_spin])
def test_impossible_binaries_are_refused(fit, binary):
    with pytest.raises(InputError, match="expected"):
        fit(*binary)
