"""Importance-sampling diagnostics: evidence, efficiency, and the tail of the weights.

With samples theta_i ~ q and weights w_i = L(theta_i) pi(theta_i) / q(theta_i),

    Z = mean(w),    N_eff = (sum w)^2 / sum w^2,    efficiency = N_eff / N,    var(ln Z) = (1 / efficiency - 1) / N.

These estimates hold if the mean of the weights has converged. The shape k of a generalised Pareto distribution, fitted
to the largest weights, and the largest weight itself tell whether it has (`result.tail`).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from chirpleaf.result.tail import has_converged
from chirpleaf.result.weights import effective_sample_size, relative_weights

LogWeights = Float64[np.ndarray, " n"]

_EQUAL_TAIL = -1.0
"""Shape of weights that are all equal: that of a uniform distribution, whose tail is bounded as well."""
_ROUNDING = 1e-9
"""Relative difference below which two weights count as equal."""
_LEAST_QUARTILE = 1e-300
"""Lower quartile of a tail, over its end, below which the shape counts as infinite: float64 has no reciprocal of it."""


@dataclass(frozen=True)
class ImportanceDiagnostics:
    """Diagnostics of importance weights.

    Attributes:
        log_evidence: ln of the mean weight.
        error: standard error of `log_evidence`.
        efficiency: effective sample size over the number of samples.
        effective_samples: effective sample size N_eff.
        pareto_k: shape of the tail of the weights; infinite if there are too few weights to fit.
        largest_weight: largest weight over the sum of all; one if every weight is zero.
        draws: number of samples N.

    Example:
        >>> ImportanceDiagnostics.from_log_weights(np.zeros(100)).efficiency
        1.0
    """

    log_evidence: float
    error: float
    efficiency: float
    effective_samples: float
    pareto_k: float
    largest_weight: float
    draws: int

    @property
    def converged(self) -> bool:
        """Whether the tail of the weights is light enough (`result.tail.has_converged`)."""
        return has_converged(self.pareto_k, self.largest_weight, self.draws)

    @classmethod
    def from_log_weights(cls, log_weight: LogWeights) -> "ImportanceDiagnostics":
        """Computes the diagnostics.

        Args:
            log_weight: ln of the weights, shape (n,); minus infinity stands for weight zero.

        Returns:
            The diagnostics; efficiency zero and infinite errors if every weight is zero.
        """
        n, top = len(log_weight), log_weight.max(initial=-np.inf)
        if not np.isfinite(top):
            return cls(-np.inf, np.inf, 0.0, 0.0, np.inf, 1.0, n)
        weight = relative_weights(log_weight)
        effective = effective_sample_size(weight)
        return cls(
            float(np.log(weight.mean()) + top),
            float(np.sqrt(max(n / effective - 1, 0.0) / n)),
            effective / n,
            effective,
            pareto_shape(weight),
            float(1 / weight.sum()),
            n,
        )


def evidence_error(
    log_weight: LogWeights, proposals: Int64[np.ndarray, " n"], rounds: Int64[np.ndarray, " n"]
) -> float:
    """Standard error of the ln of the mean weight, of draws that share random numbers within rounds.

    The number of draws of each proposal is fixed, so that the difference of their means is no scatter. The sums of the
    rounds of a proposal are independent, and their scatter gives the error, which is at least that of the draws.

    Args:
        log_weight: ln of the weights, shape (n,); minus infinity stands for weight zero.
        proposals: number of the proposal of each draw, shape (n,).
        rounds: number of the round of each draw, shape (n,).

    Returns:
        Nats; infinity if every weight is zero.

    Source:
        the variance of strata and clusters, Cochran, Sampling Techniques (1977), chapters 5 and 9A.
    """
    weight = relative_weights(log_weight)
    if not weight.any():
        return float("inf")
    variance = 0.0
    for proposal in np.unique(proposals):
        own = weight[proposals == proposal]
        variance += max(
            _sum_variance(own, np.arange(len(own))),
            _sum_variance(own, np.unique(rounds[proposals == proposal], return_inverse=True)[1]),
        )
    return float(np.sqrt(variance) / weight.sum())


def _sum_variance(weight: Float64[np.ndarray, " n"], groups: Int64[np.ndarray, " n"]) -> float:
    """Variance of the sum of weights that scatter by groups; zero of a single group."""
    size = np.bincount(groups)
    excess = np.bincount(groups, weight) - size * weight.mean()
    return float(len(size) / (len(size) - 1) * np.sum(excess**2)) if len(size) > 1 else 0.0


def pareto_shape(weight: Float64[np.ndarray, " n"]) -> float:
    """Fits a generalised Pareto distribution to the largest weights.

    Args:
        weight: not negative, of any scale, shape (n,).

    Returns:
        Its shape k; infinite for fewer than five weights in the tail or a tail of more than 300 orders of magnitude,
        and -1 if all weights in the tail are equal.
    """
    n = len(weight)
    tail = int(min(0.2 * n, 3 * np.sqrt(n)))
    if tail < 5:
        return float("inf")
    ordered = np.sort(weight)
    excess = ordered[-tail:] - ordered[-tail - 1]
    distinct = excess > _ROUNDING * ordered[-tail - 1]
    if not distinct.any() and ordered[-1] > 0:
        return _EQUAL_TAIL
    return _shape(excess[distinct])


def _shape(excess: Float64[np.ndarray, " m"]) -> float:
    """Estimates k by Zhang and Stephens (2009), with a prior worth ten observations of k = 1/2 (arXiv:1507.02646)."""
    m = len(excess)
    if m < 5:
        return float("inf")
    grid = 30 + int(np.sqrt(m))
    excess = excess / excess[-1]
    quarter = excess[int(m / 4 + 0.5) - 1]
    if quarter < _LEAST_QUARTILE:
        return float("inf")
    rates = 1 + (1 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3 * quarter)
    shapes = np.log1p(-rates[:, None] * excess).mean(axis=1)
    profile = m * (np.log(-rates / shapes) - shapes - 1)
    weight = np.exp(profile - profile.max())
    rate = np.sum(rates * weight) / weight.sum()
    return float((m * np.log1p(-rate * excess).mean() + 5) / (m + 10))
