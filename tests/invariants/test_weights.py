"""Weights: effective sample size, resampling and quantiles."""

import numpy as np
import pytest

from chirpleaf.result.weights import (
    effective_sample_size,
    relative_weights,
    resample_systematically,
    weighted_quantiles,
)


def test_the_largest_relative_weight_is_one() -> None:
    np.testing.assert_allclose(relative_weights(np.array([700.0, 700.0 - np.log(4), -np.inf])), [1.0, 0.25, 0.0])
    np.testing.assert_array_equal(relative_weights(np.full(3, -np.inf)), np.zeros(3))


@pytest.mark.parametrize(
    ("weight", "worth"), [([1.0] * 7, 7.0), ([3.0, 0.0, 0.0], 1.0), ([2.0, 1.0], 1.8), ([0.0], 0.0)]
)
def test_effective_size(weight: list[float], worth: float) -> None:
    assert effective_sample_size(np.array(weight)) == pytest.approx(worth)


@pytest.mark.parametrize("n", [10, 1000, 2500])
def test_samples_occur_in_proportion_to_their_weights(n: int) -> None:
    weight = np.random.default_rng(1).exponential(size=400) * (np.arange(400) % 5 > 0)
    chosen = resample_systematically(weight, n, seed=2)
    assert chosen.shape == (n,)
    expected = n * weight / weight.sum()
    counts = np.bincount(chosen, minlength=len(weight))
    assert (np.abs(counts - expected) < 1 + 1e-9).all()
    assert not counts[weight == 0].any()


def test_the_seed_determines_a_random_order() -> None:
    weight = np.ones(500)
    first, again, other = (resample_systematically(weight, 500, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert abs(np.corrcoef(first, np.arange(500))[0, 1]) < 0.2


def test_the_offset_of_the_levels_is_random() -> None:
    """Three of four samples are chosen: over many seeds all four occur equally often."""
    chosen = np.concatenate([resample_systematically(np.ones(4), 3, seed) for seed in range(4000)])
    shares = np.bincount(chosen, minlength=4) / len(chosen)
    np.testing.assert_allclose(shares, 0.25, atol=0.01)


def test_quantiles_of_equal_weights_are_interpolated() -> None:
    values = np.array([4.0, 1.0, 3.0, 2.0])
    np.testing.assert_allclose(weighted_quantiles(values, (0.0, 0.5, 1.0)), [1.0, 2.5, 4.0])


def test_weighted_quantiles_are_those_of_repeated_samples() -> None:
    rng = np.random.default_rng(3)
    values, times = rng.standard_normal(50), rng.integers(0, 5, 50)
    repeated = np.repeat(values, times)
    for probability in (0.05, 0.37, 0.5, 0.95):
        (found,) = weighted_quantiles(values, (probability,), 0.3 * times)
        assert np.mean(repeated <= found) >= probability - 1e-12
        assert np.mean(repeated < found) < probability
