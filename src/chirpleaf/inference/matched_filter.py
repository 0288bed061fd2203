"""Matched filter: the signal-to-noise ratio of a waveform in the data at any arrival time.

A waveform is a sum of S series h_s with unknown complex amplitudes. With an orthonormal basis u_s of the series in the
noise-weighted inner product

    (a|b) = 4 df sum_i a_i conj(b_i) / S_i,

the filter outputs are z_s(t) = (d | u_s exp(-2 pi i f t)), and the signal-to-noise ratio, maximised over the
amplitudes, is sqrt(sum_s |z_s(t)|^2) (arXiv:gr-qc/0509116, section III). In terms of the series it is sqrt(z^H G^+ z),
with z their own filter outputs and G their Gram matrix; for one series it is |(d|h)| / sqrt((h|h)).
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Complex, Complex128, Float64

from chirpleaf.representation.peaks import locate_peaks
from chirpleaf.strain.segment import Segment

_TIME_STEP = 1 / 8192
"""Spacing of the filter's output, seconds. A finer one finds the peak better, at the cost of longer transforms."""

_EASY_LENGTH = 1024
"""Transforms of a multiple of this length are fast."""

_DEPENDENT = 1e-6
"""Share of a series' norm outside the span of the others below which it counts as linearly dependent on them."""


class FilterOutput(NamedTuple):
    """Output of a matched filter.

    Attributes:
        times: arrival times after the segment's reference time, shape (time,), seconds, increasing.
        output: z, shape (detector, series, time).
        basis: u, shape (detector, series, frequency), 1/Hz; zero for linearly dependent series.
    """

    times: Float64[np.ndarray, " time"]
    output: Complex128[np.ndarray, "detector series time"]
    basis: Complex128[np.ndarray, "detector series frequency"]

    @property
    def snr(self) -> Float64[np.ndarray, "detector time"]:
        """Signal-to-noise ratio."""
        return np.asarray(np.hypot.reduce(np.abs(self.output), axis=1))

    @property
    def peak(self) -> tuple[int, float]:
        """Index of the detector with the largest signal-to-noise ratio, and its arrival time there, seconds."""
        height = self.snr
        loudest = int(height.max(axis=1).argmax())
        return loudest, float(self.times[height[loudest].argmax()])

    def fit_signal(
        self, frequencies: Float64[np.ndarray, " frequency"]
    ) -> Complex128[np.ndarray, "detector frequency"]:
        """The signal at its best amplitudes and arrival time in each detector.

        Args:
            frequencies: frequencies of the segment, Hz.

        Returns:
            1/Hz, about the segment's reference time.
        """
        peak = self.snr.argmax(axis=-1)
        fitted = np.take_along_axis(self.output, peak[:, None, None], axis=-1)
        delay = np.exp(-2j * np.pi * np.outer(self.times[peak], frequencies))
        return np.asarray((fitted * self.basis).sum(axis=1) * delay)


def matched_filter(
    segment: Segment, waveform: Complex128[np.ndarray, "*series frequency"], search: float
) -> FilterOutput:
    """Filters the data of every detector with one waveform.

    Args:
        segment: the data.
        waveform: series on the segment's frequencies, shape (series, F), or one series, (F,), 1/Hz.
        search: half width of the arrival times about the reference time, seconds.

    Returns:
        The output at times 1/8192 s apart.
    """
    noise = np.sqrt(segment.psd * segment.duration / 4)[:, None]
    whitened = orthonormalise(np.atleast_2d(waveform) / noise)
    n = round(segment.duration / _TIME_STEP)
    most = min(int(search / _TIME_STEP), (n - 1) // 2)
    places = np.rint(segment.frequencies * segment.duration).astype(np.int64)
    values = np.zeros((*whitened.shape[:-1], int(np.ptp(places)) + 1), np.complex128)
    values[..., places - places[0]] = segment.strain[:, None] / noise * whitened.conj()
    output = transform_about_zero(values, int(places[0]), n, most)
    return FilterOutput(np.arange(-most, most + 1) * _TIME_STEP, output, whitened * noise)


def transform_about_zero(
    values: Complex128[np.ndarray, "*batch place"], first: int, n: int, most: int
) -> Complex128[np.ndarray, "*batch time"]:
    """The part of a long inverse Fourier transform about time zero, sum_k a_k exp(2 pi i j k / n) for |j| <= `most`.

    Bluestein's algorithm (doi:10.1109/TAU.1970.1162132) takes transforms of the length of `values` in place of n.

    Args:
        values: a_k, shape (..., place), from the frequency `first` upwards.
        first: number k of the first value.
        n: length of the whole transform.
        most: largest |j|.

    Returns:
        Shape (..., 2 most + 1).
    """
    places, times = np.arange(values.shape[-1]), np.arange(-most, most + 1)

    def chirp(number: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(1j * np.pi / n * (number**2 % (2 * n))))

    lags = np.arange(-most - places[-1], most + 1)
    size = -(-len(lags) // _EASY_LENGTH) * _EASY_LENGTH
    kernel = np.fft.fft(chirp(lags).conj(), size)
    product = np.fft.ifft(np.fft.fft(values * chirp(places), size) * kernel)
    shift = np.exp(2j * np.pi / n * (times * first % n))
    return np.asarray(product[..., places[-1] : len(lags)] * chirp(times) * shift)


def orthonormalise(series: Complex[np.ndarray, "*batch series n"]) -> Complex[np.ndarray, "*batch series n"]:
    """An orthonormal basis of whitened series, by the modified Gram-Schmidt process.

    Args:
        series: shape (..., S, n).

    Returns:
        The basis, same shape. A series that depends linearly on the former ones gives zeros.
    """
    basis = np.empty_like(series)
    for index in range(series.shape[-2]):
        vector = series[..., index, :]
        left = norm = np.linalg.norm(vector, axis=-1, keepdims=True)
        for former in range(index):
            unit = basis[..., former, :]
            vector = vector - unit * np.sum(unit.conj() * vector, axis=-1, keepdims=True)
            left = np.linalg.norm(vector, axis=-1, keepdims=True)
        # Division by infinity gives the zeros of a dependent series.
        np.divide(vector, np.where(left > _DEPENDENT * norm, left, np.inf), out=basis[..., index, :])
    return basis


def peak_times(
    height: Float64[np.ndarray, "*n time"], times: Float64[np.ndarray, " time"]
) -> Float64[np.ndarray, "*n"]:
    """Times at which filter outputs are highest, between their samples.

    Args:
        height: shape (..., time).
        times: evenly spaced, shape (time,), seconds.

    Returns:
        Shape (...), seconds.
    """
    index, offset = locate_peaks(torch.from_numpy(height))
    return np.asarray(times[index.numpy()] + (times[1] - times[0]) * offset.numpy())
