"""Power and correlation of whitened data about a time, against what white Gaussian noise has.

The bins of a band, transformed back, are a complex series x of one sample for each 1 / bandwidth, whose samples are
independent in white noise, and |x|^2 / 2 exponentially distributed:

- the power of a tile in time and frequency, over that of the same band in the rest of the segment, follows the F
  distribution, whatever the scale of the spectrum;
- N |r_k|^2 of the autocorrelations r_k of N samples are exponential, and twice their sum over K lags is chi-square of
  2 K degrees of freedom (Ljung and Box 1978).

Bins of infinite density hold no data and are left out of the band.

Both are given as standard deviations of a normal variable of the same probability, by the cube root of Wilson and
Hilferty (1931).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex128, Float64

from chirpleaf.strain.segment import AFTER_TRIGGER, Segment
from chirpleaf.strain.whiteness import to_normal

_MARGIN = 1.0
"""Length of the ends of a segment that the window attenuates, seconds."""

_FEWEST = 2
"""Least number of samples of a tile."""


class Tile(NamedTuple):
    """Power in a tile of time and frequency.

    Attributes:
        band: its frequencies, Hz.
        interval: its times, seconds after the merger.
        ratio: its mean power over that of the same band in the rest of the segment.
        excess: the ratio as standard deviations of a normal variable.
    """

    band: tuple[float, float]
    interval: tuple[float, float]
    ratio: float
    excess: float


def find_loudest_tile(
    segment: Segment,
    index: int,
    residual: Complex128[np.ndarray, " frequency"],
    merger: float,
    bands: Sequence[float],
    times: Sequence[float],
) -> Tile:
    """The tile of the greatest excess.

    Args:
        segment: gives frequencies, spectra and times.
        index: row of the detector.
        residual: its data, shape (F,), 1/Hz.
        merger: seconds after the segment's reference time.
        bands: ends of the bands, increasing, Hz.
        times: ends of the intervals, increasing, seconds after the merger.
    """
    used = np.isfinite(segment.psd[index])
    whitened = residual * np.sqrt(4 / (segment.psd[index] * segment.duration))
    loudest = Tile((0.0, 0.0), (0.0, 0.0), 1.0, -np.inf)
    for low, high in pairwise(bands):
        inside = used & (segment.frequencies >= low) & (segment.frequencies < high)
        if inside.sum() < _FEWEST:
            continue
        clock, series = _transform_band(segment, whitened[inside])
        power = np.abs(series) ** 2 / 2
        rest = (clock < merger + times[0]) | (clock > merger + times[-1])
        rest &= (clock > AFTER_TRIGGER + _MARGIN - segment.duration) & (clock < AFTER_TRIGGER - _MARGIN)
        for start, end in pairwise(times):
            tile = (clock >= merger + start) & (clock < merger + end)
            if min(tile.sum(), rest.sum()) >= _FEWEST:
                ratio = float(power[tile].mean() / max(power[rest].mean(), np.finfo(float).tiny))
                excess = _normalise_ratio(ratio, 2 * int(tile.sum()), 2 * int(rest.sum()))
                if excess > loudest.excess:
                    loudest = Tile((low, high), (start, end), ratio, excess)
    return loudest


def correlate_residual(
    segment: Segment,
    index: int,
    residual: Complex128[np.ndarray, " frequency"],
    merger: float,
    around: float,
    lags: int,
) -> float:
    """Squared autocorrelation of the data about the merger, as standard deviations of a normal variable.

    Args:
        segment: gives frequencies, spectra and times.
        index: row of the detector.
        residual: its data, shape (F,), 1/Hz.
        merger: seconds after the segment's reference time.
        around: half length of the data, seconds.
        lags: number of lags, in samples of the analysed band.
    """
    used = np.isfinite(segment.psd[index])
    clock, series = _transform_band(segment, (residual * np.sqrt(4 / (segment.psd[index] * segment.duration)))[used])
    order = np.argsort(clock)
    clock, series = clock[order], series[order]
    piece = series[np.abs(clock - merger) < around]
    if len(piece) <= 2 * lags:
        return 0.0
    power = max(float(np.sum(np.abs(piece) ** 2)), np.finfo(float).tiny)
    r = np.array([np.sum(piece[lag:] * piece[:-lag].conj()) for lag in range(1, lags + 1)]) / power
    # With fewer products at longer lags, N (N + 2) / (N - k) |r_k|^2 has mean one.
    scale = len(piece) ** 2 / (len(piece) - np.arange(1, lags + 1))
    degrees = 2 * lags
    return float(to_normal(2 * np.sum(scale * np.abs(r) ** 2) / degrees, degrees))


def _transform_band(
    segment: Segment, whitened: Complex128[np.ndarray, " bin"]
) -> tuple[Float64[np.ndarray, " bin"], Complex128[np.ndarray, " bin"]]:
    """Times after the reference time, and the complex series of a band, of mean square two in white noise."""
    n = len(whitened)
    clock = np.arange(n) * segment.duration / n
    return np.where(clock < AFTER_TRIGGER, clock, clock - segment.duration), np.fft.ifft(whitened) * np.sqrt(n)


def _normalise_ratio(ratio: float, first: int, second: int) -> float:
    """A variable of the F distribution as standard deviations of a normal one."""
    root, a, b = ratio ** (1 / 3), 2 / (9 * first), 2 / (9 * second)
    return float(((1 - b) * root - (1 - a)) / np.sqrt(b * root**2 + a))
