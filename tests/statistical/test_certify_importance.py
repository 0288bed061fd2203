"""Importance-sampling diagnostics: known evidence, its error, and detection of heavy tails."""

import numpy as np
import pytest
from scipy.stats import genpareto, norm, t

from chirpleaf.inference.certify.importance import ImportanceDiagnostics, evidence_error, pareto_shape

EVIDENCE = -37.5
DIMENSIONS = 4


def log_weights(n: int, width: float, seed: int, offset: float = 0.0) -> np.ndarray:
    """Target exp(EVIDENCE) times a standard normal density, proposal a normal one of another width and centre."""
    rng = np.random.default_rng(seed)
    x = offset + width * rng.standard_normal((n, DIMENSIONS))
    return EVIDENCE + (norm.logpdf(x) - norm.logpdf(x, offset, width)).sum(axis=1)


def expected_efficiency(width: float) -> float:
    """1 / int p^2 / q of these densities, without offset."""
    return float((np.sqrt(2 * width**2 - 1) / width**2) ** DIMENSIONS)


def test_an_exact_proposal_has_even_weights() -> None:
    found = ImportanceDiagnostics.from_log_weights(np.full(1000, EVIDENCE))
    assert found.log_evidence == pytest.approx(EVIDENCE)
    assert found.efficiency == pytest.approx(1.0)
    assert found.effective_samples == pytest.approx(1000.0)
    assert found.error == pytest.approx(0.0, abs=1e-6)
    assert found.pareto_k == -1.0
    assert found.converged


def test_a_few_large_weights_over_equal_ones_are_a_heavy_tail() -> None:
    weights = np.zeros(1000)
    weights[:3] = 6.0
    found = ImportanceDiagnostics.from_log_weights(weights)
    assert found.pareto_k == np.inf
    assert not found.converged
    assert found.largest_weight == pytest.approx(np.exp(6.0) / (997 + 3 * np.exp(6.0)))


def test_rounding_is_no_tail() -> None:
    noise = 1e-13 * np.random.default_rng(0).standard_normal(5000)
    assert ImportanceDiagnostics.from_log_weights(EVIDENCE + noise).pareto_k == -1.0


@pytest.mark.parametrize("width", [1.2, 1.5, 2.0])
def test_evidence_efficiency_and_error_are_calibrated(width: float) -> None:
    found = [ImportanceDiagnostics.from_log_weights(log_weights(2000, width, seed)) for seed in range(300)]
    pulls = np.array([(one.log_evidence - EVIDENCE) / one.error for one in found])
    # Three hundred pulls: the mean scatters by 0.06, the standard deviation by 0.04.
    assert abs(pulls.mean()) < 0.25
    assert pulls.std() == pytest.approx(1.0, abs=0.15)
    assert np.median([one.efficiency for one in found]) == pytest.approx(expected_efficiency(width), rel=0.05)
    for one in found[:5]:
        assert one.effective_samples == pytest.approx(one.efficiency * 2000)


@pytest.mark.parametrize("factor", [0.6, 1.6])
def test_a_wrong_error_would_be_noticed(factor: float) -> None:
    found = [ImportanceDiagnostics.from_log_weights(log_weights(2000, 1.5, seed)) for seed in range(300)]
    pulls = np.array([(one.log_evidence - EVIDENCE) / (factor * one.error) for one in found])
    assert pulls.std() != pytest.approx(1.0, abs=0.15)


