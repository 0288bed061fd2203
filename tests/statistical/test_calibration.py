"""Calibration tests detect posteriors that are too narrow, too wide or biased; divergences of known posteriors."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import kstest, norm

from chirpleaf.diagnostics import calibration, comparison, errors
from chirpleaf.diagnostics.binning import bin_labels, bin_names
from chirpleaf.errors import InputError

Array = NDArray[np.float64]

N_INJECTIONS, N_SAMPLES = 1000, 1000
NOISE = 0.5
EXACT_MEAN, EXACT_WIDTH = 1.0 / (1.0 + NOISE**2), NOISE / np.sqrt(1.0 + NOISE**2)


def experiment(seed: int, *, width: float = 1.0, bias: float = 0.0) -> tuple[Array, Array]:
    """Samples and truths of theta ~ N(0, 1), d = theta + noise, whose exact posterior is Gaussian."""
    rng = np.random.default_rng(seed)
    truths = rng.normal(size=N_INJECTIONS)
    data = truths + NOISE * rng.normal(size=N_INJECTIONS)
    centres = EXACT_MEAN * data + bias * EXACT_WIDTH
    samples = centres[:, None] + width * EXACT_WIDTH * rng.normal(size=(N_INJECTIONS, N_SAMPLES))
    return samples, truths


def test_exact_posterior_passes() -> None:
    ranks = calibration.percentile_ranks(*experiment(1))
    assert calibration.pp_test(ranks).p_value > 0.01
    assert calibration.coverage(ranks, 0.5).consistent
    assert calibration.coverage(ranks, 0.9).consistent


@pytest.mark.parametrize(("width", "sign"), [(0.8, -1.0), (1.25, 1.0)], ids=["narrow", "wide"])
def test_wrong_width_fails(width: float, sign: float) -> None:
    ranks = calibration.percentile_ranks(*experiment(2, width=width))
    assert calibration.pp_test(ranks).p_value < 1e-3
    for level in (0.5, 0.9):
        found = calibration.coverage(ranks, level)
        assert not found.consistent
        assert sign * (found.fraction - level) > 0


def test_biased_posterior_fails() -> None:
    ranks = calibration.percentile_ranks(*experiment(3, bias=0.25))
    assert calibration.pp_test(ranks).p_value < 1e-6
    assert ranks.mean() < 0.5


def test_importance_weights_correct_a_wrong_proposal() -> None:
    samples, truths = experiment(4, width=1.5)
    centres = samples.mean(axis=1, keepdims=True)
    log_weights = norm.logpdf(samples, centres, EXACT_WIDTH) - norm.logpdf(samples, centres, 1.5 * EXACT_WIDTH)
    assert calibration.pp_test(calibration.percentile_ranks(samples, truths)).p_value < 1e-6
    huge = log_weights + np.linspace(-5e3, 5e3, N_INJECTIONS)[:, None]
    weighted = calibration.percentile_ranks(samples, truths, huge)
    assert calibration.pp_test(weighted).p_value > 0.01
    np.testing.assert_allclose(weighted, calibration.percentile_ranks(samples, truths, log_weights), atol=1e-9)


def test_equal_weights_and_zero_weights() -> None:
    samples, truths = experiment(5)
    plain = calibration.percentile_ranks(samples, truths)
    np.testing.assert_allclose(calibration.percentile_ranks(samples, truths, np.full(samples.shape, 7.0)), plain)
    half = np.where(np.arange(N_SAMPLES) < 500, 0.0, -np.inf) * np.ones_like(samples)
    expected = calibration.percentile_ranks(samples[:, :500], truths)
    np.testing.assert_allclose(calibration.percentile_ranks(samples, truths, half), expected)


def test_p_values_of_calibrated_ranks_are_uniform() -> None:
    rng = np.random.default_rng(6)
    p_values = [calibration.pp_test(rng.uniform(size=300)).p_value for _ in range(300)]
    assert kstest(p_values, "uniform").pvalue > 0.01


def test_combined_p_value_of_two() -> None:
    product = 0.03 * 0.4
    assert calibration.combined_p_value([0.03, 0.4]) == pytest.approx(product * (1 - np.log(product)))


def test_coverage_interval_is_clopper_pearson() -> None:
    ranks = np.concatenate([np.full(9, 0.5), [0.999]])
    found = calibration.coverage(ranks, 0.9)
    assert found.fraction == 0.9
    assert (found.lower, found.upper) == pytest.approx((0.55498, 0.99747), abs=1e-5)


def test_groups_detect_miscalibration_that_the_average_hides() -> None:
    narrow = calibration.percentile_ranks(*experiment(7, width=0.7))
    wide = calibration.percentile_ranks(*experiment(8, width=1.45))
    ranks = {"chirp_mass": np.concatenate([narrow, wide])}
    snr = np.repeat([30.0, 9.0], N_INJECTIONS)
    edges = (8, 12, 20, np.inf)
    groups = calibration.calibrate_groups(ranks, bin_labels(snr, edges), order=bin_names(edges))
    assert list(groups) == ["8-12", ">20"]
    assert groups[">20"].parameters["chirp_mass"].coverage_50.upper < 0.5
    assert groups["8-12"].parameters["chirp_mass"].coverage_50.lower > 0.5
    table = calibration.coverage_by_group(groups, 0.5)["chirp_mass"]
    assert table.shape == (2, 3)
    assert table[1, 0] == groups[">20"].parameters["chirp_mass"].coverage_50.fraction


def test_table_round_trips_through_json() -> None:
    rng = np.random.default_rng(9)
    table = calibration.calibrate({name: rng.uniform(size=100) for name in ("mass_1", "chi_eff")})
    read = json.loads(json.dumps(table.to_dict()))
    assert read["parameters"]["chi_eff"]["pp_test"]["p_value"] == table.p_values["chi_eff"]
    assert read["combined_p_value"] == calibration.combined_p_value(list(table.p_values.values()))


@pytest.mark.parametrize(
    ("samples", "truths", "log_weights"),
    [
        (np.zeros(3), np.zeros(3), None),
        (np.zeros((3, 2)), np.zeros(2), None),
        (np.full((1, 2), np.nan), np.zeros(1), None),
        (np.zeros((1, 2)), np.zeros(1), np.full((1, 2), -np.inf)),
        (np.zeros((1, 2)), np.zeros(1), np.zeros((1, 3))),
    ],
)
def test_bad_samples_are_refused(samples: Array, truths: Array, log_weights: Array | None) -> None:
    with pytest.raises(InputError, match="expected"):
        calibration.percentile_ranks(samples, truths, log_weights)


@pytest.mark.parametrize("ranks", [[], [0.5, 1.1], [np.nan], [[0.5]]])
def test_bad_ranks_are_refused(ranks: list[float]) -> None:
    with pytest.raises(InputError, match="expected ranks"):
        calibration.pp_test(ranks)


def test_errors_by_bin() -> None:
    truths = {"mass_1": np.array([10.0, 20.0, 40.0, 50.0]), "chi_eff": np.array([0.0, 0.1, -0.1, 0.2])}
    medians = {"mass_1": np.array([11.0, 18.0, 40.0, 60.0]), "chi_eff": np.array([0.1, 0.1, 0.1, 0.2])}
    table = errors.tabulate_errors(medians, truths, snr=[8.0, 10.0, 20.0, 5.0], edges=[8, 12, 16, 24])
    assert table.bins == ("8-12", "12-16", "16-24")
    assert table.counts == (2, 0, 1)
    assert table.parameters["mass_1"].medians == (pytest.approx(0.1), None, 0.0)
    assert table.parameters["mass_1"].overall == pytest.approx(0.1)
    assert table.parameters["chi_eff"].kind == "absolute"
    assert table.parameters["chi_eff"].medians == (pytest.approx(0.05), None, pytest.approx(0.2))
    assert json.loads(json.dumps(table.to_dict()))["parameters"]["mass_1"]["medians"][1] is None


def test_relative_error_of_zero_is_refused() -> None:
    with pytest.raises(InputError, match="absolute_errors"):
        errors.relative_errors([1.0], [0.0])


def analytic_divergence(shift: float, scale: float) -> float:
    """Jensen-Shannon divergence of N(0, 1) and N(shift, scale) in nats, integrated numerically."""

    def integrand(x: float) -> float:
        p, q = norm.pdf(x), norm.pdf(x, shift, scale)
        return float((p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))) / 2)

    return float(quad(integrand, -12.0, 12.0, points=[0.0, shift], limit=200)[0])


@pytest.mark.parametrize(("shift", "scale"), [(0.5, 1.0), (1.0, 1.0), (0.0, 1.5), (1.0, 0.6)])
def test_divergence_of_two_gaussians(shift: float, scale: float) -> None:
    a = norm.ppf((np.arange(10_000) + 0.5) / 10_000)
    b = shift + scale * a
    found = comparison.jensen_shannon(a, b)
    assert found == pytest.approx(analytic_divergence(shift, scale), rel=0.04)
    assert comparison.jensen_shannon(b, a) == pytest.approx(found)
    assert comparison.jensen_shannon(3 * a - 7, 3 * b - 7) == pytest.approx(found)


def test_divergence_of_random_samples_is_within_its_error() -> None:
    rng = np.random.default_rng(10)
    a, b = rng.normal(size=10_000), rng.normal(0.5, 1.0, size=10_000)
    error = comparison.bootstrap_error(a, b, rng, resamplings=10)
    assert error < 0.2 * analytic_divergence(0.5, 1.0)
    assert abs(comparison.jensen_shannon(a, b) - analytic_divergence(0.5, 1.0)) < 3 * error


def test_divergence_ends_at_log_two() -> None:
    rng = np.random.default_rng(11)
    a = rng.normal(size=2000)
    assert comparison.jensen_shannon(a, a) == 0.0
    assert comparison.jensen_shannon(a, a + 40) == pytest.approx(np.log(2), rel=1e-6)


def test_bootstrap_error_is_the_scatter_over_repetitions() -> None:
    rng = np.random.default_rng(12)
    pairs = [(rng.normal(size=1500), rng.normal(0.5, 1.0, size=1500)) for _ in range(30)]
    scatter = np.std([comparison.jensen_shannon(a, b) for a, b in pairs], ddof=1)
    found = np.mean([comparison.bootstrap_error(a, b, rng, resamplings=15) for a, b in pairs[:6]])
    assert found == pytest.approx(scatter, rel=0.5)


def test_equal_posteriors_are_indistinguishable_and_shifted_ones_are_not() -> None:
    rng = np.random.default_rng(13)
    a = {"chirp_mass": rng.normal(30, 1, 5000), "only_here": rng.normal(size=5000)}
    same = comparison.compare(a, {"chirp_mass": rng.normal(30, 1, 5000)}, rng, resamplings=5)
    other = comparison.compare(a, {"chirp_mass": rng.normal(30.3, 1, 5000)}, rng, resamplings=5)
    assert list(same) == ["chirp_mass"]
    assert same["chirp_mass"].indistinguishable
    assert same["chirp_mass"].value < 3 * same["chirp_mass"].floor
    assert not other["chirp_mass"].indistinguishable
    assert other["chirp_mass"].value - other["chirp_mass"].floor > 3 * other["chirp_mass"].error


def test_divergence_takes_weights() -> None:
    rng = np.random.default_rng(14)
    proposal, target = rng.normal(0, 1.5, size=20_000), rng.normal(size=10_000)
    weights = np.exp(norm.logpdf(proposal) - norm.logpdf(proposal, 0, 1.5))
    assert comparison.jensen_shannon(proposal, target) > 0.02
    assert comparison.jensen_shannon(proposal, target, weights_a=weights) < 2e-3


def test_unusable_samples_are_refused() -> None:
    with pytest.raises(InputError, match="two different samples"):
        comparison.jensen_shannon([1.0, 1.0], [1.0, 2.0])
    with pytest.raises(InputError, match="finite samples"):
        comparison.jensen_shannon([1.0, np.nan], [1.0, 2.0])
