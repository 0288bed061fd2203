"""Weights: what they are worth, and samples of equal weight in their place."""

import numpy as np
import pytest

from chirpleaf.inference.weights import effective_size, relative, systematic


def test_weights_are_relative_to_the_greatest() -> None:
    np.testing.assert_allclose(relative(np.array([700.0, 700.0 - np.log(4), -np.inf])), [1.0, 0.25, 0.0])
    np.testing.assert_array_equal(relative(np.full(3, -np.inf)), np.zeros(3))


@pytest.mark.parametrize(
    ("weight", "worth"), [([1.0] * 7, 7.0), ([3.0, 0.0, 0.0], 1.0), ([2.0, 1.0], 1.8), ([0.0], 0.0)]
)
def test_effective_size(weight: list[float], worth: float) -> None:
    assert effective_size(np.array(weight)) == pytest.approx(worth)


@pytest.mark.parametrize("n", [10, 1000, 2500])
def test_every_sample_comes_as_often_as_its_weight_says(n: int) -> None:
    weight = np.random.default_rng(1).exponential(size=400) * (np.arange(400) % 5 > 0)
    chosen = systematic(weight, n, seed=2)
    assert chosen.shape == (n,)
    expected = n * weight / weight.sum()
    counts = np.bincount(chosen, minlength=len(weight))
    assert (np.abs(counts - expected) < 1 + 1e-9).all()
    assert not counts[weight == 0].any()


def test_the_order_is_random_and_the_seed_makes_it() -> None:
    weight = np.ones(500)
    first, again, other = (systematic(weight, 500, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert abs(np.corrcoef(first, np.arange(500))[0, 1]) < 0.2
