"""Kernel density estimates on a grid for corner plots, fast enough for a hundred panels.

Samples are histogrammed, and the counts are smoothed with a Gaussian kernel whose bandwidth follows Scott's rule,
sigma = n_eff^(-1/(d+4)) x standard deviation (doi:10.1002/9780470316849). The kernel is reflected at the edges of the
grid, so that the estimate is not low at the edge of a prior. Smoothing along one axis is one small matrix product.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

UNDERSMOOTHING = 0.85
"""Fraction of Scott's bandwidth that is used, because posteriors are narrower across degeneracies than along axes."""


class Axis:
    """Samples of one parameter, histogrammed in equal bins.

    Args:
        values: Samples, shape (n,).
        weights: Normalised weights, shape (n,).
        limits: Lower and upper end of the grid, in the unit of the samples.
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

    def smoothing_matrix(self, dimensions: int) -> Array:
        """Compute the smoothing matrix of this axis, shape (bins, bins).

        Args:
            dimensions: Number of dimensions of the density; it sets the bandwidth.
        """
        bandwidth = UNDERSMOOTHING * self.deviation * self.effective_samples ** (-1.0 / (dimensions + 4))
        return make_reflecting_smoother(len(self.centres), max(bandwidth, 0.5))


def make_reflecting_smoother(bins: int, sigma: float) -> Array:
    """Make the matrix of a Gaussian smoother that reflects at both ends and conserves the total count.

    Args:
        bins: Number of bins.
        sigma: Standard deviation in bins.

    Returns:
        Matrix of shape (bins, bins) whose columns sum to one; the smoothed counts are `matrix @ counts`.
    """
    centres = np.arange(bins) + 0.5
    images = [centres, -centres, 2 * bins - centres]
    matrix = sum(np.exp(-0.5 * ((centres[:, None] - image) / sigma) ** 2) for image in images)
    return np.asarray(matrix / np.sum(matrix, axis=0), np.float64)


def estimate_density_1d(axis: Axis) -> Array:
    """Estimate the density of one parameter, shape (bins,), normalised to a maximum of one."""
    counts = np.bincount(axis.index, axis.weights * axis.inside, minlength=len(axis.centres))
    density = axis.smoothing_matrix(1) @ counts
    return np.asarray(density / density.max(), np.float64)


def estimate_density_2d(x: Axis, y: Axis) -> Array:
    """Estimate the joint density of two parameters, shape (bins of y, bins of x), normalised to a sum of one."""
    shape = (len(y.centres), len(x.centres))
    weights = x.weights * (x.inside & y.inside)
    counts = np.bincount(y.index * shape[1] + x.index, weights, minlength=shape[0] * shape[1])
    density = y.smoothing_matrix(2) @ counts.reshape(shape) @ x.smoothing_matrix(2).T
    return np.asarray(density / density.sum(), np.float64)


def find_credible_levels(density: Array, probabilities: Sequence[float]) -> list[float]:
    """Find the density levels whose highest-density regions hold given probabilities.

    Args:
        density: Density on a grid of equal cells, any shape.
        probabilities: Probabilities in (0, 1).

    Returns:
        One density level per probability, in the given order.
    """
    ordered = np.sort(density, axis=None)[::-1]
    held = np.cumsum(ordered) / ordered.sum()
    return [float(np.interp(probability, held, ordered)) for probability in probabilities]


def extend_to_edges(axis: Axis) -> Array:
    """Add the two ends of the grid to the bin centres, shape (bins + 2,), so that contours reach the edge."""
    return np.concatenate([[axis.limits[0]], axis.centres, [axis.limits[1]]])
