"""Importance weights: what they say of the evidence, of the samples, and of themselves.

With samples theta_i ~ q and weights w_i = L(theta_i) pi(theta_i) / q(theta_i),

    Z = mean(w),    N_eff = (sum w)^2 / sum w^2,    efficiency = N_eff / N,    var(ln Z) = (1 / efficiency - 1) / N.

The tail of the weights tells whether these can be believed: a generalised Pareto distribution is fitted to the largest
ones, and its shape k above 0.7 says that the mean is not yet (arXiv:1507.02646).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from chirpleaf.result.weights import effective_sample_size, relative_weights

LogWeights = Float64[np.ndarray, " n"]


@dataclass(frozen=True)
class Weighing:
    """A verdict on weights.

    Attributes:
        log_evidence: ln of the mean weight.
        error: its standard error.
        efficiency: effective samples over samples.
        effective_samples: as defined above.
        pareto_k: shape of the tail of the weights; infinite where there is none to fit.
    """

    log_evidence: float
    error: float
    efficiency: float
    effective_samples: float
    pareto_k: float

    @classmethod
    def of(cls, log_weight: LogWeights) -> "Weighing":
        """From ln of the weights; minus infinity stands for weight zero."""
        n, top = len(log_weight), log_weight.max(initial=-np.inf)
        if not np.isfinite(top):
            return cls(-np.inf, np.inf, 0.0, 0.0, np.inf)
        weight = relative_weights(log_weight)
        effective = effective_sample_size(weight)
        return cls(
            float(np.log(weight.mean()) + top),
            float(np.sqrt(max(n / effective - 1, 0.0) / n)),
            effective / n,
            effective,
            pareto_shape(weight),
        )


def pareto_shape(weight: Float64[np.ndarray, " n"]) -> float:
    """Shape of the generalised Pareto distribution of the largest weights.

    Args:
        weight: not negative, of any scale.

    Returns:
        k; infinite for fewer than five weights in the tail.
    """
    n = len(weight)
    tail = int(min(0.2 * n, 3 * np.sqrt(n)))
    if tail < 5:
        return float("inf")
    ordered = np.sort(weight)
    excess = ordered[-tail:] - ordered[-tail - 1]
    return _shape(excess[excess > 0])


def _shape(excess: Float64[np.ndarray, " m"]) -> float:
    """The estimate of Zhang and Stephens (2009), drawn towards one half as much as ten observations would."""
    m = len(excess)
    if m < 5:
        return float("inf")
    grid = 30 + int(np.sqrt(m))
    quarter = excess[int(m / 4 + 0.5) - 1]
    rates = 1 / excess[-1] + (1 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3 * quarter)
    shapes = np.log1p(-rates[:, None] * excess).mean(axis=1)
    profile = m * (np.log(-rates / shapes) - shapes - 1)
    weight = np.exp(profile - profile.max())
    rate = np.sum(rates * weight) / weight.sum()
    return float((m * np.log1p(-rate * excess).mean() + 5) / (m + 10))
