"""Test of general relativity: the cut-off, parts of the band, the flat prior, and the quantile."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest

from chirpleaf.errors import InputError
from chirpleaf.inference.certify import Target
from chirpleaf.inference.relativity.comparison import INSPIRAL, POST_INSPIRAL, examine_loudness
from chirpleaf.inference.relativity.deviation import compare_remnants, find_deviation
from chirpleaf.inference.relativity.flat_prior import find_remnant, flatten_target
from chirpleaf.inference.relativity.leaves import compare_quantity
from chirpleaf.inference.relativity.settings import DEFAULT_RELATIVITY, RelativitySettings
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.kerr import innermost_stable_frequency, innermost_stable_radius
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.result.trust import Level
from chirpleaf.strain.segment import Segment

PRIOR = IntrinsicPrior(mass_min=10.0, mass_max=80.0)


def test_radius_solves_the_equation_of_marginal_stability() -> None:
    spin = np.linspace(-1, 1, 41)
    radius = innermost_stable_radius(spin)
    np.testing.assert_allclose(radius**2 - 6 * radius + 8 * spin * np.sqrt(radius) - 3 * spin**2, 0, atol=1e-6)
    assert (np.diff(radius) < 0).all()
    np.testing.assert_allclose(innermost_stable_radius([-1.0, 0.0, 1.0]), [9.0, 6.0, 1.0], rtol=1e-7)


def test_frequency_without_spin_is_that_of_the_textbook() -> None:
    # 2.2 kHz (orbit: half) for one solar mass and an orbit at six masses: f = 4400 Hz M_sun / M
    assert innermost_stable_frequency(10.0, 0.0) == pytest.approx(439.7, abs=0.1)
    with pytest.raises(InputError, match="spins within"):
        innermost_stable_frequency(10.0, 1.1)


def test_parts_of_the_band_share_all_frequencies() -> None:
    frequencies = np.arange(160.0, 800.0) / 8
    strain = (frequencies + 1j)[None]
    segment = Segment(("H1",), strain, np.ones_like(strain.real), frequencies, 8.0, 0.0)
    low, high = segment.select_band(0.0, 50.0), segment.select_band(50.0, np.inf)
    np.testing.assert_array_equal(np.concatenate([low.strain, high.strain], axis=1), strain)
    assert low.frequencies[-1] < 50.0 <= high.frequencies[0]
    assert low.psd.shape == low.strain.shape
    with pytest.raises(InputError, match="expected a band within 20 to"):
        segment.select_band(0.0, 20.0)


@pytest.mark.parametrize("name", ["final_mass", "final_spin"])
def test_remnant_is_uniform_under_the_flat_prior(name: str) -> None:
    target, flat = flatten_target(Target(PRIOR), PRIOR)
    draws = PRIOR.sample(40_000, np.random.default_rng(1))
    remnant = find_remnant(draws)
    inside = (np.abs(remnant["final_mass"] - 85) < 25) & (np.abs(remnant["final_spin"] - 0.65) < 0.22)
    log_weight = target.intrinsic.log_prob(draws) - PRIOR.log_prob(draws)
    np.testing.assert_allclose(log_weight, flat.correct(remnant))
    chosen = np.random.default_rng(2).random(len(inside)) < inside * np.exp(log_weight - log_weight[inside].max())
    values = remnant[name]
    assert kstest(values[chosen], "uniform", _frame(values[inside])).pvalue > 1e-3
    assert kstest(values[inside][: chosen.sum()], "uniform", _frame(values[inside])).pvalue < 1e-6


def _frame(values: np.ndarray) -> tuple[float, float]:
    return float(values.min()), float(np.ptp(values))


def test_a_prior_that_fixes_a_spin_is_refused() -> None:
    with pytest.raises(InputError, match="fixes chi_1"):
        flatten_target(replace(Target(PRIOR), fixed={"chi_1": 0.0}), PRIOR)


def remnants(mass: float, spin: float, seed: int) -> Samples:
    rng = np.random.default_rng(seed)
    return {"final_mass": rng.normal(mass, 1.0, 4000), "final_spin": rng.normal(spin, 0.01, 4000)}


@pytest.mark.parametrize("sigmas", [0.0, 1.0, 2.0])
def test_quantile_is_that_of_two_normal_posteriors(sigmas: float) -> None:
    difference = sigmas * np.sqrt(2)  # both parts have a standard deviation of one
    found = compare_remnants(remnants(100.0 + difference, 0.7, 1), remnants(100.0, 0.7, 2))
    assert found.quantile == pytest.approx(1 - np.exp(-(sigmas**2) / 2), abs=0.03)
    mass, spin = found.quantiles((0.05, 0.5, 0.95))
    assert mass[1] == pytest.approx(difference / 100, abs=2e-3)
    assert spin[2] - spin[0] == pytest.approx(2 * 1.645 * np.sqrt(2) * 0.01 / 0.7, rel=0.05)


def test_sign_and_mean_of_a_deviation() -> None:
    np.testing.assert_allclose(find_deviation(np.array([63.0, 1.0]), np.array([57.0, -1.0])), [0.1, np.inf])
    assert compare_remnants(remnants(110.0, 0.7, 1), remnants(100.0, 0.8, 2)).quantiles((0.5,))[0][0] > 0


@pytest.mark.parametrize("name", [INSPIRAL, POST_INSPIRAL])
def test_a_part_with_too_little_signal_is_refused(name: str) -> None:
    loud = {INSPIRAL: 10.0, POST_INSPIRAL: 10.0}
    assert examine_loudness(loud, DEFAULT_RELATIVITY) == ()
    (finding,) = examine_loudness({**loud, name: 5.9}, DEFAULT_RELATIVITY)
    assert finding.level is Level.REFUSE
    assert f"the {name} has a signal-to-noise ratio of 5.9" in finding.message


def test_a_leaf_and_a_fit_are_compared_by_weight() -> None:
    fit = np.concatenate([np.linspace(0, 1, 500), np.linspace(5, 6, 500)])
    weight = np.repeat([1.0, 0.0], 500)
    same = compare_quantity("omega_r", np.linspace(0, 1, 300), fit, weight)
    assert same.quantile == pytest.approx(0.5, abs=0.01)
    assert same.fit == pytest.approx((0.05, 0.5, 0.95), abs=0.01)
    assert compare_quantity("omega_r", np.full(3, 2.0), fit, weight).quantile == pytest.approx(1.0)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="pairs"):
        RelativitySettings(pairs=0)
