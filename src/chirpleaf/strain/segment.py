"""The analysis segment: frequency-domain strain around the trigger, for the likelihood and the networks.

The strain x is high-pass filtered (`conditioning`) and multiplied by the window w of `windows.tukey`, without a
correction for the lost power (see there). Its Fourier transform with respect to a reference time t_0, divided by the
response H of the filter, is

    d(f) = sum_j (H x)(t_j) w_j exp(-2 pi i f (t_j - t_0)) / rate / H(f),

at the multiples of 1 / duration within the band. A signal with merger time t_0 + t is h(f) exp(-2 pi i f t).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex128, Float64

from chirpleaf.errors import InputError
from chirpleaf.strain.conditioning import DEFAULT_CONDITIONING, Conditioning
from chirpleaf.strain.frequencies import check_frequencies
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.strain import Spectrum, Strain
from chirpleaf.strain.windows import tukey

AFTER_TRIGGER = 2.0
"""Length of the segment after the trigger in s."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Frequency-domain strain of a network of detectors, with the power spectral densities of the noise.

    Attributes:
        detectors: names of the detectors, in the order of the rows.
        strain: shape (detector, F), 1/Hz, with phases relative to `reference_time`.
        psd: one-sided power spectral densities, shape (detector, F), 1/Hz.
        frequencies: shape (F,), Hz.
        duration: length in the time domain in s.
        reference_time: GPS time of the origin of the Fourier transform in s.
    """

    detectors: tuple[str, ...]
    strain: Complex128[np.ndarray, "detector frequency"]
    psd: Float64[np.ndarray, "detector frequency"]
    frequencies: Spectrum
    duration: float
    reference_time: float

    def with_reference_time(self, reference_time: float) -> "Segment":
        """Shift the phases of the same data to another reference time.

        Args:
            reference_time: GPS time in s.

        Returns:
            The segment with this reference time.
        """
        shift = np.exp(2j * np.pi * self.frequencies * (reference_time - self.reference_time))
        return replace(self, strain=self.strain * shift, reference_time=reference_time)

    def select_band(self, low: float, high: float) -> "Segment":
        """The data of a frequency band alone; a likelihood of them is one with masked frequencies.

        Args:
            low: least frequency, Hz.
            high: frequency at which the band ends, Hz; it does not belong to the band.

        Returns:
            The segment with the frequencies in [low, high).

        Raises:
            InputError: the band has fewer than two frequencies.
        """
        kept = (self.frequencies >= low) & (self.frequencies < high)
        if kept.sum() < 2:
            raise InputError(
                f"expected a band within {self.frequencies[0]:g} to {self.frequencies[-1]:g} Hz; got {low:g} to "
                f"{high:g} Hz: choose another"
            )
        return replace(self, strain=self.strain[:, kept], psd=self.psd[:, kept], frequencies=self.frequencies[kept])

    def log_noise_likelihood(self) -> float:
        """ln of the likelihood of noise alone, -<d|d> / 2 summed over the detectors, without its normalisation.

        Source:
            arXiv:1811.02042, equation 6 (bilby's `noise_log_likelihood`).
        """
        return float(-2 / self.duration * np.sum(np.abs(self.strain) ** 2 / self.psd))

    def whiten(self, sample_rate: float) -> Float64[np.ndarray, "detector sample"]:
        """Whiten the strain and transform it to the time domain; band-limited noise has unit variance.

        Args:
            sample_rate: sampling rate in Hz.

        Returns:
            Whitened strain, shape (detector, duration * sample_rate). Sample 0 is `duration - 2 s` before the reference
            time.
        """
        return whiten_series(self, self.strain, sample_rate)


def whiten_series(
    segment: Segment, strain: Complex128[np.ndarray, "detector frequency"], sample_rate: float
) -> Float64[np.ndarray, "detector sample"]:
    """Whiten a strain or signal at the frequencies of a segment and transform it to the time domain.

    Args:
        segment: segment that gives the frequencies, the noise and the times.
        strain: shape (detector, F), 1/Hz, with phases relative to the segment's reference time.
        sample_rate: sampling rate in Hz.

    Returns:
        Whitened series, shape (detector, duration * sample_rate), as for `Segment.whiten`.
    """
    n = round(segment.duration * sample_rate)
    spectrum = np.zeros((len(strain), n // 2 + 1), dtype=np.complex128)
    places = np.rint(segment.frequencies * segment.duration).astype(int)
    start = AFTER_TRIGGER - segment.duration
    shifted = strain * np.exp(2j * np.pi * segment.frequencies * start)
    spectrum[:, places] = shifted / np.sqrt(segment.psd * segment.duration / 2)
    used = np.isfinite(segment.psd).sum(axis=1, keepdims=True)  # those of infinite density are zeros
    whitened: Float64[np.ndarray, "detector sample"] = np.fft.irfft(spectrum, n=n, axis=-1) * n / np.sqrt(2 * used)
    return whitened


def cut_segment(
    strain: Mapping[str, Strain],
    psd: Mapping[str, PowerSpectralDensity],
    *,
    reference_time: float,
    duration: float,
    frequencies: Spectrum,
    conditioning: Conditioning = DEFAULT_CONDITIONING,
) -> Segment:
    """Cut the analysis segment out of the strain, apply filter and window and transform to the frequency domain.

    Args:
        strain: strain by detector; the order is kept.
        psd: power spectral density by detector.
        reference_time: GPS time of the trigger in s; the segment ends 2 s after it.
        duration: length of the segment in s.
        frequencies: multiples of 1 / duration, shape (F,), Hz.
        conditioning: high-pass filter and roll-offs of the window.

    Returns:
        The segment.

    Raises:
        InputError: if the segment is not within the strain or has gaps, a density is missing or does not cover the
            frequencies, the sampling rate is too low for the frequencies, they reach below the high-pass filter, or
            they are not those of a segment of this duration.
    """
    check_frequencies(frequencies, duration)
    conditioning.check_corner(float(frequencies[0]), "lower the corner or raise the lowest frequency")
    rows, densities = [], []
    for name, series in strain.items():
        if name not in psd:
            raise InputError(f"expected a power spectral density for {name}; got {', '.join(psd) or 'none'}: add it")
        if series.sample_rate < 2 * frequencies[-1]:
            raise InputError(
                f"{name} strain: expected a sampling rate of at least {2 * frequencies[-1]:g} Hz; got "
                f"{series.sample_rate:g} Hz: give strain of a higher sampling rate or lower the highest frequency"
            )
        rows.append(_transform_series(series, reference_time, duration, frequencies, conditioning))
        densities.append(psd[name].at(frequencies, name))
    return Segment(tuple(strain), np.stack(rows), np.stack(densities), frequencies, duration, reference_time)


def _transform_series(
    series: Strain, reference_time: float, duration: float, frequencies: Spectrum, conditioning: Conditioning
) -> Complex128[np.ndarray, " frequency"]:
    piece = conditioning.cut(series, reference_time + AFTER_TRIGGER - duration, duration)
    window = tukey(len(piece), conditioning.roll_off * piece.sample_rate)
    places = np.rint(frequencies * duration).astype(int)
    spectrum: Complex128[np.ndarray, " frequency"] = np.fft.rfft(piece.values * window)[places] / piece.sample_rate
    shift = np.exp(-2j * np.pi * frequencies * (piece.start_time - reference_time))
    spectrum *= shift / conditioning.response(frequencies)
    return spectrum
