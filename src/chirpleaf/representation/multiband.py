"""Multiband grid: a few hundred frequency bins that preserve a chirp's signal-to-noise ratio.

A chirp passes low frequencies long before the merger, so neighbouring frequencies near 20 Hz differ in phase far more
than those above 300 Hz. Bins of native Fourier frequencies are therefore combined with weights 1/S,

    d_j = w_j  sum_i d_i c_i / S_i  /  sum_i 1 / S_i,        w_j^2 = 4 df sum_i 1 / S_i,

where the bins widen as the spread of the delays t(f) of all signals in range shrinks. The carrier c(f) =
exp(i 2 pi (3/5) t_c(f) f) first removes the mean delay t_c(f), which halves this spread. Noise then has unit variance
in the real and in the imaginary part of each d_j, and a signal h(f) appears as h(f_j) c(f_j) w_j
(compare arXiv:2111.13619, "multibanding", and arXiv:2407.09602 for networks).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.inspiral import chirp_time

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
_Native = TypeVar("_Native", FloatArray, ComplexArray)


@dataclass(frozen=True)
class Multiband:
    """Frequency bins for signals of a range of chirp masses in segments of one duration.

    Bins come in bands of `fold` equal bins; heterodyned data are summed over each band.

    Args:
        duration: length of the segment, seconds; native frequencies are multiples of its inverse.
        minimum_frequency: lower edge, Hz.
        maximum_frequency: upper edge, Hz (the last band ends at or below it).
        chirp_mass_min: least detector-frame chirp mass that must fit, solar masses.
        chirp_mass_max: greatest one, solar masses.
        smear: greatest allowed product x of bin width and delay spread: at the edges of the range a bin then loses
            (pi x)^2 / 3 of its squared signal-to-noise, a third of that on average over the range.
        jitter: arrival-time offsets, light travel and ringdown, seconds.
        widest: greatest bin width, Hz.
        fold: bins per band.

    Example:
        >>> grid = Multiband(duration=8.0, chirp_mass_min=12.0, chirp_mass_max=88.0)
        >>> bool(grid.n_bins < 500), grid.n_bins == grid.fold * grid.n_bands
        (True, True)
    """

    duration: float
    chirp_mass_min: float
    chirp_mass_max: float
    minimum_frequency: float = 20.0
    maximum_frequency: float = 1024.0
    smear: float = 0.12
    jitter: float = 0.015
    widest: float = 8.0
    fold: int = 4

    @property
    def delta_f(self) -> float:
        """Native resolution, Hz."""
        return 1.0 / self.duration

    def _delays(self, frequencies: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean delay and half the spread of the delays of all signals in range, both of shape (n,), seconds."""
        longest = chirp_time(self.chirp_mass_min, frequencies)
        shortest = chirp_time(self.chirp_mass_max, frequencies)
        return (longest + shortest) / 2, (longest - shortest) / 2

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """Edges of the bins as indices of native frequencies, shape (n_bins + 1,)."""
        index = round(self.minimum_frequency * self.duration)
        last = round(self.maximum_frequency * self.duration)
        edges = [index]
        while True:
            (half_spread,) = self._delays(np.array([index * self.delta_f]))[1]
            spread = float(half_spread) + self.jitter
            width = min(self.smear / spread, self.widest) * self.duration
            width = 2 ** max(int(np.floor(np.log2(width))), 0)
            if index + self.fold * width > last:
                return np.asarray(edges, dtype=np.int64)
            edges.extend(index + width * np.arange(1, self.fold + 1))
            index += self.fold * width

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.edges) - 1

    @property
    def n_bands(self) -> int:
        """Number of bands (`n_bins` / `fold`)."""
        return self.n_bins // self.fold

    @cached_property
    def native_frequencies(self) -> FloatArray:
        """The native frequencies that the bins cover, shape (n_native,), Hz."""
        return np.arange(self.edges[0], self.edges[-1]) * self.delta_f

    @cached_property
    def frequencies(self) -> FloatArray:
        """Centres of the bins (mean of their native frequencies), shape (n_bins,), Hz."""
        return (self.edges[:-1] + self.edges[1:] - 1) / 2 * self.delta_f

    @cached_property
    def band_frequencies(self) -> FloatArray:
        """Centres of the bands, shape (n_bands,), Hz."""
        return self.frequencies.reshape(self.n_bands, self.fold).mean(axis=1)

    def carrier(self, frequencies: FloatArray) -> ComplexArray:
        """The phase factor that removes the mean delay of the signals in range.

        Args:
            frequencies: shape (n,), Hz.

        Returns:
            Unit complex numbers, shape (n,).
        """
        mean_delay, _ = self._delays(frequencies)
        return np.exp(2j * np.pi * 3 / 5 * mean_delay * frequencies)

    @cached_property
    def _native_carrier(self) -> ComplexArray:
        return self.carrier(self.native_frequencies)

    def weights(self, psd: FloatArray) -> FloatArray:
        """Whitening weights w_j of the bins for a power spectral density on the native frequencies.

        Args:
            psd: one-sided power spectral density, shape (..., n_native), 1/Hz.

        Returns:
            w_j, shape (..., n_bins), Hz: a signal h (1/Hz) appears as h w with unit noise.
        """
        return np.sqrt(4 * self.delta_f * self._sum(1.0 / psd))

    def compress(self, strain: ComplexArray, psd: FloatArray) -> tuple[ComplexArray, FloatArray]:
        """Whitened multiband data.

        Args:
            strain: Fourier transform of the strain about the reference time on the native frequencies,
                shape (..., n_native), 1/Hz.
            psd: one-sided power spectral density there, same shape, 1/Hz.

        Returns:
            Data d_j of unit noise variance (real and imaginary part each) and weights w_j, both shape (..., n_bins).

        Raises:
            InputError: the arrays are not on the native frequencies.
        """
        if strain.shape[-1] != len(self.native_frequencies):
            raise InputError(
                f"expected {len(self.native_frequencies)} frequencies ({self.duration:g} s segment); got "
                f"{strain.shape[-1]}: cut the segment to the model's duration"
            )
        inverse = 1.0 / psd
        total = self._sum(inverse)
        data = self._sum(strain * self._native_carrier * inverse)
        weights = np.sqrt(4 * self.delta_f * total)
        return data * weights / total, weights

    def _sum(self, native: _Native) -> _Native:
        """Sums over the native frequencies of each bin, shape (..., n_bins)."""
        return np.add.reduceat(native, self.edges[:-1] - self.edges[0], axis=-1)
