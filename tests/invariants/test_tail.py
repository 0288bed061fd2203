"""The tail of importance weights: limits of its shape, and the share of the posterior that it hides."""

import numpy as np
import pytest
from scipy.stats import pareto

from chirpleaf.result.tail import GREATEST_WEIGHT, has_converged, hidden_share, limit_pareto_k


@pytest.mark.parametrize(
    ("draws", "limit"), [(1, -np.inf), (10, 0.0), (100, 0.5), (1000, 2 / 3), (2154, 0.7), (10**6, 0.7)]
)
def test_the_limit_of_the_shape_grows_with_the_draws(draws: int, limit: float) -> None:
    """Values of arXiv:1507.02646v9, equation 13."""
    assert limit_pareto_k(draws) == pytest.approx(limit, abs=2e-5)


@pytest.mark.parametrize("shape", [0.3, 0.5])
def test_the_hidden_share_is_on_the_safe_side(shape: float) -> None:
    """Weights of a Pareto distribution: what lies beyond the largest of n draws, on average over many such sets.

    n P(w > w_max) is distributed exponentially, from which the ratio of both averages is 1 / (1 - k).
    """
    rng, n = np.random.default_rng(0), 2000
    mean, beyond, found = 1 / (1 - shape), [], []
    for _ in range(1000):
        weight = pareto.rvs(1 / shape, size=n, random_state=rng)
        top = weight.max()
        beyond.append(top ** (1 - 1 / shape) / (1 - shape) / mean)  # E[w; w > top] / E[w]
        found.append(hidden_share(shape, top / weight.sum()))
    assert np.mean(found) / np.mean(beyond) == pytest.approx(1 / (1 - shape), rel=0.2)


@pytest.mark.parametrize("shape", [1.0, 1.5, np.inf])
def test_a_tail_without_a_mean_may_hide_everything(shape: float) -> None:
    assert hidden_share(shape, 1e-6) == np.inf
    assert not has_converged(shape, 1e-6, 10_000)


@pytest.mark.parametrize(
    ("shape", "largest", "draws", "good"),
    [
        (0.7, 0.04, 10_000, True),  # light
        (0.71, 0.04, 10_000, False),  # heavy, and decided by few draws
        (0.71, 0.008, 10_000, True),  # heavy, but many draws share the tail
        (0.9, 0.0031, 10_000, False),
        (0.6, 0.04, 100, False),  # too few draws for this shape
        (0.1, GREATEST_WEIGHT, 10_000, True),
        (0.1, 1.01 * GREATEST_WEIGHT, 10_000, False),  # one draw counts too much
    ],
)
def test_shape_largest_weight_and_number_are_judged_together(
    shape: float, largest: float, draws: int, good: bool
) -> None:
    assert has_converged(shape, largest, draws) == good
