"""Regularised spectral estimate: a smooth part, and lines on top of it.

A Welch estimate from K stretches scatters by 1 / sqrt(K) in each bin, 30 % for half a minute of data. The noise of a
detector is smooth in frequency away from its spectral lines, so neighbouring bins can share their information, in the
spirit of the spline and lines of BayesLine (arXiv:1410.3852). With L = ln of the mean periodogram and v = 1 / K the
variance of its scatter:

1. *Smooth part.* A straight line in ln f is fitted to L in a window around each frequency, without the bins of lines.
2. *Lines.* A bin belongs to a line if L lies more than `line_threshold` standard deviations above the smooth part; its
   neighbours too, because the window of the estimate widens lines. Lines keep their L.
3. *Shrinkage.* Elsewhere the residual r = L - smooth is multiplied by k = t / (t + v) (empirical Bayes), where t is the
   variance of the residuals in the window beyond v: structure that the smooth part does not follow is kept as far as
   the scatter allows.

**Bias.** The likelihood needs 1 / S, and the expectation of 1 / S of a noisy estimate is too large: the whitened noise
is too loud. With estimates of the logarithm, E[L] = ln S - v / 2 + O(v^2), and an estimate with variance u has
E[1 / S_estimate] = exp(u / 2) / S. The estimate is therefore multiplied by exp(v / 2 + u / 2), so that the whitened
noise has unit variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from chirpleaf.strain.psd_estimation import median_bias
from chirpleaf.strain.strain import Spectrum

_BLOCK = 16
"""Bins of a block of the first smooth part."""


@dataclass(frozen=True)
class RegularisationSettings:
    """Settings of the regularised estimate, chosen by the likelihood of recorded noise that was left out of it.

    Attributes:
        relative_width: half width of the window of the smooth part over its frequency. A wider window averages more
            bins, but follows the spectrum worse.
        least_width: smallest half width of the window, Hz; it counts below 67 Hz.
        line_threshold: height above the smooth part at which a bin belongs to a line, standard deviations. Lower, noise
            counts as a line and scatters as much as before; higher, the flanks of lines are smoothed away.
        line_neighbours: bins on either side of a line that belong to it.
        clip: periodograms above this multiple of the median of all stretches are reduced to it, so that a glitch in one
            stretch counts for a bounded share. Gaussian noise reaches 6 times the median-based level in 0.25 % of bins.
        rounds: how often smooth part and lines are found, each from the other.
    """

    relative_width: float = 0.03
    least_width: float = 2.0
    line_threshold: float = 3.5
    line_neighbours: int = 2
    clip: float = 6.0
    rounds: int = 2


class _Windows(NamedTuple):
    """Bins [low, high) around each bin."""

    low: np.ndarray
    high: np.ndarray

    def sum(self, values: Spectrum) -> Spectrum:
        """Sum over the window of each bin."""
        cumulative = np.concatenate([[0.0], np.cumsum(values)])
        total: Spectrum = cumulative[self.high] - cumulative[self.low]
        return total


def regularise(
    frequencies: Spectrum,
    periodograms: Float64[np.ndarray, "stretch frequency"],
    effective_stretches: float,
    settings: RegularisationSettings = RegularisationSettings(),
) -> Spectrum:
    """Estimate a power spectral density from periodograms, with a smooth part and lines.

    Args:
        frequencies: evenly spaced, positive, shape (F,), Hz.
        periodograms: shape (K, F), 1/Hz.
        effective_stretches: number of independent stretches with the scatter of the mean of these overlapping ones.
        settings: settings of the estimate.

    Returns:
        Density whose inverse is unbiased, shape (F,), 1/Hz.

    Source:
        Spirit of arXiv:1410.3852 (BayesLine); shrinkage: Efron & Morris (1973), doi:10.2307/2284155.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> found = regularise(np.arange(20.0, 1024.0, 0.25), rng.exponential(size=(12, 4016)), 12.0)
        >>> bool(found.std() < 0.15), round(float(np.mean(1 / found)), 1)
        (True, 1.0)
    """
    level = np.median(periodograms, axis=0) / median_bias(len(periodograms))
    mean = np.minimum(periodograms, settings.clip * level).mean(axis=0)
    log_mean = np.log(np.maximum(mean, np.finfo(np.float64).tiny))
    variance = 1.0 / effective_stretches
    half = np.maximum(settings.least_width, settings.relative_width * frequencies) / (frequencies[1] - frequencies[0])
    places = np.arange(len(frequencies))
    low, high = np.rint(places - half).astype(int), np.rint(places + half).astype(int) + 1
    windows = _Windows(np.clip(low, 0, None), np.clip(high, None, len(frequencies)))
    smooth = _interpolate_medians(log_mean)
    for _ in range(settings.rounds):
        lines = _widen(log_mean - smooth > settings.line_threshold * np.sqrt(variance), settings.line_neighbours)
        smooth = _fit_straight_lines(np.log(frequencies), log_mean, ~lines, windows, otherwise=smooth)
    residual = log_mean - smooth
    count = np.maximum(windows.sum((~lines).astype(np.float64)), 1.0)
    excess = np.maximum(windows.sum(np.where(lines, 0.0, residual**2)) / count - variance, 0.0)
    kept = np.where(lines, 1.0, excess / (excess + variance))
    # A straight line fitted to `count` bins has twice the variance of their mean at worst, at the ends of its window.
    remaining = kept**2 * variance + (1.0 - kept) ** 2 * 2.0 * variance / count
    density: Spectrum = np.exp(smooth + kept * residual + (variance + remaining) / 2.0)
    return density


def _interpolate_medians(values: Spectrum) -> Spectrum:
    """Interpolate medians over blocks of bins: a first smooth part that ignores lines."""
    blocks = max(len(values) // _BLOCK, 1)
    size = len(values) // blocks
    medians = np.median(values[: blocks * size].reshape(blocks, size), axis=1)
    found: Spectrum = np.interp(np.arange(len(values)), (np.arange(blocks) + 0.5) * size - 0.5, medians)
    return found


def _fit_straight_lines(
    x: Spectrum, y: Spectrum, used: Bool[np.ndarray, " frequency"], windows: _Windows, *, otherwise: Spectrum
) -> Spectrum:
    """Fit a straight line to the used bins of each window; `otherwise` where there are fewer than six of them."""
    weight = used.astype(np.float64)
    count = windows.sum(weight)
    safe = np.maximum(count, 1.0)
    mean_x, mean_y = windows.sum(weight * x) / safe, windows.sum(weight * y) / safe
    variance = windows.sum(weight * x * x) / safe - mean_x**2
    covariance = windows.sum(weight * x * y) / safe - mean_x * mean_y
    slope = np.where(variance > 1e-12, covariance / np.maximum(variance, 1e-12), 0.0)
    fitted: Spectrum = np.where(count >= 6, mean_y + slope * (x - mean_x), otherwise)
    return fitted


def _widen(mask: Bool[np.ndarray, " frequency"], n: int) -> Bool[np.ndarray, " frequency"]:
    """Add n neighbours on either side of each run of True."""
    wide = mask.copy()
    for shift in range(1, n + 1):
        wide[shift:] |= mask[:-shift]
        wide[:-shift] |= mask[shift:]
    return wide
