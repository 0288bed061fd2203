"""Weighted samples: effective sample size, quantiles, and resampling to equal weight."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError

Array = NDArray[np.float64]


def relative_weights(log_weight: Array) -> Array:
    """Weights divided by the largest of them.

    Args:
        log_weight: natural logarithms of the weights, any shape; minus infinity stands for weight zero.

    Returns:
        Weights from 0 to 1, same shape; all zero if every weight is zero.

    Raises:
        InputError: a logarithm is NaN or plus infinity. No weights follow from these.
    """
    top = float(log_weight.max(initial=-np.inf))
    if np.isnan(top) or top == np.inf:
        raise InputError(f"expected ln of importance weights below infinity; got {top}: compute them again")
    return np.asarray(np.exp(log_weight - top)) if np.isfinite(top) else np.zeros_like(log_weight)


def effective_sample_size(weight: Array) -> float:
    """Kish's effective sample size, (sum w)^2 / sum w^2.

    Args:
        weight: not negative, shape (n,), of any scale.

    Returns:
        Number of samples of equal weight with the same statistical power; zero if every weight is zero.
    """
    total = float(np.sum(weight**2))
    return float(weight.sum() ** 2 / total) if total else 0.0


def weighted_quantiles(values: Array, probabilities: Sequence[float], weight: Array | None = None) -> Array:
    """Quantiles of samples.

    Args:
        values: samples, shape (n,).
        probabilities: probabilities from 0 to 1, shape (m,).
        weight: not negative, not all zero, shape (n,); equal if None. Weighted quantiles are the samples at which the
            cumulative weight reaches each probability (numpy's `inverted_cdf`), unweighted ones are interpolated.

    Returns:
        Shape (m,), in the unit of `values`.
    """
    if weight is None:
        return np.asarray(np.quantile(values, probabilities))
    return np.asarray(np.quantile(values, probabilities, weights=weight, method="inverted_cdf"))


def resample_systematically(weight: Array, n: int, seed: int) -> NDArray[np.int64]:
    """Systematic resampling: `n` evenly spaced levels of the cumulative weight, with one random offset for all.

    Args:
        weight: not negative, not all zero, shape (m,), of any scale.
        n: number of samples.
        seed: seed of the offset and of the order.

    Returns:
        Indices of `n` samples of equal weight, in random order. Each index occurs n w / sum(w) times, rounded up or
        down.
    """
    rng = np.random.default_rng([seed, n])
    cumulative = weight.cumsum()
    levels = (rng.random() + np.arange(n)) / n * cumulative[-1]
    return rng.permutation(np.searchsorted(cumulative, levels).clip(0, len(cumulative) - 1))