def test_the_scale_and_the_order_of_the_weights_do_not_matter() -> None:
    weights = log_weights(3000, 1.5, 0)
    found = ImportanceDiagnostics.from_log_weights(weights)
    for shift in (-5e4, 5e4):
        moved = ImportanceDiagnostics.from_log_weights(np.random.default_rng(1).permutation(weights) + shift)
        assert moved.log_evidence - shift == pytest.approx(found.log_evidence, abs=1e-8)
        assert moved.error == pytest.approx(found.error, rel=1e-6)
        assert moved.pareto_k == pytest.approx(found.pareto_k, abs=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_weights_of_zero_count_as_samples(share: float) -> None:
    weights = log_weights(4000, 1.3, 2)
    weights[: int(share * 4000)] = -np.inf
    found, rest = (
        ImportanceDiagnostics.from_log_weights(weights),
        ImportanceDiagnostics.from_log_weights(weights[int(share * 4000) :]),
    )
    assert found.log_evidence == pytest.approx(rest.log_evidence + np.log(1 - share), abs=1e-9)
    assert found.effective_samples == pytest.approx(rest.effective_samples)
    assert found.efficiency == pytest.approx((1 - share) * rest.efficiency)
    assert np.isfinite(found.pareto_k)


@pytest.mark.parametrize("n", [0, 1, 50, 5000])
def test_no_weight_at_all_is_a_verdict_and_not_an_error(n: int) -> None:
    found = ImportanceDiagnostics.from_log_weights(np.full(n, -np.inf))
    assert found.log_evidence == -np.inf
    assert found.error == np.inf
    assert found.efficiency == found.effective_samples == 0.0
    assert found.pareto_k == np.inf


def test_a_single_weight_that_counts() -> None:
    weights = np.full(1000, -np.inf)
    weights[17] = -3.0
    found = ImportanceDiagnostics.from_log_weights(weights)
    assert found.effective_samples == pytest.approx(1.0)
    assert found.log_evidence == pytest.approx(-3.0 - np.log(1000))
    assert found.error == pytest.approx(1.0, rel=1e-3)
    assert found.pareto_k == np.inf
    assert found.largest_weight == 1.0
    assert not found.converged


@pytest.mark.parametrize("shape", [-0.2, 0.1, 0.3, 0.5, 0.7, 1.0])
def test_the_shape_of_a_pareto_distribution_is_found(shape: float) -> None:
    draws = [genpareto.rvs(shape, size=20_000, random_state=seed) for seed in range(20)]
    found = np.array([pareto_shape(weight) for weight in draws])
    # A tail of 424 weights is drawn by (10 / 434) of the way towards one half.
    expected = (424 * shape + 5) / 434
    # Of each, the standard error is about (1 + k) / sqrt(424).
    assert found.mean() == pytest.approx(expected, abs=4 * (1 + shape) / np.sqrt(424 * 20))
    assert found.std() == pytest.approx((1 + shape) / np.sqrt(424), rel=0.6)


def test_light_tails_pass_and_heavy_ones_do_not() -> None:
    wide = [ImportanceDiagnostics.from_log_weights(log_weights(5000, 1.3, seed)).pareto_k for seed in range(10)]
    narrow = [ImportanceDiagnostics.from_log_weights(log_weights(5000, 0.3, seed)).pareto_k for seed in range(10)]
    assert max(wide) < 0.5
    assert np.median(narrow) > 0.9
    assert min(narrow) > 0.5


def test_a_proposal_with_too_light_a_tail_is_detected() -> None:
    """A Cauchy target and a normal proposal: the weights have no mean."""
    x = np.random.default_rng(0).standard_normal(5000)
    assert ImportanceDiagnostics.from_log_weights(t.logpdf(x, 1) - norm.logpdf(x)).pareto_k > 0.7
    y = t.rvs(1, size=5000, random_state=0)
    assert ImportanceDiagnostics.from_log_weights(norm.logpdf(y) - t.logpdf(y, 1)).pareto_k < 0.5


@pytest.mark.parametrize("n", [1, 5, 20])
def test_too_few_weights_have_no_tail(n: int) -> None:
    assert pareto_shape(np.random.default_rng(0).random(n)) == np.inf


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e200])
@pytest.mark.parametrize(("decades", "infinite"), [(290, False), (301, True), (307, True), (309, True), (320, True)])
def test_a_tail_of_most_orders_of_magnitude_has_a_large_shape(decades: int, infinite: bool, scale: float) -> None:
    """Its reciprocal overflows, and what is no number would hide it: max(0.3, nan) is 0.3."""
    weight = np.zeros(1000)
    weight[:25] = scale * 10.0 ** np.linspace(-decades, 0, 25)
    weight[:10] = weight[0]
    found = pareto_shape(weight)
    assert found == np.inf if infinite else 100 < found < 300


@pytest.mark.parametrize("shared", [0.0, 0.3])
def test_the_error_of_the_evidence_counts_what_the_draws_of_a_round_share(shared: float) -> None:
    """Two proposals: one whose weights have another mean and share nothing, in one round, and one of forty rounds."""
    rng = np.random.default_rng(4)
    rounds = np.repeat(np.arange(41), [200, *rng.integers(20, 80, size=40)])
    proposals = (rounds > 0).astype(np.int64)
    found, errors = [], []
    for _ in range(400):
        log_weight = (
            0.5 * rng.standard_normal(len(rounds)) + shared * (rng.standard_normal(41) * (np.arange(41) > 0))[rounds]
        )
        log_weight[rounds == 0] -= 2.0
        found.append(np.log(np.exp(log_weight).mean()))
        errors.append(evidence_error(log_weight, proposals, rounds))
    assert np.std(found) == pytest.approx(np.mean(errors), rel=0.15)


def test_the_error_of_the_evidence_in_one_round_is_that_of_the_draws() -> None:
    log_weight, one = log_weights(500, 1.5, seed=0), np.zeros(500, dtype=np.int64)
    alone = ImportanceDiagnostics.from_log_weights(log_weight).error
    assert evidence_error(log_weight, one, one) == pytest.approx(alone, rel=0.002)
    assert evidence_error(np.full(500, -np.inf), one, one) == np.inf
