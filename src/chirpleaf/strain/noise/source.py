"""The interface of a noise source, and what it returns.

A segment of duration T has independent Gaussian noise at its frequencies, of variance S T / 4 in the real and in the
imaginary part each, where S is the one-sided power spectral density.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Complex64, Complex128, Float32, Float64

from chirpleaf.strain.strain import Spectrum


@runtime_checkable
class Bins(Protocol):
    """Frequency bins in which strain is whitened and combined (`chirpleaf.representation.Multiband`)."""

    @property
    def native_frequencies(self) -> Spectrum:
        """Frequencies of the segment that the bins cover, shape (F,), Hz."""
        ...

    @property
    def duration(self) -> float:
        """Length of the segment, seconds."""
        ...

    def weights(self, psd: np.ndarray) -> np.ndarray:
        """Whitening weights of the bins, shape (..., bin), Hz.

        Args:
            psd: one-sided power spectral density, shape (..., F), 1/Hz.
        """
        ...

    def compress(self, strain: np.ndarray, psd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whitened strain in the bins, and their whitening weights (Hz), both of shape (..., bin).

        Args:
            strain: Fourier transform of the strain, shape (..., F), 1/Hz.
            psd: one-sided power spectral density, shape (..., F), 1/Hz.
        """
        ...


@dataclass(frozen=True, eq=False)
class NoiseDraw:
    """Noise of several detectors for one segment.

    Attributes:
        psd: one-sided power spectral densities that the data are whitened by, shape (detector, F), 1/Hz.
        duration: length of the segment, seconds.
        origin: name of the event, recording or family that the densities belong to.
        strain: recorded noise, shape (detector, F), 1/Hz; None for Gaussian noise.
    """

    psd: Float64[np.ndarray, "detector frequency"]
    duration: float
    origin: str
    strain: Complex128[np.ndarray, "detector frequency"] | None = None

    def realise(self, rng: np.random.Generator) -> Complex128[np.ndarray, "detector frequency"]:
        """The recorded noise, or a new realisation of the Gaussian noise.

        Args:
            rng: source of randomness; not used for recorded noise.

        Returns:
            Fourier transform of the noise, shape (detector, F), 1/Hz.
        """
        if self.strain is not None:
            return self.strain
        parts = rng.standard_normal((2, *self.psd.shape)) * np.sqrt(self.psd * self.duration / 4)
        noise: Complex128[np.ndarray, "detector frequency"] = parts[0] + 1j * parts[1]
        return noise


@dataclass(frozen=True, eq=False)
class NoiseTable:
    """A noise source on the bins of a grid, from which training draws its batches.

    Attributes:
        weights: whitening weights of the bins over the reference weights, shape (detector, row, bin).
        noise: whitened noise of unit variance in the real and in the imaginary part, same shape; None for Gaussian
            noise, which is white in the bins by construction.
        coherent: whether a row belongs together across the detectors. Otherwise each detector's row is drawn
            independently.
    """

    weights: Float32[np.ndarray, "detector row bin"]
    noise: Complex64[np.ndarray, "detector row bin"] | None = None
    coherent: bool = False


@runtime_checkable
class NoiseSource(Protocol):
    """A source of noise and whitening weights."""

    def sample(
        self, detectors: tuple[str, ...], frequencies: Spectrum, duration: float, rng: np.random.Generator
    ) -> NoiseDraw:
        """Draws the noise of one segment.

        Args:
            detectors: names of the detectors, in order.
            frequencies: multiples of 1 / duration, increasing, shape (F,), Hz.
            duration: length of the segment, seconds.
            rng: source of randomness.

        Returns:
            Power spectral densities, and the noise where it is recorded.

        Raises:
            InputError: the source has no noise of these detectors, frequencies or duration.
        """
        ...

    def tabulate(
        self, detectors: tuple[str, ...], bins: Bins, reference_weights: np.ndarray, n: int, *, seed: int
    ) -> NoiseTable:
        """Draws the rows from which training draws its batches.

        Args:
            detectors: names of the detectors, in order.
            bins: bins of the whitened data.
            reference_weights: whitening weights of a reference detector, shape (bin,), Hz.
            n: number of rows wanted; a source with fewer different rows returns those.
            seed: seed of the draws.

        Returns:
            The table.

        Raises:
            InputError: as for `sample`.
        """
        ...
