"""Comparison: how far apart are two posteriors of the same event?

The Jensen-Shannon divergence of two densities p and q is

    JS(p, q) = 1/2 KL(p | m) + 1/2 KL(q | m),    m = (p + q) / 2,

symmetric, between 0 and ln 2 nats. It is found for each one-dimensional marginal, in nats as in arXiv:2106.12594; below
2e-3 nats two posteriors count as indistinguishable. The densities are Gaussian kernel estimates (Scott's bandwidth) of
all samples on a common grid of 100 points from the smallest to the largest, as in the validation of bilby
(arXiv:2006.00714).

What the estimate does not see: the kernels smooth over the hard edge of a prior (mass ratio one) alike on both sides,
so that a difference within a bandwidth of the edge is understated; structure narrower than the bandwidth is smoothed
away; and far outliers stretch the grid. Finite samples bias it upwards: compare it with `noise_floor`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import rel_entr
from scipy.stats import gaussian_kde

from chirpleaf.errors import InputError

Array = NDArray[np.float64]

INDISTINGUISHABLE = 2e-3
"""Divergence in nats below which two marginals count as indistinguishable (arXiv:2106.12594)."""


@dataclass(frozen=True)
class Divergence:
    """A Jensen-Shannon divergence with what finite samples do to it, all in nats.

    Attributes:
        value: The divergence of the two sets of samples.
        error: Its standard deviation over bootstrap resamplings of both sets.
        floor: Its mean between two sets of the same sizes drawn from one distribution, the pooled samples.
    """

    value: float
    error: float
    floor: float

    @property
    def indistinguishable(self) -> bool:
        """Whether the divergence is below 2e-3 nats."""
        return self.value < INDISTINGUISHABLE

    def to_dict(self) -> dict[str, float]:
        """The numbers by name, ready for JSON."""
        return asdict(self)


def jensen_shannon(
    samples_a: ArrayLike,
    samples_b: ArrayLike,
    *,
    weights_a: ArrayLike | None = None,
    weights_b: ArrayLike | None = None,
    grid_points: int = 100,
) -> float:
    """Jensen-Shannon divergence of two sets of samples of one parameter.

    Args:
        samples_a: Samples of one posterior, shape (n_a,).
        samples_b: Samples of the other in the same unit, shape (n_b,).
        weights_a: Importance weights of the first, shape (n_a,); None means equal.
        weights_b: Importance weights of the second, shape (n_b,); None means equal.
        grid_points: Points of the common grid.

    Returns:
        The divergence in nats, in [0, ln 2].

    Raises:
        InputError: If samples or weights cannot be used: wrong shape, not finite, all equal.
    """
    a, weights_a = _checked(samples_a, weights_a)
    b, weights_b = _checked(samples_b, weights_b)
    grid = np.linspace(min(a.min(), b.min()), max(a.max(), b.max()), grid_points)
    p, q = gaussian_kde(a, weights=weights_a)(grid), gaussian_kde(b, weights=weights_b)(grid)
    p, q = p / p.sum(), q / q.sum()
    m = (p + q) / 2
    return float(np.clip((rel_entr(p, m).sum() + rel_entr(q, m).sum()) / 2, 0.0, np.log(2.0)))


def bootstrap_error(
    samples_a: ArrayLike, samples_b: ArrayLike, rng: np.random.Generator, *, resamplings: int = 20
) -> float:
    """Sampling error of `jensen_shannon`: its standard deviation over bootstrap resamplings of both sets.

    Args:
        samples_a: Independent samples of one posterior, shape (n_a,).
        samples_b: Independent samples of the other, shape (n_b,).
        rng: Source of randomness.
        resamplings: How many pairs of resampled sets are drawn.

    Returns:
        The standard deviation in nats.
    """
    a, b = np.asarray(samples_a, np.float64), np.asarray(samples_b, np.float64)
    values = [jensen_shannon(rng.choice(a, len(a)), rng.choice(b, len(b))) for _ in range(resamplings)]
    return float(np.std(values, ddof=1))


def noise_floor(samples_a: ArrayLike, samples_b: ArrayLike, rng: np.random.Generator, *, splits: int = 20) -> float:
    """Mean divergence that sets of these sizes show when nothing differs: the pooled samples split at random.

    Args:
        samples_a: Independent samples of one posterior, shape (n_a,).
        samples_b: Independent samples of the other, shape (n_b,).
        rng: Source of randomness.
        splits: How many random splits are averaged.

    Returns:
        The mean in nats; a divergence is a difference only where it stands well above.
    """
    a, b = np.asarray(samples_a, np.float64), np.asarray(samples_b, np.float64)
    pooled = np.concatenate([a, b])
    shuffled = (rng.permutation(pooled) for _ in range(splits))
    return float(np.mean([jensen_shannon(values[: len(a)], values[len(a) :]) for values in shuffled]))


def compare(
    samples_a: Mapping[str, ArrayLike],
    samples_b: Mapping[str, ArrayLike],
    rng: np.random.Generator,
    *,
    resamplings: int = 20,
) -> dict[str, Divergence]:
    """Divergence, its error and its floor for every parameter that two posteriors share.

    Resample weighted samples by their weights first.

    Args:
        samples_a: Independent samples of one posterior by parameter name, each of shape (n_a,).
        samples_b: Independent samples of the other by parameter name, each of shape (n_b,).
        rng: Source of randomness.
        resamplings: Bootstrap resamplings and random splits for the error and the floor.

    Returns:
        Divergences by parameter name, in the order of the first posterior.

    Raises:
        InputError: If the posteriors share no parameter.
    """
    shared = [name for name in samples_a if name in samples_b]
    if not shared:
        raise InputError(f"expected a common parameter; got {sorted(samples_a)} and {sorted(samples_b)}")
    return {
        name: Divergence(
            jensen_shannon(samples_a[name], samples_b[name]),
            bootstrap_error(samples_a[name], samples_b[name], rng, resamplings=resamplings),
            noise_floor(samples_a[name], samples_b[name], rng, splits=resamplings),
        )
        for name in shared
    }


def _checked(samples: ArrayLike, weights: ArrayLike | None) -> tuple[Array, Array | None]:
    """Samples and weights as float arrays a density can be estimated from, samples of weight zero left out."""
    samples = np.asarray(samples, np.float64)
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise InputError(f"expected finite samples of shape (n,); got shape {samples.shape}: drop NaN and infinity")
    if weights is not None:
        weights = np.asarray(weights, np.float64)
        if weights.shape != samples.shape or not (np.isfinite(weights) & (weights >= 0)).all():
            raise InputError(f"expected finite weights >= 0 of shape {samples.shape}; got shape {weights.shape}")
        samples, weights = samples[weights > 0], weights[weights > 0]
    if len(samples) < 2 or samples.min() == samples.max():
        raise InputError("expected at least two different samples; got fewer: a density needs a width")
    return samples, weights
