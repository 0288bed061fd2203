"""Bins of injections in signal-to-noise ratio, mass or any other quantity.

A bin includes its lower edge and excludes its upper edge; the last bin includes both.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError


def bin_names(edges: ArrayLike) -> list[str]:
    """Name the bins between the edges.

    Example:
        >>> bin_names([8, 12, 20, np.inf])
        ['8-12', '12-20', '>20']

    Args:
        edges: Increasing edges, shape (n_bins + 1,); the last may be infinite.

    Returns:
        One name per bin.

    Raises:
        InputError: If there are fewer than two edges or they do not increase.
    """
    edges = np.asarray(edges, np.float64)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise InputError(f"expected at least two increasing bin edges; got {edges.tolist()}")
    return [f">{low:g}" if np.isinf(high) else f"{low:g}-{high:g}" for low, high in pairwise(edges.tolist())]


def bin_indices(values: ArrayLike, edges: ArrayLike) -> NDArray[np.intp]:
    """Find the bin of each value.

    Args:
        values: Values, shape (n,).
        edges: Increasing edges in the same unit, shape (n_bins + 1,).

    Returns:
        Index of the bin, shape (n,); -1 for a value outside all bins.
    """
    values, edges = np.asarray(values, np.float64), np.asarray(edges, np.float64)
    indices = np.searchsorted(edges, values, side="right") - 1
    indices[values == edges[-1]] = len(edges) - 2
    indices[(indices >= len(edges) - 1) | np.isnan(values)] = -1
    return indices


def bin_labels(values: ArrayLike, edges: ArrayLike, outside: str = "outside") -> NDArray[np.str_]:
    """Label each value with the name of its bin, for `chirpleaf.diagnostics.calibration.calibrate_groups`.

    Args:
        values: Values, shape (n,).
        edges: Increasing edges in the same unit, shape (n_bins + 1,).
        outside: Label of values outside all bins.

    Returns:
        Labels, shape (n,).
    """
    names = np.array([*bin_names(edges), outside])
    return names[bin_indices(values, edges)]
