"""Data of one detector in a window about a time, for inner products with sine-Gaussians.

A sine-Gaussian is compact in time, so that its inner product with the data needs d / S in the window alone, on bins of
the window's own resolution. Frequencies of infinite density are not used: sine-Gaussians that lie there explain
nothing.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex128
from numpy.typing import NDArray

from chirpleaf.strain.strain import Spectrum

Array = NDArray[np.float64]
Coarse = Complex128[np.ndarray, " bin"]

_LEAST_HEARD = 0.25
"""Share of a wavelet's power at frequencies of finite density, below which it is no explanation of the data. One at the
end of the band has half; with a smaller share, what the window spreads from other frequencies counts."""


@dataclass(frozen=True, eq=False)
class Window:
    """Data of one detector about a time.

    Attributes:
        frequencies: bins of 1 / (2 half_length), Hz.
        filtered: 4 d / S in the window, 1.
        weight: 4 / S, mean over each bin.
        heard: share of the frequencies of each bin whose density is finite, 0-1.
    """

    frequencies: Spectrum
    filtered: Coarse
    weight: NDArray[np.floating]
    heard: NDArray[np.floating]

    def match(self, time: Array, frequency: Array, quality: Array) -> tuple[NDArray[np.complex128], Array]:
        """Matches some sine-Gaussians with the data.

        Args:
            time: central times, shape (n,), seconds after the middle.
            frequency: central frequencies, shape (n,), Hz.
            quality: Q, shape (n,).

        Returns:
            Their signal-to-noise ratios with phases, zero where the data are not used, and their norms, shape (n,).
        """
        tau = quality / (2 * np.pi * frequency)
        shape = np.exp(-((np.pi * tau[:, None] * (self.frequencies - frequency[:, None])) ** 2))
        norm = np.sqrt(shape**2 @ self.weight * self.frequencies[1])
        turn = np.exp(2j * np.pi * time[:, None] * self.frequencies)
        matched = (shape * turn) @ self.filtered * self.frequencies[1]
        norm[~can_hear(shape, self.heard)] = np.inf
        return matched / np.maximum(norm, np.finfo(float).tiny), norm

    def subtract(self, wavelet: Array) -> "Window":
        """The data without a sine-Gaussian at its best amplitude and phase.

        Args:
            wavelet: (time, ln f_0, ln Q), shape (3,).
        """
        time, frequency, quality = wavelet[0], np.exp(wavelet[1]), np.exp(wavelet[2])
        z, norm = self.match(*(np.array([value]) for value in (time, frequency, quality)))
        tau = quality / (2 * np.pi * frequency)
        shape = np.exp(-((np.pi * tau * (self.frequencies - frequency)) ** 2))
        signal = z[0] / norm[0] * shape * np.exp(-2j * np.pi * self.frequencies * time)
        return replace(self, filtered=self.filtered - signal * self.weight)


def cut_window(
    strain: Complex128[np.ndarray, " frequency"],
    psd: Spectrum,
    frequencies: Spectrum,
    duration: float,
    half_length: float,
) -> Window:
    """Cuts 4 d / S to the window, on bins of its own resolution.

    Args:
        strain: data with phases relative to the middle of the window, shape (F,), 1/Hz.
        psd: one-sided power spectral density, shape (F,), 1/Hz; infinite where the data are not used.
        frequencies: multiples of 1 / duration, shape (F,), Hz.
        duration: length of the data, seconds.
        half_length: half length of the window, seconds.
    """
    length = 2 * half_length
    places = np.rint(frequencies * duration).astype(int)
    n_bins = int(np.ceil(frequencies[-1] * length)) + 1
    n = int(2 ** np.ceil(np.log2(places[-1] + 1)))
    spectrum = np.zeros(n, dtype=np.complex128)
    spectrum[places] = 4 * strain / psd / duration
    # The complex series of positive frequencies, n samples in `duration`; those in the window, earliest first.
    series = np.fft.ifft(spectrum) * n
    inside = round(half_length * n / duration)
    piece = np.concatenate([series[-inside:], series[:inside]])
    cut = np.fft.fft(np.roll(piece, -inside)) * (length / len(piece))
    bins = np.arange(n_bins)
    filtered = np.zeros(n_bins, dtype=np.complex128)
    filtered[: min(n_bins, len(cut))] = cut[:n_bins]
    nearest = np.rint(frequencies * length).astype(int)
    weight = np.bincount(nearest, 4 / psd, n_bins)[:n_bins] * length / duration
    heard = np.bincount(nearest, np.isfinite(psd).astype(np.float64), n_bins)[:n_bins] * length / duration
    return Window(bins / length, filtered, weight, heard)


def can_hear(shape: Array, heard: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether enough of some sine-Gaussians lies where the density is finite.

    Args:
        shape: their amplitudes, shape (n, bin).
        heard: share of finite densities in each bin, shape (bin,) or (n, bin).
    """
    power = shape**2
    return np.asarray((power * heard).sum(axis=-1) >= _LEAST_HEARD * power.sum(axis=-1))
