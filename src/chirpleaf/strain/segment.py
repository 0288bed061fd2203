"""The analysis segment: what the likelihood and the networks see of the strain.

With the window w of `windows.tukey` (no correction for the power it takes, see there), the Fourier transform about a
reference time t_0 is

    d(f) = sum_j x(t_j) w_j exp(-2 pi i f (t_j - t_0)) / rate,

on the multiples of 1 / duration within the band. A signal that merges at t_0 + t appears as h(f) exp(-2 pi i f t).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex128, Float64

from chirpleaf.errors import InputError
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.strain import Spectrum, Strain
from chirpleaf.strain.windows import tukey

AFTER_TRIGGER = 2.0
"""Seconds of the segment after the trigger."""

ROLL_OFF = 0.2
"""Seconds over which the window rolls off at either end."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Strain of a network of detectors in the frequency domain, with the noise it is weighed by.

    Attributes:
        detectors: names, in the order of the rows.
        strain: shape (detector, F), 1/Hz, about `reference_time`.
        psd: one-sided power spectral densities, shape (detector, F), 1/Hz.
        frequencies: shape (F,), Hz.
        duration: length in the time domain, seconds.
        reference_time: GPS time that phases refer to, seconds.
    """

    detectors: tuple[str, ...]
    strain: Complex128[np.ndarray, "detector frequency"]
    psd: Float64[np.ndarray, "detector frequency"]
    frequencies: Spectrum
    duration: float
    reference_time: float

    def about(self, reference_time: float) -> "Segment":
        """The same data with phases referred to another GPS time (s)."""
        shift = np.exp(2j * np.pi * self.frequencies * (reference_time - self.reference_time))
        return replace(self, strain=self.strain * shift, reference_time=reference_time)

    def whitened(self, sample_rate: float) -> Float64[np.ndarray, "detector sample"]:
        """Whitened strain in the time domain, of unit variance for noise that fills the band.

        Args:
            sample_rate: Hz.

        Returns:
            Shape (detector, duration * sample_rate); sample 0 lies `duration - 2 s` before the reference time.
        """
        return whitened_series(self, self.strain, sample_rate)


def whitened_series(
    segment: Segment, strain: Complex128[np.ndarray, "detector frequency"], sample_rate: float
) -> Float64[np.ndarray, "detector sample"]:
    """Any strain or signal on a segment's frequencies, whitened, in the time domain.

    Args:
        segment: gives frequencies, noise and times.
        strain: shape (detector, F), 1/Hz, about the segment's reference time.
        sample_rate: Hz.

    Returns:
        Shape (detector, duration * sample_rate), as `Segment.whitened`.
    """
    n = round(segment.duration * sample_rate)
    spectrum = np.zeros((len(strain), n // 2 + 1), dtype=np.complex128)
    places = np.rint(segment.frequencies * segment.duration).astype(int)
    start = AFTER_TRIGGER - segment.duration
    shifted = strain * np.exp(2j * np.pi * segment.frequencies * start)
    spectrum[:, places] = shifted / np.sqrt(segment.psd * segment.duration / 2)
    filled = 2 * len(places) / n
    whitened: Float64[np.ndarray, "detector sample"] = np.fft.irfft(spectrum, n=n, axis=-1) * np.sqrt(n / filled)
    return whitened


def cut_segment(
    strain: Mapping[str, Strain],
    psd: Mapping[str, PowerSpectralDensity],
    *,
    reference_time: float,
    duration: float,
    frequencies: Spectrum,
) -> Segment:
    """Cuts, windows and transforms.

    Args:
        strain: of each detector; the order is kept.
        psd: of each of these detectors.
        reference_time: GPS time of the trigger, seconds; the segment ends 2 s after it.
        duration: length, seconds.
        frequencies: multiples of 1 / duration, shape (F,), Hz.

    Returns:
        The segment.

    Raises:
        InputError: a segment lies outside its strain or holds gaps, a density is missing or does not cover the
            frequencies, or the sampling rate is too low for them.
    """
    rows, densities = [], []
    for name, series in strain.items():
        if name not in psd:
            raise InputError(f"expected a power spectral density for {name}; got {', '.join(psd) or 'none'}: add it")
        if series.sample_rate < 2 * frequencies[-1]:
            raise InputError(
                f"{name} strain: expected a sampling rate of at least {2 * frequencies[-1]:g} Hz; got "
                f"{series.sample_rate:g} Hz: take the file sampled at 4096 Hz"
            )
        rows.append(_transform(series, reference_time, duration, frequencies))
        densities.append(psd[name].at(frequencies))
    return Segment(tuple(strain), np.stack(rows), np.stack(densities), frequencies, duration, reference_time)


def _transform(
    series: Strain, reference_time: float, duration: float, frequencies: Spectrum
) -> Complex128[np.ndarray, " frequency"]:
    piece = series.segment(reference_time + AFTER_TRIGGER - duration, duration)
    window = tukey(len(piece), ROLL_OFF * piece.sample_rate)
    places = np.rint(frequencies * duration).astype(int)
    spectrum: Complex128[np.ndarray, " frequency"] = np.fft.rfft(piece.values * window)[places] / piece.sample_rate
    return spectrum * np.exp(-2j * np.pi * frequencies * (piece.start_time - reference_time))
