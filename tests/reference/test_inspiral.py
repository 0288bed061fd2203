"""Post-Newtonian phase against LALSimulation's coefficients of TaylorF2."""

import lal
import lalsimulation
import numpy as np
import pytest

from chirpleaf.physics.conversions import chirp_mass, mass_ratio
from chirpleaf.physics.inspiral import SOLAR_MASS_SECONDS, chirp_phase, phase_coefficients, phase_powers

FREQUENCIES = np.array([15.0, 30.0, 80.0])


@pytest.mark.parametrize(("mass_1", "mass_2", "chi_1", "chi_2"), [(9, 7, 0, 0), (20, 5, 0.6, -0.3), (9, 9, -0.9, 0.4)])
def test_orders(mass_1: float, mass_2: float, chi_1: float, chi_2: float) -> None:
    options = lal.CreateDict()
    # Terms quadratic in the spins are left out on both sides.
    lalsimulation.SimInspiralWaveformParamsInsertPNSpinOrder(options, lalsimulation.SIM_INSPIRAL_SPIN_ORDER_15PN)
    series = lalsimulation.SimInspiralTaylorF2AlignedPhasing(mass_1, mass_2, chi_1, chi_2, options)
    speed = (np.pi * (mass_1 + mass_2) * SOLAR_MASS_SECONDS * FREQUENCIES) ** (1 / 3)
    expected = np.stack([series.v[order] * speed ** (order - 5) for order in (0, 2, 3, 4)])
    coefficients = phase_coefficients(mass_ratio(mass_1, mass_2), chi_1, chi_2)
    found = np.asarray(coefficients)[:, None] * phase_powers(chirp_mass(mass_1, mass_2), FREQUENCIES)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_leading_order_is_the_newtonian_phase() -> None:
    np.testing.assert_allclose(phase_powers(9.0, FREQUENCIES)[0], chirp_phase(9.0, FREQUENCIES), rtol=1e-12)
