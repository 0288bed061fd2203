"""Comparison of two posteriors of the same event by the Jensen-Shannon divergence of their marginals.

The Jensen-Shannon divergence of two densities p and q is

    JS(p, q) = 1/2 KL(p | m) + 1/2 KL(q | m),    m = (p + q) / 2.

It is symmetric and lies between 0 and ln 2 nats. It is computed for each one-dimensional marginal, in nats as in
arXiv:2106.12594; two marginals with a divergence below 2e-3 nats count as indistinguishable. The densities are Gaussian
kernel density estimates (Scott's bandwidth) of all samples on a common grid of 100 points between the smallest and the
largest sample, as in the validation of bilby (arXiv:2006.00714).

The estimate has limits. The kernels smooth both densities across the edge of a prior (mass ratio one), so that a
difference within a bandwidth of the edge is underestimated. Structure narrower than the bandwidth is lost. Outliers
make the grid coarse. Finite samples bias the estimate upwards: compare it with `noise_floor`.
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
    """A Jensen-Shannon divergence with its sampling error and bias, all in nats.

    Attributes:
        value: Divergence of the two sets of samples.
        error: Standard deviation of the divergence over bootstrap resamplings of both sets.
        floor: Mean divergence of two sets of the same sizes drawn from one distribution, the pooled samples.
    """

    value: float
    error: float
    floor: float

    @property
    def indistinguishable(self) -> bool:
        """Whether the divergence is below 2e-3 nats."""
        return self.value < INDISTINGUISHABLE

    def to_dict(self) -> dict[str, float]:
        """Convert the numbers to a plain dictionary for JSON."""
        return asdict(self)


def jensen_shannon(
    samples_a: ArrayLike,
    samples_b: ArrayLike,
    *,
    weights_a: ArrayLike | None = None,
    weights_b: ArrayLike | None = None,
    grid_points: int = 100,
) -> float:
    """Compute the Jensen-Shannon divergence of two sets of samples of one parameter.

    Args:
        samples_a: Samples of the first posterior, shape (n_a,).
        samples_b: Samples of the second posterior in the same unit, shape (n_b,).
        weights_a: Importance weights of the first, shape (n_a,); None means equal weights.
        weights_b: Importance weights of the second, shape (n_b,); None means equal weights.
        grid_points: Number of points of the common grid.

    Returns:
        The divergence in nats, in [0, ln 2].

    Raises:
        InputError: If samples or weights have the wrong shape, are not finite, or all samples are equal.
    """
    a, weights_a = _check_samples(samples_a, weights_a)
    b, weights_b = _check_samples(samples_b, weights_b)
    grid = np.linspace(min(a.min(), b.min()), max(a.max(), b.max()), grid_points)
    p, q = gaussian_kde(a, weights=weights_a)(grid), gaussian_kde(b, weights=weights_b)(grid)
    p, q = p / p.sum(), q / q.sum()
    m = (p + q) / 2
    return float(np.clip((rel_entr(p, m).sum() + rel_entr(q, m).sum()) / 2, 0.0, np.log(2.0)))


def bootstrap_error(
    samples_a: ArrayLike, samples_b: ArrayLike, rng: np.random.Generator, *, resamplings: int = 20
) -> float:
    """Estimate the sampling error of `jensen_shannon` as its standard deviation over bootstrap resamplings.

    Args:
        samples_a: Independent samples of the first posterior, shape (n_a,).
        samples_b: Independent samples of the second posterior, shape (n_b,).
        rng: Source of randomness.
        resamplings: Number of pairs of resampled sets.

    Returns:
        The standard deviation in nats.
    """
    a, b = np.asarray(samples_a, np.float64), np.asarray(samples_b, np.float64)
    values = [jensen_shannon(rng.choice(a, len(a)), rng.choice(b, len(b))) for _ in range(resamplings)]
    return float(np.std(values, ddof=1))


def noise_floor(samples_a: ArrayLike, samples_b: ArrayLike, rng: np.random.Generator, *, splits: int = 20) -> float:
    """Estimate the mean divergence of two sets of these sizes from the same distribution.

    The pooled samples are split at random into two sets, repeatedly.

    Args:
        samples_a: Independent samples of the first posterior, shape (n_a,).
        samples_b: Independent samples of the second posterior, shape (n_b,).
        rng: Source of randomness.
        splits: Number of random splits.

    Returns:
        The mean in nats. A divergence is significant only if it is well above this value.
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
    """Compute the divergence, its error and its noise floor for every common parameter of two posteriors.

    Samples must have equal weights; resample weighted samples first.

    Args:
        samples_a: Independent samples of the first posterior by parameter name, each of shape (n_a,).
        samples_b: Independent samples of the second posterior by parameter name, each of shape (n_b,).
        rng: Source of randomness.
        resamplings: Number of bootstrap resamplings for the error and of random splits for the noise floor.

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


def _check_samples(samples: ArrayLike, weights: ArrayLike | None) -> tuple[Array, Array | None]:
    """Convert samples and weights to float arrays, check them, and drop samples of weight zero."""
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
