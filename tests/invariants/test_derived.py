"""Derived parameters: they follow from the intrinsic ones."""

import numpy as np

from chirpleaf.physics import remnant
from chirpleaf.physics.derived import derived
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.result.posterior import HEADLINE


def test_derived_parameters_follow_from_the_four() -> None:
    prior = IntrinsicPrior().sample(300, np.random.default_rng(0))
    found = derived(prior)
    assert set(found) <= set(PARAMETERS)
    assert set(HEADLINE) <= set(found)
    for name, values in prior.items():
        np.testing.assert_array_equal(found[name], values)
    mass_1, mass_2 = found["mass_1"], found["mass_2"]
    np.testing.assert_allclose(mass_2 / mass_1, prior["mass_ratio"])
    np.testing.assert_allclose((mass_1 * mass_2) ** 0.6 / (mass_1 + mass_2) ** 0.2, prior["chirp_mass"])
    np.testing.assert_allclose(found["total_mass"], mass_1 + mass_2)
    spins = mass_1 * prior["chi_1"] + mass_2 * prior["chi_2"]
    np.testing.assert_allclose(found["chi_eff"], spins / found["total_mass"], atol=1e-12)
    assert np.all(found["final_mass"] < found["total_mass"])
    # The mode's frequency and damping time are the dimensionless ones in units of the final mass.
    seconds = found["final_mass"] * 4.925490947641267e-06
    np.testing.assert_allclose(2 * np.pi * found["f_220"] * seconds, found["omega_r"], rtol=1e-9)
    np.testing.assert_allclose(np.abs(found["omega_i"]) * found["tau_220"] * 1e-3, seconds, rtol=1e-9)
    np.testing.assert_allclose(found["final_spin"], remnant.final_spin(mass_1, mass_2, prior["chi_1"], prior["chi_2"]))
