"""Matched filter: how loud a waveform is in the data at any arrival time.

    z(t) = 4 df sum_i d_i conj(h_i) exp(2 pi i f_i t) / S_i,        (h|h) = 4 df sum_i |h_i|^2 / S_i,

so that |z| / sqrt((h|h)) is the signal-to-noise at t (arXiv:gr-qc/0509116, section III).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex128, Float64

from chirpleaf.strain.segment import Segment

_TIME_STEP = 1 / 8192


class Filtered(NamedTuple):
    """Output of a matched filter.

    Attributes:
        times: after the segment's reference time, shape (time,), seconds, increasing.
        output: z, shape (detector, time).
        power: (h|h), shape (detector,).
    """

    times: Float64[np.ndarray, " time"]
    output: Complex128[np.ndarray, "detector time"]
    power: Float64[np.ndarray, " detector"]

    @property
    def snr(self) -> Float64[np.ndarray, "detector time"]:
        """Signal-to-noise."""
        return np.asarray(np.abs(self.output) / np.sqrt(self.power)[:, None])

    @property
    def peak(self) -> tuple[int, float]:
        """Index of the detector that hears it loudest, and when, seconds after the segment's reference time."""
        height = self.snr
        loudest = int(height.max(axis=1).argmax())
        return loudest, float(self.times[height[loudest].argmax()])


def matched_filter(segment: Segment, waveform: Complex128[np.ndarray, " frequency"], search: float) -> Filtered:
    """Filters the data of every detector with one waveform.

    Args:
        segment: the data.
        waveform: on the segment's frequencies, shape (F,), 1/Hz.
        search: half width of the arrival times about the reference time, seconds.

    Returns:
        The output at times 1/8192 s apart.
    """
    n = round(segment.duration / _TIME_STEP)
    scale = 4 / segment.duration
    integrand = np.zeros((len(segment.detectors), n), dtype=np.complex128)
    places = np.rint(segment.frequencies * segment.duration).astype(int)
    integrand[:, places] = scale * segment.strain * waveform.conj() / segment.psd
    # ifft divides by n, and puts negative times at the end.
    series = np.fft.fftshift(np.fft.ifft(integrand, axis=-1) * n, axes=-1)
    times = np.fft.fftshift(np.fft.fftfreq(n, 1 / segment.duration))
    inside = np.abs(times) <= search
    return Filtered(times[inside], series[:, inside], scale * (np.abs(waveform) ** 2 / segment.psd).sum(axis=-1))


def peak_times(
    height: Float64[np.ndarray, "*n time"], times: Float64[np.ndarray, " time"]
) -> Float64[np.ndarray, "*n"]:
    """When filter outputs are highest, between their samples by the parabola through the three highest.

    Args:
        height: shape (..., time).
        times: evenly spaced, shape (time,), seconds.

    Returns:
        Shape (...), seconds.
    """
    place = height.argmax(axis=-1)[..., None].clip(1, len(times) - 2)
    left, middle, right = (np.take_along_axis(height, place + i, axis=-1)[..., 0] for i in (-1, 0, 1))
    bend = np.maximum(2 * middle - left - right, 1e-12)
    found = times[place[..., 0]] + (times[1] - times[0]) * (0.5 * (right - left) / bend).clip(-1, 1)
    return np.asarray(found)
