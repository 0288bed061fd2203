"""Errors of the posterior median with respect to the injected truth.

The relative error of an injection is |median - truth| / |truth|, the figure of merit of arXiv:1903.01998. A true spin
can be zero, so errors of spins are absolute, |median - truth|. A set of injections is summarised by the median error in
bins of the network signal-to-noise ratio: the error falls as 1/SNR, so an average over a population depends on the
population more than on the network.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.diagnostics.binning import bin_indices, bin_names
from chirpleaf.errors import InputError

Array = NDArray[np.float64]

SPINS = frozenset({"chi_1", "chi_2", "chi_eff", "final_spin"})
"""Parameters whose error is absolute."""


@dataclass(frozen=True)
class BinnedError:
    """Errors of one parameter in bins of SNR.

    Attributes:
        kind: "relative" (dimensionless) or "absolute" (in the parameter's unit).
        overall: Median error of all injections, including those outside the bins.
        medians: Median error in each bin; None for an empty bin.
    """

    kind: str
    overall: float
    medians: tuple[float | None, ...]


@dataclass(frozen=True)
class ErrorTable:
    """Median errors by parameter and SNR bin.

    Attributes:
        bins: Names of the bins.
        counts: Number of injections in each bin.
        parameters: Errors by parameter name.
    """

    bins: tuple[str, ...]
    counts: tuple[int, ...]
    parameters: Mapping[str, BinnedError]

    def to_dict(self) -> dict[str, Any]:
        """Convert the table to plain dictionaries, lists and numbers for JSON."""
        rows = {name: {**asdict(row), "medians": list(row.medians)} for name, row in self.parameters.items()}
        return {"bins": list(self.bins), "counts": list(self.counts), "parameters": rows}


def relative_errors(medians: ArrayLike, truths: ArrayLike) -> Array:
    """Compute the relative error of each injection, |median - truth| / |truth|.

    Args:
        medians: Posterior medians, shape (n_injections,), in the parameter's unit.
        truths: Injected values, shape (n_injections,), in the same unit.

    Returns:
        Relative errors, shape (n_injections,).

    Raises:
        InputError: If shapes disagree or a truth is zero.
    """
    truths = np.asarray(truths, np.float64)
    if (truths == 0).any():
        raise InputError("expected truths other than zero for a relative error; got zero: use absolute_errors")
    return np.asarray(absolute_errors(medians, truths) / np.abs(truths), np.float64)


def absolute_errors(medians: ArrayLike, truths: ArrayLike) -> Array:
    """Compute the absolute error of each injection, |median - truth|.

    Args:
        medians: Posterior medians, shape (n_injections,), in the parameter's unit.
        truths: Injected values, shape (n_injections,), in the same unit.

    Returns:
        Absolute errors in the parameter's unit, shape (n_injections,).

    Raises:
        InputError: If shapes disagree.
    """
    medians, truths = np.asarray(medians, np.float64), np.asarray(truths, np.float64)
    if medians.shape != truths.shape or medians.ndim != 1:
        raise InputError(f"expected one median per truth, shape (n_injections,); got {medians.shape}, {truths.shape}")
    return np.asarray(np.abs(medians - truths), np.float64)


def tabulate_errors(
    medians: Mapping[str, ArrayLike],
    truths: Mapping[str, ArrayLike],
    snr: ArrayLike,
    edges: ArrayLike = (0.0, 8.0, 12.0, 16.0, 24.0, np.inf),
    *,
    absolute: Collection[str] = SPINS,
) -> ErrorTable:
    """Compute the median error of every parameter in bins of SNR.

    Args:
        medians: Posterior medians by parameter name, each of shape (n_injections,).
        truths: Injected values by parameter name, each of shape (n_injections,).
        snr: Network signal-to-noise ratio of each injection, shape (n_injections,).
        edges: Increasing edges of the SNR bins, shape (n_bins + 1,).
        absolute: Parameters whose error is absolute; the others have a relative error.

    Returns:
        The table.

    Raises:
        InputError: If a parameter has no truth, shapes disagree, or the truth of a relative error is zero.
    """
    missing = sorted(set(medians) - set(truths))
    if missing:
        raise InputError(f"expected a truth for every parameter; got none for {', '.join(missing)}: add it to truths")
    names, bins = bin_names(edges), bin_indices(snr, edges)
    rows = {
        name: _bin_errors(medians[name], truths[name], bins, len(names), "absolute" if name in absolute else "relative")
        for name in medians
    }
    counts = tuple(int(np.count_nonzero(bins == index)) for index in range(len(names)))
    return ErrorTable(tuple(names), counts, rows)


def _bin_errors(medians: ArrayLike, truths: ArrayLike, bins: NDArray[np.intp], n_bins: int, kind: str) -> BinnedError:
    """Compute the errors of one parameter and their median in each bin."""
    errors = (absolute_errors if kind == "absolute" else relative_errors)(medians, truths)
    if errors.shape != bins.shape:
        raise InputError(f"expected one SNR per injection, shape {errors.shape}; got {bins.shape}")
    inside = [errors[bins == index] for index in range(n_bins)]
    by_bin = tuple(float(np.median(values)) if len(values) else None for values in inside)
    return BinnedError(kind, float(np.median(errors)), by_bin)
