"""Smooth densities of samples on a grid, for corner plots: fast enough to draw a hundred panels.

Samples are counted in bins, and the counts are smoothed by a Gaussian whose width follows Scott's rule,
sigma = n_eff^(-1/(d+4)) x standard deviation (doi:10.1002/9780470316849), reflected at the edges so that a density
which ends at a prior's edge keeps its height there. Smoothing along one axis is the product with one small matrix.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

UNDERSMOOTHING = 0.85
"""Fraction of Scott's bandwidth: posteriors are narrower across their degeneracies than along the axes."""


class Axis:
    """One parameter's samples on a grid of equal bins.

    Args:
        values: Samples, shape (n,).
        weights: Weights with sum one, shape (n,).
        limits: Lower and upper end of the grid, in the samples' unit.
        bins: Number of bins.
    """

    def __init__(self, values: Array, weights: Array, limits: tuple[float, float], bins: int = 40) -> None:
        low, high = limits
        width = (high - low) / bins
        self.centres = low + width * (np.arange(bins) + 0.5)
        index = np.floor((values - low) / width).astype(np.int64)
        index[values == high] = bins - 1
        self.inside = (index >= 0) & (index < bins)
        self.index = np.where(self.inside, index, 0)
        self.limits = limits
        self.weights = weights
        self.effective_samples = 1.0 / float(np.sum(weights**2))
        mean = float(weights @ values)
        self.deviation = float(np.sqrt(weights @ (values - mean) ** 2)) / width

    def smoothing(self, dimensions: int) -> Array:
        """Matrix that smooths counts along this axis for a density of so many dimensions, shape (bins, bins)."""
        bandwidth = UNDERSMOOTHING * self.deviation * self.effective_samples ** (-1.0 / (dimensions + 4))
        return reflecting_smoother(len(self.centres), max(bandwidth, 0.5))


def reflecting_smoother(bins: int, sigma: float) -> Array:
    """Matrix of a Gaussian smoother that reflects at both ends, so that no count is lost.

    Args:
        bins: Number of bins.
        sigma: Standard deviation in bins.

    Returns:
        The matrix, shape (bins, bins), each column with sum one; smoothed counts are `matrix @ counts`.
    """
    centres = np.arange(bins) + 0.5
    images = [centres, -centres, 2 * bins - centres]
    matrix = sum(np.exp(-0.5 * ((centres[:, None] - image) / sigma) ** 2) for image in images)
    return np.asarray(matrix / np.sum(matrix, axis=0), np.float64)


def density_1d(axis: Axis) -> Array:
    """Smooth density of one parameter's samples, shape (bins,), largest value one."""
    counts = np.bincount(axis.index, axis.weights * axis.inside, minlength=len(axis.centres))
    density = axis.smoothing(1) @ counts
    return np.asarray(density / density.max(), np.float64)


def density_2d(x: Axis, y: Axis) -> Array:
    """Smooth density of two parameters' samples, shape (bins of y, bins of x), total one over the grid."""
    shape = (len(y.centres), len(x.centres))
    weights = x.weights * (x.inside & y.inside)
    counts = np.bincount(y.index * shape[1] + x.index, weights, minlength=shape[0] * shape[1])
    density = y.smoothing(2) @ counts.reshape(shape) @ x.smoothing(2).T
    return np.asarray(density / density.sum(), np.float64)


def credible_levels(density: Array, probabilities: Sequence[float]) -> list[float]:
    """Density whose contour holds each probability: the highest-density regions.

    Args:
        density: Density on a grid of equal cells, any shape.
        probabilities: Probabilities in (0, 1).

    Returns:
        One density per probability, in the order given.
    """
    ordered = np.sort(density, axis=None)[::-1]
    held = np.cumsum(ordered) / ordered.sum()
    return [float(np.interp(probability, held, ordered)) for probability in probabilities]


def to_edges(axis: Axis) -> Array:
    """Bin centres with the two ends of the grid added, shape (bins + 2,), so that contours reach the edge."""
    return np.concatenate([[axis.limits[0]], axis.centres, [axis.limits[1]]])
