"""Comparison of a result with other samples of the same event, as text for the report."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from chirpleaf.diagnostics.comparison import jensen_shannon
from chirpleaf.errors import InputError
from chirpleaf.report.numbers import decimals
from chirpleaf.result import LeafEstimates, Posterior

MOST = 4000
"""Samples of either side that the divergence uses. More lower its noise, at a time that grows with their number."""


def compare_samples(
    result: Posterior | LeafEstimates, others: Mapping[str, NDArray[np.float64]]
) -> tuple[tuple[str, str, str, str], ...]:
    """Medians, 90 % intervals and Jensen-Shannon divergence of each common parameter of the table.

    Args:
        result: a posterior or leaf estimates.
        others: parameter name to samples of equal weight of the same event.

    Returns:
        Name, both intervals, and the divergence in nats, as text.

    Raises:
        InputError: there is no common parameter.
    """
    shared = [name for name in result.tabulated if name in others]
    if not shared:
        raise InputError(
            f"expected samples with a parameter of {', '.join(result.tabulated)}; got {', '.join(others)}: give others"
        )
    return tuple(_compare(result, name, others[name]) for name in shared)


def _compare(result: Posterior | LeafEstimates, name: str, theirs: NDArray[np.float64]) -> tuple[str, str, str, str]:
    """One row; the numbers of the result are those of its table."""
    ours, row = result[name], result.summary(name)[name]
    quantiles = np.array(
        [[float(row[one]) for one in ("lower", "median", "upper")], np.quantile(theirs, (0.05, 0.5, 0.95))]
    )
    digits = decimals(float(quantiles[0][0]), float(quantiles[0][2]))
    mine, other = (
        f"{median:.{digits}f} ({lower:.{digits}f} to {upper:.{digits}f})".replace("-", "\N{MINUS SIGN}")
        for lower, median, upper in quantiles
    )
    thinned = [values[:: max(1, len(values) // MOST)] for values in (ours, theirs)]
    return name, mine, other, f"{jensen_shannon(*thinned):.4f}"
