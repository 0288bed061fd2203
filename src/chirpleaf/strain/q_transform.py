"""Q-transform: the energy of whitened strain by time and frequency, at a constant quality factor.

Each tile is the matched filter with a sine-Gaussian of central frequency f_0 and width tau = Q / (2 pi f_0):

    e(t, f_0) = |sum_k g_k w_k exp(2 pi i f_k t)|^2 / sum_k g_k^2,    g_k = exp(-(pi tau (f_k - f_0))^2)

with the data w = d / sqrt(S T / 2) whitened such that <|w|^2> = 1. In Gaussian noise e is exponential with mean one.
The tiles are those of the searches for bursts (gr-qc/0412119; Chatterji, PhD thesis, MIT 2005, chapter 5).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from chirpleaf.strain.segment import AFTER_TRIGGER, Segment


@dataclass(frozen=True)
class QSettings:
    """Tiles of the Q-transform.

    Attributes:
        quality: Q of the sine-Gaussians. A larger one resolves frequencies better and times worse.
        frequencies: least and greatest f_0, Hz; the band of the segment bounds them.
        rows: number of f_0, spaced evenly in ln f_0. More give a smoother map and cost one Fourier transform each.
        sample_rate: rate of the times, Hz. The bandwidth of a tile must lie below it.
    """

    quality: float = 8.0
    frequencies: tuple[float, float] = (25.0, 500.0)
    rows: int = 90
    sample_rate: float = 1024.0


class QMap(NamedTuple):
    """Energy of all detectors.

    Attributes:
        times: GPS times, shape (time,), seconds.
        frequencies: central frequencies, shape (row,), Hz.
        energy: shape (detector, row, time); noise has mean one.
    """

    times: Float64[np.ndarray, " time"]
    frequencies: Float64[np.ndarray, " row"]
    energy: Float64[np.ndarray, "detector row time"]


def q_transform(segment: Segment, window: tuple[float, float], settings: QSettings = QSettings()) -> QMap:
    """Computes the Q-transform of every detector of a segment.

    Args:
        segment: the data.
        window: GPS times of the first and the last column, seconds; within the segment.
        settings: the tiles.

    Returns:
        The map, on times about the window.
    """
    n = round(segment.duration * settings.sample_rate)
    start = segment.reference_time + AFTER_TRIGGER - segment.duration
    times = start + np.arange(n) / settings.sample_rate
    shown = (times >= window[0]) & (times <= window[1])
    low = max(settings.frequencies[0], float(segment.frequencies[0]))
    high = min(settings.frequencies[1], float(segment.frequencies[-1]))
    rows = np.geomspace(low, high, settings.rows)
    whitened = segment.strain / np.sqrt(segment.psd * segment.duration / 2)
    whitened = whitened * np.exp(2j * np.pi * segment.frequencies * (start - segment.reference_time))
    places = np.rint(segment.frequencies * segment.duration).astype(int)
    energy = np.empty((len(segment.detectors), settings.rows, int(shown.sum())))
    for row, frequency in enumerate(rows):
        tau = settings.quality / (2 * np.pi * frequency)
        shape = np.exp(-((np.pi * tau * (segment.frequencies - frequency)) ** 2))
        near = shape > 1e-4
        spectrum = np.zeros((len(segment.detectors), n), np.complex128)
        # Aliasing shifts all frequencies of a tile together, which leaves its modulus.
        spectrum[:, places[near] % n] = shape[near] * whitened[:, near]
        series = np.fft.ifft(spectrum, axis=-1)[:, shown] * n
        energy[:, row] = np.abs(series) ** 2 / np.sum(shape[near] ** 2)
    return QMap(times[shown], rows, energy)
