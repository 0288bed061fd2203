"""Quantised and clipped samples of a strain.

A strain that is rounded to multiples of a step q has a further white noise of the one-sided density (Bennett 1948,
doi:10.1002/j.1538-7305.1948.tb01340.x)

    S_q = q^2 / (6 f_s),

at a sampling rate f_s. It counts where it reaches the noise of the detector. A strain that is clipped takes its largest
or its smallest value more than once, which a detector never does: its noise is continuous.
"""

from __future__ import annotations

import numpy as np

from chirpleaf.strain.strain import Series, Strain

MOST_DISTINCT = 0.5
"""Distinct values over samples, above which samples are continuous. A larger number takes continuous samples for
rounded ones, a smaller one overlooks steps that are small against the range."""


def find_step(values: Series) -> float:
    """Typical distance of a rounded sample from the nearest other value that occurs.

    Args:
        values: samples; those that are not finite do not count.

    Returns:
        The step of rounded samples; zero if all samples are equal, or hardly any, as continuous ones.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=4096)
        >>> find_step(np.round(noise, 1)).__round__(3), find_step(noise)
        (0.1, 0.0)
    """
    distinct, count = np.unique(values[np.isfinite(values)], return_counts=True)
    if not 1 < len(distinct) < MOST_DISTINCT * count.sum():
        return 0.0
    steps = np.diff(distinct)
    nearest = np.minimum(np.append(steps, np.inf), np.insert(steps, 0, np.inf))
    order = np.argsort(nearest)
    cumulative = np.cumsum(count[order])
    return float(nearest[order][np.searchsorted(cumulative, cumulative[-1] / 2.0)])


def compute_rounding_noise(strain: Strain) -> float:
    """One-sided density of the noise that rounding adds, 1/Hz.

    Args:
        strain: data of one detector.

    Source:
        Bennett (1948), doi:10.1002/j.1538-7305.1948.tb01340.x.
    """
    return find_step(strain.values) ** 2 / (6.0 * strain.sample_rate)


def count_clipped(values: Series) -> int:
    """Number of samples at the largest or at the smallest value, where more than one sample takes it.

    Args:
        values: samples; those that are not finite do not count.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=4096)
        >>> count_clipped(noise), count_clipped(np.minimum(noise, 2.0)) > 50
        (0, True)
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0
    counts = [int((finite == limit).sum()) for limit in (finite.min(), finite.max())]
    return sum(count for count in counts if count > 1)
