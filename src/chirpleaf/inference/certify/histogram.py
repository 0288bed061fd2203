"""Histogram: a density that is constant in the cells of a grid, sampled by conditional quantiles.

Uniform numbers are mapped one dimension after the other, so that points of a low-discrepancy sequence stay
evenly spread.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64


@dataclass(frozen=True, eq=False)
class Histogram:
    """A density on the unit cube.

    Attributes:
        mass: probability of each cell, any number of dimensions, with sum one.

    Example:
        >>> points, log_density = Histogram.normalize(np.array([1.0, 3.0])).transform(np.array([[0.5]]))
        >>> round(float(points[0, 0]), 3), round(float(np.exp(log_density[0])), 3)
        (0.667, 1.5)
    """

    mass: Float64[np.ndarray, "..."]

    @classmethod
    def normalize(cls, mass: Float64[np.ndarray, "..."]) -> "Histogram":
        """The histogram of masses of any sum."""
        return cls(mass / mass.sum())

    def transform(self, uniforms: Float64[np.ndarray, "n dim"]) -> tuple[np.ndarray, np.ndarray]:
        """Maps uniform numbers to points.

        Args:
            uniforms: in [0, 1), one column for each dimension.

        Returns:
            Points of the unit cube, shape (n, dim), and ln of the density there, shape (n,).
        """
        mass = self.mass
        points = np.empty_like(uniforms)
        row = np.zeros(len(uniforms), dtype=np.int64)
        for axis, (size, quantiles) in enumerate(zip(mass.shape, self._quantiles, strict=True)):
            level = uniforms[:, axis]
            # Row number plus quantile is increasing over all rows, so that one search finds the cells of all points.
            line = (np.arange(len(quantiles))[:, None] + quantiles[:, 1:]).ravel()
            place = np.searchsorted(line, row + level, side="right").clip(row * size, (row + 1) * size - 1)
            cell = place - row * size
            low, high = quantiles[row, cell], quantiles[row, cell + 1]
            within = ((level - low) / (high - low).clip(1e-300)).clip(0, 1 - 1e-12)
            points[:, axis] = (cell + within) / size
            row = place
        return points, np.log(mass.ravel()[row] * mass.size)

    def log_density(self, points: Float64[np.ndarray, "n dim"]) -> Float64[np.ndarray, " n"]:
        """ln of the density at points; -inf outside of the unit cube.

        Args:
            points: shape (n, dim).
        """
        inside = _inside(points)
        cells = tuple((np.where(inside[:, None], points, 0.0) * self.mass.shape).astype(int).T)
        with np.errstate(divide="ignore"):
            return np.where(inside, np.log(self.mass[cells] * self.mass.size), -np.inf)

    def last_quantile(self, points: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, " n"]:
        """The uniform number that the second coordinate of points of a table of two dimensions comes from.

        Args:
            points: shape (n, 2); those outside of the unit cube give zero.
        """
        inside = _inside(points)
        place = np.where(inside[:, None], points, 0.0) * self.mass.shape
        row, cell = place.astype(int).T
        low, high = self._quantiles[1][row, cell], self._quantiles[1][row, cell + 1]
        return np.where(inside, low + (place[:, 1] - cell) * (high - low), 0.0)

    @cached_property
    def _quantiles(self) -> tuple[np.ndarray, ...]:
        """Quantiles at the edges of each dimension's cells, one row for each cell of the dimensions before."""
        tables = []
        for axis, size in enumerate(self.mass.shape):
            margin = self.mass.reshape(-1, size, math.prod(self.mass.shape[axis + 1 :])).sum(axis=-1)
            below = np.concatenate([np.zeros((len(margin), 1)), margin.cumsum(axis=1)], axis=1)
            tables.append(below / below[:, -1:].clip(1e-300))
        return tuple(tables)

    def bin_weights(self, points: Float64[np.ndarray, "n dim"], weights: Float64[np.ndarray, " n"]) -> np.ndarray:
        """Sums the weights of points in each cell.

        Args:
            points: points of the unit cube, shape (n, dim).
            weights: not negative, shape (n,).

        Returns:
            In the shape of `mass`.
        """
        edges = [np.linspace(0, 1, n + 1) for n in self.mass.shape]
        return np.histogramdd(points, bins=edges, weights=weights)[0]


def _inside(points: Float64[np.ndarray, "n dim"]) -> Bool[np.ndarray, " n"]:
    """Whether points are in the unit cube."""
    return np.asarray(((points >= 0) & (points < 1)).all(axis=1))
