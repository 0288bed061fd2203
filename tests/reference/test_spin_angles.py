"""Spins of precessing binaries against LALSimulation and bilby, and their prior against that of bilby's angles."""

import lal
import lalsimulation
import numpy as np
import pytest
from scipy.stats import kstest

from chirpleaf.physics.conversions import component_masses, symmetric_mass_ratio
from chirpleaf.physics.derived import derived, viewing_angle
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.spin_angles import (
    PRECESSING,
    SPIN_ANGLES,
    chi_p,
    from_spin_angles,
    to_components,
    to_spin_angles,
)

N, FREQUENCY = 300, 20.0
PRIOR = PrecessingPrior()
COMPONENTS = ("iota", "spin_1x", "spin_1y", "spin_1z", "spin_2x", "spin_2y", "spin_2z")


def draw_angles(n: int = N) -> dict[str, np.ndarray]:
    """Binaries by bilby's names."""
    rng = np.random.default_rng(0)
    polar = {name: np.arccos(rng.uniform(-1, 1, n)) for name in ("tilt_1", "tilt_2", "theta_jn")}
    turns = {name: rng.uniform(0, 2 * np.pi, n) for name in ("phi_12", "phi_jl", "phase")}
    sizes = {name: rng.uniform(0, 0.99, n) for name in ("a_1", "a_2")}
    return {"chirp_mass": rng.uniform(5, 80, n), "mass_ratio": rng.uniform(0.1, 1, n), **polar, **turns, **sizes}


def lal_components(row: dict[str, float]) -> tuple[float, ...]:
    mass_1, mass_2 = component_masses(row["chirp_mass"], row["mass_ratio"])
    angles = [row[name] for name in ("theta_jn", "phi_jl", "tilt_1", "tilt_2", "phi_12", "a_1", "a_2")]
    masses = (mass_1 * lal.MSUN_SI, mass_2 * lal.MSUN_SI)
    return lalsimulation.SimInspiralTransformPrecessingNewInitialConditions(*angles, *masses, FREQUENCY, row["phase"])


def rows(samples: dict[str, np.ndarray]) -> list[dict[str, float]]:
    return [{name: float(values[i]) for name, values in samples.items()} for i in range(len(samples["chirp_mass"]))]


def test_components_are_those_of_lalsimulation_and_bilby() -> None:
    from bilby.gw.conversion import bilby_to_lalsimulation_spins

    angles = draw_angles()
    found = to_components(from_spin_angles(angles, FREQUENCY), angles["phase"])
    found = np.stack([found[name] for name in COMPONENTS], axis=1)
    np.testing.assert_allclose(found, [lal_components(row) for row in rows(angles)], atol=1e-12)
    mass_1, mass_2 = (mass * lal.MSUN_SI for mass in component_masses(angles["chirp_mass"], angles["mass_ratio"]))
    for index, row in enumerate(rows(angles)[:20]):
        spins = [row[name] for name in ("theta_jn", "phi_jl", "tilt_1", "tilt_2", "phi_12", "a_1", "a_2")]
        expected = bilby_to_lalsimulation_spins(*spins, mass_1[index], mass_2[index], FREQUENCY, row["phase"])
        np.testing.assert_allclose(found[index], expected, atol=1e-12)


def test_angles_come_back() -> None:
    angles = draw_angles()
    again = to_spin_angles(from_spin_angles(angles, FREQUENCY), FREQUENCY)
    assert tuple(again) == SPIN_ANGLES
    for name in SPIN_ANGLES:
        np.testing.assert_allclose(again[name], angles[name], atol=1e-10)


def test_the_nine_numbers_come_back() -> None:
    nine = PRIOR.sample(N, np.random.default_rng(1))
    again = from_spin_angles({**nine, **to_spin_angles(nine, FREQUENCY)}, FREQUENCY)
    assert tuple(again) == PRECESSING
    for name in PRECESSING:
        difference = again[name] - nine[name]
        if name.startswith("azimuth"):
            difference = (difference + np.pi) % (2 * np.pi) - np.pi
        np.testing.assert_allclose(difference, 0.0, atol=1e-10)


def test_spins_along_the_orbital_angular_momentum_have_the_inclination_of_it() -> None:
    """Also where the spins outweigh the orbit: bilby's convention."""
    still = dict.fromkeys(PRECESSING, np.zeros(3)) | {
        **{"chirp_mass": np.full(3, 30.0), "mass_ratio": np.full(3, 0.13)},
        **{"chi_1": np.array([0.3, 0.0, -0.99]), "cos_iota": np.array([-1.0, 0.2, 1.0])},
    }
    found = to_spin_angles(still, FREQUENCY)
    np.testing.assert_allclose(np.cos(found["theta_jn"]), still["cos_iota"], atol=1e-12)
    np.testing.assert_allclose(found["tilt_1"], [0.0, 0.0, np.pi])
    again = from_spin_angles({**still, **found}, FREQUENCY)
    np.testing.assert_allclose(again["cos_iota"], still["cos_iota"], atol=1e-12)
    np.testing.assert_array_equal(again["chi_1_in_plane"], 0.0)


