"""Effective numbers of points and pairs, against sums over all pairs of weights that are written down."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from chirpleaf.inference.certify.draws import EvaluatedDraws
from chirpleaf.inference.certify.effective_sizes import count_effective_sizes
from chirpleaf.inference.certify.marginal import Pairs

Matrix = np.ndarray


def make_draws(likelihoods: list[Matrix], factors: list[np.ndarray]) -> tuple[EvaluatedDraws, np.ndarray]:
    """Draws of some rounds, each with a matrix of likelihoods (draw, point), and ln of their weights."""
    batches, weights = [], []
    for number, (likelihood, factor) in enumerate(zip(likelihoods, factors, strict=True)):
        nothing = cast(Any, SimpleNamespace())
        pairs = Pairs(nothing, nothing, nothing, nothing, torch.from_numpy(np.log(likelihood)).float())
        n = len(likelihood)
        sky = np.log((likelihood * factor[:, None]).sum(axis=0))
        directions = np.stack([np.zeros_like(sky), np.zeros_like(sky), sky], axis=1)
        log_likelihood = pairs.log_likelihood.numpy()
        rounds = np.full(n, 1000 + number)
        failed = np.zeros(n, bool)
        batches.append(EvaluatedDraws({}, log_likelihood, pairs.error.numpy(), directions, failed, rounds))
        weights.append(log_likelihood + np.log(factor))
    return EvaluatedDraws.concatenate(batches), np.concatenate(weights)


def test_sizes_are_those_of_the_matrix_of_weights() -> None:
    rng = np.random.default_rng(0)
    likelihoods = [rng.lognormal(0.0, 1.5, (n, 6)) for n in (3, 5)]
    factors = [rng.lognormal(0.0, 1.0, n) for n in (3, 5)]
    draws, log_weight = make_draws(likelihoods, factors)
    weights = [likelihood * factor[:, None] for likelihood, factor in zip(likelihoods, factors, strict=True)]
    total = sum(one.sum() for one in weights)
    found = count_effective_sizes(draws, log_weight)
    assert found.pairs == pytest.approx(total**2 / sum(np.square(one).sum() for one in weights), rel=1e-4)
    assert found.points == pytest.approx(total**2 / sum(np.square(one.sum(axis=0)).sum() for one in weights), rel=1e-4)


@pytest.mark.parametrize(("points", "draws"), [(1, 8), (8, 1), (2, 3)])
def test_pairs_from_a_handful_of_either_are_told(points: int, draws: int) -> None:
    likelihood = np.full((8, 8), 1e-30)
    likelihood[:draws, :points] = 1.0
    made, log_weight = make_draws([likelihood], [np.ones(8)])
    found = count_effective_sizes(made, log_weight)
    assert found.points == pytest.approx(points, rel=1e-3)
    assert found.pairs == pytest.approx(points * draws, rel=1e-3)


def test_nothing_is_effective_without_weight() -> None:
    made, log_weight = make_draws([np.ones((2, 3))], [np.ones(2)])
    assert count_effective_sizes(made, np.full_like(log_weight, -np.inf)) == (0.0, 0.0)


def test_a_round_of_impossible_points_counts_for_nothing() -> None:
    likelihood = np.random.default_rng(1).lognormal(0.0, 1.0, (4, 6))
    alone = count_effective_sizes(*make_draws([likelihood], [np.ones(4)]))
    with np.errstate(divide="ignore"):
        draws, log_weight = make_draws([likelihood, np.zeros((3, 6))], [np.ones(4), np.ones(3)])
    with np.errstate(all="raise", under="ignore"):
        both = count_effective_sizes(draws, log_weight)
    assert both.points == pytest.approx(alone.points)
    assert both.pairs == pytest.approx(alone.pairs)
