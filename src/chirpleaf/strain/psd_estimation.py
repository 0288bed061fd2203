"""Welch estimates of the one-sided power spectral density of detector noise.

The estimate is the median over the periodograms of K overlapping, windowed stretches x_k of N samples:

    S(f) = median_k { 2 |sum_j w_j x_kj exp(-2 pi i f j dt)|^2 dt / (N mean(w^2)) } / bias(K)

(Welch 1967, IEEE Trans. Audio Electroacoust. 15, 70; for the median and its bias see Allen et al.,
arXiv:gr-qc/0509116, appendix B). The median is insensitive to a glitch or a signal in a few of the stretches.
mean(w^2) corrects for the window of the estimate and is applied nowhere else: see `chirpleaf.strain.windows`.

With 4 s stretches, half overlapping, and a roll-off of 0.2 s the estimate equals
`scipy.signal.welch(x, fs, tukey(4 * fs, 0.1), 4 * fs, 2 * fs, detrend=False, average="median")`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float64

from chirpleaf.errors import InputError
from chirpleaf.strain.conditioning import STANDARD
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.strain import Spectrum, Strain, find_runs
from chirpleaf.strain.windows import STRETCH, power, tukey

MINIMUM_SEGMENTS = 7
"""Half overlapping stretches that the good data of an estimate must have the length of; 7 of 4 s span 16 s."""


class Periodograms(NamedTuple):
    """Periodograms of overlapping stretches.

    Attributes:
        frequencies: shape (F,), Hz.
        values: one-sided, shape (stretch, F), 1/Hz.
        starts: GPS time of the start of each stretch, shape (stretch,), s.
    """

    frequencies: Spectrum
    values: Float64[np.ndarray, "stretch frequency"]
    starts: Float64[np.ndarray, " stretch"]


OVERLAP = 0.5
"""Fraction of a stretch that overlaps with the next one. More overlap takes longer, and adds little information."""


def welch(
    strain: Strain,
    *,
    stretch: float = STRETCH,
    overlap: float = OVERLAP,
    roll_off: float = STANDARD.roll_off,
    average: Literal["median", "mean"] = "median",
    exclude: tuple[float, float] | None = None,
) -> PowerSpectralDensity:
    """Estimate the power spectral density of strain as it is, by Welch's method.

    Every stretch lies within one run of data without gaps, outside the excluded interval. An analysis estimates its
    noise spectra by `noise_spectrum.estimate_spectrum`, which conditions the strain first; with the method "median" and
    without a high-pass filter, the two are equal.

    Args:
        strain: data of one detector.
        stretch: length of the stretches of the estimate, s; the frequency resolution is its inverse.
        overlap: fraction of a stretch that overlaps with the next one, in [0, 1).
        roll_off: length in s of each roll-off of the Tukey window.
        average: average over the periodograms; the median is corrected for its bias.
        exclude: (GPS start, GPS end) in s to exclude, such as the event's own segment.

    Returns:
        Density at the frequencies 0, 1 / stretch, ... up to half the sampling rate.

    Raises:
        InputError: if there are too few seconds of good data, or a setting is out of range.

    Source:
        Welch (1967), IEEE Trans. Audio Electroacoust. 15, 70; arXiv:gr-qc/0509116, appendix B.

    Example:
        >>> noise = Strain("H1", np.random.default_rng(1).normal(size=32 * 256), 0.0, 256.0)
        >>> psd = welch(noise)
        >>> round(float(np.mean(psd.values[1:-1])) * 256 / 2, 1)
        1.0
    """
    if average not in ("median", "mean"):
        raise InputError(
            f"power spectral density: expected average 'median' or 'mean'; got {average!r}; change the setting"
        )
    frequencies, spectra, _ = compute_periodograms(strain, stretch, overlap, roll_off, exclude)
    return PowerSpectralDensity(frequencies, np.mean(spectra, axis=0) if average == "mean" else average_median(spectra))


def compute_periodograms(
    strain: Strain, stretch: float, overlap: float, roll_off: float, exclude: tuple[float, float] | None
) -> Periodograms:
    """Compute the periodogram of each stretch.

    Args:
        strain: as for `welch`.
        stretch: as for `welch`.
        overlap: as for `welch`.
        roll_off: as for `welch`.
        exclude: as for `welch`.

    Returns:
        The periodograms, with their frequencies and times.

    Raises:
        InputError: as `welch`.
    """
    if not 0.0 <= overlap < 1.0:
        raise InputError(f"power spectral density: expected an overlap in [0, 1); got {overlap}; change the setting")
    n = round(stretch * strain.sample_rate)
    step = n - int(overlap * n)
    window = tukey(n, roll_off * strain.sample_rate)
    runs = [(low, high) for low, high in _find_good_runs(strain, exclude) if high - low >= n]
    good, needed = (sum(high - low for low, high in runs), n + (MINIMUM_SEGMENTS - 1) * (n - int(0.5 * n)))
    if good < needed:
        rate = strain.sample_rate
        raise InputError(
            f"{strain.detector} power spectral density: expected at least {needed / rate:g} s of good data; got "
            f"{good / rate:g} s in {len(runs)} stretch(es); give a longer file or a density with --psd"
        )
    starts = [start for low, high in runs for start in range(low, high - n + 1, step)]
    spectra = np.stack([np.abs(np.fft.rfft(window * strain.values[start : start + n])) ** 2 for start in starts])
    spectra *= 2.0 / (n * strain.sample_rate * power(window))
    spectra[:, 0] /= 2.0
    if n % 2 == 0:
        spectra[:, -1] /= 2.0
    times = strain.start_time + np.array(starts) / strain.sample_rate
    return Periodograms(np.fft.rfftfreq(n, 1.0 / strain.sample_rate), spectra, times)


def average_median(spectra: Float64[np.ndarray, "stretch frequency"]) -> Spectrum:
    """Compute the median over stretches, corrected for its bias.

    Args:
        spectra: periodograms, shape (stretch, F), 1/Hz.

    Returns:
        Shape (F,), 1/Hz.
    """
    combined: Spectrum = np.median(spectra, axis=0) / median_bias(len(spectra))
    return combined


def median_bias(n: int) -> float:
    """Compute the ratio of the expected median to the mean of n independent, exponentially distributed numbers.

    Args:
        n: sample size; an even size is treated as the next smaller odd one.

    Returns:
        1 - 1/2 + 1/3 - ... + 1/n; it tends to ln 2.

    Source:
        arXiv:gr-qc/0509116, equation B12.
    """
    terms = np.arange(1, n + 1 if n % 2 else n)
    return float(np.sum((-1.0) ** (terms + 1) / terms))


def _find_good_runs(strain: Strain, exclude: tuple[float, float] | None) -> list[tuple[int, int]]:
    """Find the runs of samples [low, high) without NaN and outside the excluded interval."""
    good = np.isfinite(strain.values)
    if exclude is not None:
        bounds = (np.asarray(exclude, dtype=np.float64) - strain.start_time) * strain.sample_rate
        low, high = np.clip([np.floor(bounds[0]), np.ceil(bounds[1])], 0, len(good)).astype(int)
        good[low:high] = False
    return find_runs(good)
