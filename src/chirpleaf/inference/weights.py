"""Weights of samples: how many they are worth, and samples of equal weight in their place."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def relative(log_weight: Array) -> Array:
    """Weights over the greatest.

    Args:
        log_weight: natural logarithms, any shape; minus infinity stands for weight zero.

    Returns:
        Of the same shape; zeros where there is no weight at all.
    """
    top = float(log_weight.max())
    return np.asarray(np.exp(log_weight - top)) if np.isfinite(top) else np.zeros_like(log_weight)


def effective_size(weight: Array) -> float:
    """Samples of equal weight that weighed ones are worth, (sum w)^2 / sum w^2 (Kish); zero where all weigh nothing."""
    total = float(np.sum(weight**2))
    return float(weight.sum() ** 2 / total) if total else 0.0


def systematic(weight: Array, n: int, seed: int) -> NDArray[np.int64]:
    """Systematic resampling.

    Args:
        weight: not negative, of any scale, not all zero, shape (m,).
        n: how many are wanted.
        seed: of the offset and of the order.

    Returns:
        Indices of `n` samples of equal weight, in random order.
    """
    rng = np.random.default_rng([seed, n])
    cumulative = weight.cumsum()
    places = (rng.random() + np.arange(n)) / n * cumulative[-1]
    return rng.permutation(np.searchsorted(cumulative, places).clip(0, len(cumulative) - 1))