def test_the_prior_is_isotropic_in_the_angles_of_bilby() -> None:
    """One-dimensional distributions, which a wrong measure of the nine numbers would bend."""
    from bilby.core.prior import Sine, Uniform

    turn, sine, size = Uniform(0, 2 * np.pi), Sine(), Uniform(0, 0.99)
    expected = {"a_1": size, "a_2": size, "tilt_1": sine, "tilt_2": sine, "theta_jn": sine}
    found = to_spin_angles(PRIOR.sample(20_000, np.random.default_rng(2)), FREQUENCY)
    for name in SPIN_ANGLES:
        assert kstest(found[name], expected.get(name, turn).cdf).pvalue > 1e-3, name


def test_the_density_is_that_of_bilby_times_the_jacobian() -> None:
    """ln p(nine) = ln p(angles) + ln |d angles / d nine|, by finite differences."""
    from bilby.core.prior import Sine, Uniform

    nine = PRIOR.sample(40, np.random.default_rng(3))
    turn, sine, size = Uniform(0, 2 * np.pi), Sine(), Uniform(0, 0.99)
    kinds = {"a_1": size, "a_2": size, "tilt_1": sine, "tilt_2": sine, "theta_jn": sine, "phi_12": turn, "phi_jl": turn}
    angles = to_spin_angles(nine, FREQUENCY)
    density = sum(kinds[name].ln_prob(angles[name]) for name in SPIN_ANGLES) + PRIOR.log_prob_masses(nine)
    columns = []
    for name in PRECESSING[2:]:
        up, down = (to_spin_angles({**nine, name: nine[name] + step}, FREQUENCY) for step in (1e-6, -1e-6))
        change = np.stack([up[angle] - down[angle] for angle in SPIN_ANGLES], axis=-1)
        columns.append(((change + np.pi) % (2 * np.pi) - np.pi) / 2e-6)
    jacobian = np.linalg.slogdet(np.stack(columns, axis=-1))[1]
    np.testing.assert_allclose(PRIOR.log_prob(nine), density + jacobian, atol=2e-3)


def test_effective_precession_is_that_of_bilby() -> None:
    from bilby.gw.conversion import generate_spin_parameters

    nine = PRIOR.sample(N, np.random.default_rng(4))
    angles = to_spin_angles(nine, FREQUENCY)
    mass_1, mass_2 = component_masses(nine["chirp_mass"], nine["mass_ratio"])
    rest = {"mass_1": mass_1, "mass_2": mass_2, "reference_frequency": FREQUENCY, "phase": np.zeros(N)}
    expected = generate_spin_parameters({**nine, **angles, **rest})
    np.testing.assert_allclose(
        chi_p(nine["mass_ratio"], nine["chi_1_in_plane"], nine["chi_2_in_plane"]), expected["chi_p"]
    )
    found = derived(nine)
    for name in ("chi_p", "a_1", "tilt_2", "phi_12"):
        np.testing.assert_allclose(found[name], {**angles, **expected}[name], atol=1e-10)


def test_the_final_spin_is_that_of_lalsimulation() -> None:
    nine = PRIOR.sample(50, np.random.default_rng(5))
    nine["chi_2_in_plane"] = np.zeros(50)
    found = derived(nine)
    for row in rows({**nine, **found}):
        share = row["mass_1"] / (row["mass_1"] + row["mass_2"])
        eta, in_plane = float(symmetric_mass_ratio(row["mass_ratio"])), row["chi_1_in_plane"]
        expected = lalsimulation.SimIMRPhenomXPrecessingFinalSpin2017(eta, row["chi_1"], row["chi_2"], in_plane)
        assert row["final_spin"] == pytest.approx(expected, abs=1e-9)
        mass = lalsimulation.SimIMRPhenomXFinalMass2017(eta, row["chi_1"], row["chi_2"])
        assert row["final_mass"] / row["total_mass"] == pytest.approx(mass, abs=1e-9), share


def test_opposite_in_plane_spins_cancel_in_the_final_spin() -> None:
    equal = {name: np.zeros(2) for name in PRECESSING} | {"chirp_mass": np.full(2, 30.0), "mass_ratio": np.ones(2)}
    equal |= {"chi_1_in_plane": np.full(2, 0.6), "chi_2_in_plane": np.full(2, 0.6), "azimuth_2": np.array([0.0, np.pi])}
    together, opposite = derived(equal)["final_spin"]
    aligned = derived({name: equal[name] for name in PRECESSING[:4]})["final_spin"][0]
    assert opposite == pytest.approx(aligned)
    assert together == pytest.approx(np.hypot(aligned, 0.3))


def test_viewing_angles_are_below_a_right_angle() -> None:
    np.testing.assert_allclose(viewing_angle(np.array([0.3, 1.2, 2.5])), [0.3, 1.2, np.pi - 2.5])
