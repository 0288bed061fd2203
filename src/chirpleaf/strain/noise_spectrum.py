"""The noise spectrum of an analysis: choice of the data, conditioning, and method of the estimate.

- *"regularised"* uses clean data around the trigger, without the event's own segment if enough other data exist: smooth
  part and lines (`strain.regularisation`) of 4 s stretches, of which three quarters overlap.
- *"median"* uses all clean data around the trigger, as many published analyses do: the median Welch estimate
  (`psd_estimation`) of 4 s stretches, of which half overlap.

Both condition the strain as the analysed segment is: the same high-pass filter and roll-offs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.conditioning import DEFAULT_CONDITIONING, Conditioning
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.psd_estimation import MINIMUM_SEGMENTS, Periodograms, average_median, compute_periodograms
from chirpleaf.strain.regularisation import regularise
from chirpleaf.strain.segment import AFTER_TRIGGER
from chirpleaf.strain.strain import Strain
from chirpleaf.strain.windows import STRETCH, tukey
from chirpleaf.system.checks import check_settings

Method = Literal["regularised", "median"]
"""How a noise spectrum is estimated; see above."""

METHODS: tuple[Method, ...] = get_args(Method)


def parse_method(name: str) -> Method:
    """The method of a name.

    Raises:
        InputError: there is none.
    """
    if name not in METHODS:
        raise InputError(f"noise spectrum: expected the method {' or '.join(METHODS)}; got {name!r}: choose one")
    return METHODS[METHODS.index(name)]


_WINDOW_SAMPLES = 1024
"""Samples of the window that the correlation of overlapping stretches is computed with."""

LEAST_RESPONSE = 0.1
"""Response of the high-pass filter below which a density is not estimated: it is infinite there."""


@dataclass(frozen=True)
class SpectrumSettings:
    """How noise spectra are estimated from strain.

    Attributes:
        method: "regularised" or "median"; see the module docstring.
        length: longest stretch of strain around the trigger that is used, s. More averages the noise better, but
            follows its changes worse.
        stretch: length of the stretches of the estimate, s; the frequency resolution is its inverse. Longer ones
            resolve narrower lines, and fewer of them are averaged.
        enough: data outside the event's segment that are enough for an estimate, in lengths of that segment. More keeps
            the signal out of the spectrum only where there is much strain; less averages fewer stretches.

    Raises:
        InputError: a setting is out of range.
    """

    method: Method = "regularised"
    length: float = 256.0
    stretch: float = STRETCH
    enough: float = 2.0

    def __post_init__(self) -> None:
        check_settings(self)
        parse_method(self.method)
        if not self.stretch <= self.length < np.inf:
            raise InputError(
                f"noise spectrum: expected at least {self.stretch:g} s of strain; got psd_length = {self.length:g} s: "
                "ask for 32 s or more"
            )

    @property
    def least(self) -> float:
        """Least good data for an estimate, s."""
        return self.stretch * (MINIMUM_SEGMENTS + 1) / 2

    @property
    def overlap(self) -> float:
        """Fraction of a stretch that overlaps with the next one."""
        return 0.75 if self.method == "regularised" else 0.5


DEFAULT_SPECTRUM = SpectrumSettings()
"""The estimate of an analysis unless the user asks for another."""

MEDIAN = SpectrumSettings(method="median")
"""The estimate of many published analyses."""


def estimate_spectrum(
    strain: Strain,
    settings: SpectrumSettings = DEFAULT_SPECTRUM,
    conditioning: Conditioning = DEFAULT_CONDITIONING,
    *,
    exclude: tuple[float, float] | None = None,
) -> PowerSpectralDensity:
    """Estimate the noise spectrum of a detector from its strain, conditioned as the analysed segment is.

    Args:
        strain: data of one detector; NaN where they are not to be used.
        settings: settings of the estimate; `length` is not applied here.
        conditioning: conditioning of the analysed segment.
        exclude: (GPS start, GPS end) in s to exclude, such as the event's own segment.

    Returns:
        Density at multiples of 1 / stretch; infinite well below the high-pass filter's corner.

    Raises:
        InputError: there are too few seconds of good data.

    Example:
        >>> noise = Strain("H1", np.random.default_rng(1).normal(size=32 * 256), 0.0, 256.0)
        >>> psd = estimate_spectrum(noise)
        >>> round(float(np.mean(psd.at(np.arange(20.0, 120.0))) * 256 / 2), 1)
        1.0
    """
    return average(compute_stretches(strain, settings, conditioning, exclude=exclude), settings, conditioning)


def bootstrap_spectrum(
    strain: Strain,
    n: int,
    rng: np.random.Generator,
    settings: SpectrumSettings = DEFAULT_SPECTRUM,
    conditioning: Conditioning = DEFAULT_CONDITIONING,
    *,
    exclude: tuple[float, float] | None = None,
) -> Iterator[PowerSpectralDensity]:
    """Bootstrap the estimate: resample the stretches with replacement.

    Args:
        strain: as for `estimate_spectrum`.
        n: number of estimates.
        rng: source of randomness.
        settings: as for `estimate_spectrum`.
        conditioning: as for `estimate_spectrum`.
        exclude: as for `estimate_spectrum`.

    Yields:
        Densities at the frequencies of `estimate_spectrum`.

    Raises:
        InputError: as `estimate_spectrum`.

    Source:
        Efron (1979), doi:10.1214/aos/1176344552.
    """
    found = compute_stretches(strain, settings, conditioning, exclude=exclude)
    for _ in range(n):
        chosen = rng.integers(len(found.values), size=len(found.values))
        yield average(found._replace(values=found.values[chosen]), settings, conditioning)


def has_enough(strain: Strain, settings: SpectrumSettings) -> bool:
    """Whether there are enough good data for an estimate.

    Args:
        strain: data of one detector; NaN where they are not to be used.
        settings: of the estimate.
    """
    return _sum_usable(strain.good_stretches, settings) >= settings.least


def choose_excluded(
    stretches: Sequence[tuple[float, float]],
    trigger_time: float,
    durations: Sequence[float],
    settings: SpectrumSettings,
) -> tuple[float, float] | None:
    """Choose the interval around an event that is excluded from the estimate of its noise spectrum.

    It is the longest of the segments that may be analysed for which enough other data are left.

    Args:
        stretches: good data as (GPS start, GPS end) in s (`Strain.good_stretches`).
        trigger_time: GPS time in s.
        durations: lengths of the segments that may be analysed, s.
        settings: settings of the estimate.

    Returns:
        (GPS start, GPS end) in s; None if there is too little other data, or the method uses all.
    """
    if settings.method == "median":
        return None
    for duration in sorted(durations, reverse=True):
        low, high = trigger_time + AFTER_TRIGGER - duration, trigger_time + AFTER_TRIGGER
        others = [piece for start, end in stretches for piece in ((start, min(end, low)), (max(start, high), end))]
        if _sum_usable(others, settings) >= max(settings.enough * duration, settings.least):
            return low, high
    return None


def _sum_usable(pieces: Sequence[tuple[float, float]], settings: SpectrumSettings) -> float:
    """Total length in s of the pieces that hold a stretch of the estimate."""
    return sum(end - start for start, end in pieces if end - start >= settings.stretch)


def compute_stretches(
    strain: Strain,
    settings: SpectrumSettings,
    conditioning: Conditioning,
    *,
    exclude: tuple[float, float] | None = None,
) -> Periodograms:
    """Compute the periodograms of conditioned strain, divided by the response of the filter.

    Args:
        strain: as for `estimate_spectrum`.
        settings: as for `estimate_spectrum`.
        conditioning: as for `estimate_spectrum`.
        exclude: as for `estimate_spectrum`.

    Returns:
        Periodograms for `average`.

    Raises:
        InputError: as `estimate_spectrum`.
    """
    found = compute_periodograms(
        conditioning.filter(strain), settings.stretch, settings.overlap, conditioning.roll_off, exclude
    )
    response = conditioning.response(found.frequencies)
    return found._replace(values=found.values / np.where(response > LEAST_RESPONSE, response, 0.5) ** 2)


def average(periodograms: Periodograms, settings: SpectrumSettings, conditioning: Conditioning) -> PowerSpectralDensity:
    """Combine periodograms by the chosen method.

    Args:
        periodograms: of `compute_stretches`, or some of them.
        settings: as for `compute_stretches`.
        conditioning: as for `compute_stretches`.

    Returns:
        The density.
    """
    frequencies, values, _ = periodograms
    if settings.method == "median":
        density = average_median(values)
    else:
        density = np.empty(len(frequencies))
        independent = _count_independent(len(values), settings, conditioning)
        density[1:] = regularise(frequencies[1:], values[:, 1:], independent)
        density[0] = density[1]
    density[conditioning.response(frequencies) <= LEAST_RESPONSE] = np.inf
    return PowerSpectralDensity(frequencies, density)


def leave_out(periodograms: Periodograms, interval: tuple[float, float], settings: SpectrumSettings) -> Periodograms:
    """Leave out the stretches that overlap with an interval.

    Args:
        periodograms: of `compute_stretches`.
        interval: (GPS start, GPS end) in s.
        settings: as for `compute_stretches`.
    """
    kept = (periodograms.starts >= interval[1]) | (periodograms.starts + settings.stretch <= interval[0])
    return periodograms._replace(values=periodograms.values[kept], starts=periodograms.starts[kept])


def _count_independent(stretches: int, settings: SpectrumSettings, conditioning: Conditioning) -> float:
    """Count the independent stretches whose mean scatters as that of the overlapping ones.

    Source:
        Welch (1967), IEEE Trans. Audio Electroacoust. 15, 70, for the variance of overlapping periodograms.
    """
    n = _WINDOW_SAMPLES
    window, step = tukey(n, conditioning.roll_off / settings.stretch * n), round((1.0 - settings.overlap) * n)
    variance = 1.0
    for lag in range(1, min(-(-n // step), stretches)):
        correlation = (np.sum(window[: -lag * step] * window[lag * step :]) / np.sum(window**2)) ** 2
        variance += 2.0 * (1.0 - lag / stretches) * correlation
    return stretches / variance
