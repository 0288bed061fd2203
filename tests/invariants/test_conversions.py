"""Conversions: round trips, Jacobians against autograd, one formula for floats, arrays and tensors."""

import math
import subprocess
import sys

import lalsimulation
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chirpleaf.physics.conversions import chi_eff, chirp_mass, component_masses, mass_ratio, symmetric_mass_ratio
from chirpleaf.physics.parameters import PARAMETERS

masses = st.floats(1.0, 1000.0)
ratios = st.floats(0.01, 1.0)
spins = st.floats(-1.0, 1.0)


@given(masses, ratios)
def test_masses_round_trip(chirp, ratio):
    mass_1, mass_2 = component_masses(chirp, ratio)
    assert mass_1 >= mass_2 > 0.0
    assert chirp_mass(mass_1, mass_2) == pytest.approx(chirp, rel=1e-12)
    assert mass_ratio(mass_1, mass_2) == pytest.approx(ratio, rel=1e-12)


@given(masses, ratios)
def test_chirp_mass_is_the_total_mass_times_a_power_of_eta(mass_1, ratio):
    mass_2 = ratio * mass_1
    eta = symmetric_mass_ratio(ratio)
    assert eta == pytest.approx(mass_1 * mass_2 / (mass_1 + mass_2) ** 2, rel=1e-12)
    assert eta <= 0.25
    assert chirp_mass(mass_1, mass_2) == pytest.approx((mass_1 + mass_2) * eta**0.6, rel=1e-12)
    assert symmetric_mass_ratio(1 / ratio) == pytest.approx(eta, rel=1e-12)


@given(ratios, spins, spins)
def test_effective_spin_is_a_mean(ratio, chi_1, chi_2):
    assert min(chi_1, chi_2) - 1e-12 <= chi_eff(ratio, chi_1, chi_2) <= max(chi_1, chi_2) + 1e-12
    expected = lalsimulation.SimIMRPhenomBComputeChi(30.0, 30.0 * ratio, chi_1, chi_2)
    assert chi_eff(ratio, chi_1, chi_2) == pytest.approx(expected, abs=1e-12)


def test_known_values():
    assert chirp_mass(1.4, 1.4) == pytest.approx(1.4 * 2**-0.2)
    assert chirp_mass(36.0, 29.0) == pytest.approx(28.09555, abs=1e-5)
    assert chi_eff(0.5, 0.9, 0.0) == pytest.approx(0.6)


def test_mass_jacobian_against_autograd():
    rng = np.random.default_rng(0)
    for chirp, ratio in zip(rng.uniform(5.0, 80.0, 20), rng.uniform(0.1, 1.0, 20), strict=True):
        point = (torch.tensor(chirp, dtype=torch.float64), torch.tensor(ratio, dtype=torch.float64))
        rows = torch.autograd.functional.jacobian(component_masses, point)
        determinant = torch.linalg.det(torch.stack([torch.stack(row) for row in rows]))
        assert abs(float(determinant)) == pytest.approx(chirp * ratio**-1.2 * (1 + ratio) ** 0.4, rel=1e-12)


@pytest.mark.parametrize("make", [np.asarray, torch.tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (component_masses, ([20.0, 30.0], [0.3, 0.9])),
        (chirp_mass, ([20.0, 30.0], [10.0, 30.0])),
        (mass_ratio, ([20.0, 30.0], [10.0, 30.0])),
        (symmetric_mass_ratio, ([0.3, 0.9],)),
        (chi_eff, ([0.3, 0.9], [-0.2, 0.8], [0.1, 0.5])),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_batch_equals_loop_for_arrays_and_tensors(make, function, arguments):
    batch = np.asarray(function(*(make(values) for values in arguments)))
    loop = np.transpose([function(*values) for values in zip(*arguments, strict=True)])
    np.testing.assert_allclose(batch, loop, rtol=1e-6)


def test_parameters_are_listed_consistently():
    assert all(name == parameter.name for name, parameter in PARAMETERS.items())
    assert all(parameter.minimum < parameter.maximum for parameter in PARAMETERS.values())
    assert len({parameter.latex for parameter in PARAMETERS.values()}) == len(PARAMETERS)
    assert {parameter.unit for parameter in PARAMETERS.values()} == {"", "M_sun", "Mpc", "rad", "s", "Hz", "ms"}
    assert PARAMETERS["theta_jn"].maximum == math.pi
    assert PARAMETERS["mass_ratio"].label == "$q$"
    assert PARAMETERS["luminosity_distance"].label == "$d_L$ [Mpc]"
    for name, parameter in PARAMETERS.items():
        if name.endswith("_source"):
            assert parameter.unit == PARAMETERS[name.removesuffix("_source")].unit


def test_the_room_opens_without_lal():
    code = "import sys, chirpleaf.physics; sys.exit('lal' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
