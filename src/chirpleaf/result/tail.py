"""Tail of the importance weights: whether a few large weights decide the posterior.

The largest of S weights follow a generalised Pareto distribution of shape k (arXiv:1507.02646v9). Their mean exists for
k < 1, and its estimate is reliable for k up to

    min(1 - 1 / log10(S), 0.7)    (equation 13 there).

The estimate of k scatters by 0.12 at 2,000 draws and by 0.06 at 40,000, so a limit of k alone refuses good posteriors.
What a greater k may cost depends on the weights themselves. A tail of shape k has the mean E[w | w > u] = u / (1 - k)
above any level u, and S draws leave about one weight above the largest one. The part of the posterior that was not
drawn is therefore about the

    hidden share = (w_max / sum w) / (1 - k).

It estimates the error of a distribution function that the tail causes, on average 1 / (1 - k) times too large, and is
small if many weights share the tail.
"""

import math

GREATEST_PARETO_K = 0.7
"""Tail shape of the weights up to which their mean has converged, however large the hidden share (arXiv:1507.02646)."""

GREATEST_HIDDEN_SHARE = 0.03
"""Hidden share of the posterior up to which a greater shape is accepted. A larger one passes distribution functions
that are off by more than 0.03; a smaller one refuses good posteriors because k scatters (benchmarks/pareto_rule.py)."""

GREATEST_WEIGHT = 0.05
"""Share of the posterior that one draw may hold. A larger one lets a single draw stand for a mode of the posterior; a
smaller one refuses posteriors of which few effective samples are wanted."""


def limit_pareto_k(draws: int) -> float:
    """The shape up to which the mean of the weights is reliable.

    Args:
        draws: number of weights S.

    Returns:
        min(1 - 1 / log10(S), 0.7), arXiv:1507.02646v9, equation 13; minus infinity for one weight.

    Example:
        >>> limit_pareto_k(10_000), round(limit_pareto_k(100), 2)
        (0.7, 0.5)
    """
    return min(1 - 1 / math.log10(draws), GREATEST_PARETO_K) if draws > 1 else -math.inf


def hidden_share(pareto_k: float, largest_weight: float) -> float:
    """The share of the posterior that lies beyond the largest weight, by the shape of the tail.

    Args:
        pareto_k: shape k of the tail.
        largest_weight: largest weight over the sum of all, from 0 to 1.

    Returns:
        largest_weight / (1 - k); infinite if the tail has no mean (k of at least one).
    """
    return largest_weight / (1 - pareto_k) if pareto_k < 1 else math.inf


def has_converged(pareto_k: float, largest_weight: float, draws: int) -> bool:
    """Whether the weights represent the posterior as far as their tail shows.

    Args:
        pareto_k: shape k of the tail.
        largest_weight: largest weight over the sum of all, from 0 to 1.
        draws: number of weights.
    """
    light = pareto_k <= limit_pareto_k(draws) or hidden_share(pareto_k, largest_weight) <= GREATEST_HIDDEN_SHARE
    return light and largest_weight <= GREATEST_WEIGHT
