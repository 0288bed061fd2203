"""Flaws in the samples of a strain: gaps, constant samples and bursts.

- *Gaps* are NaN, as in open data when a detector did not observe. They are never analysed, nor used for noise spectra.
- *Constant samples* are runs of equal samples, mostly zeros that fill a gap. They are treated as gaps.
- *Bursts* are whitened samples many times their median level, away from the trigger. They are not used for noise
  spectra, and an answer whose segment contains one is not trusted.

Zeros in the data of a noise spectrum lower it, and a burst raises it: both make an answer wrong without a sign of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool

from chirpleaf.strain.conditioning import Conditioning
from chirpleaf.strain.strain import Series, Strain, find_runs
from chirpleaf.strain.windows import tukey

_NORMAL_MEDIAN = 0.6745
"""Median of the absolute value of a standard normal number."""

_EDGE = 0.25
"""Time at the ends of a run in which the filter has transients, s; bursts are not searched for there."""

_STRETCH = 1.0
"""Length of the stretches whose median spectrum whitens, s; shorter runs of data are not searched for bursts."""


@dataclass(frozen=True)
class FlawSettings:
    """Limits beyond which samples count as flawed.

    Attributes:
        constant: equal samples in a row from which on they are no data. Recorded strain has at most two.
        burst: whitened sample, in standard deviations of the noise, from which on there is a burst. Lower, ordinary
            glitches that hardly change an answer count; higher, a burst shifts answers unnoticed (docs/benchmarks.md).
        quiet: whitened sample to which a burst must fall at its ends, standard deviations.
        around_trigger: time before and after the trigger in which a loud signal is no burst, s.
        margin: time before and after a burst that belongs to it, s.
        band: lowest and highest frequency in which bursts are searched for, Hz.
    """

    constant: int = 16
    burst: float = 20.0
    quiet: float = 6.0
    around_trigger: float = 0.5
    margin: float = 0.25
    band: tuple[float, float] = (20.0, 1024.0)


@dataclass(frozen=True)
class Flaw:
    """An interval of flawed samples.

    Attributes:
        kind: "gap", "constant" or "burst".
        start: GPS time of the first sample in s.
        end: GPS time of the end of the last sample in s.
        height: largest whitened sample of a burst, in standard deviations of the noise; None for the others.
    """

    kind: Literal["gap", "constant", "burst"]
    start: float
    end: float
    height: float | None = None

    def describe(self, trigger_time: float) -> str:
        """Say what is wrong and when.

        Args:
            trigger_time: GPS time that the interval is given relative to, s.

        Example:
            >>> Flaw("constant", 99.0, 101.0).describe(110.0)
            'constant samples from -11.000 to -9.000 s'
        """
        name = {"gap": "no data", "constant": "constant samples", "burst": f"a burst of {self.height or 0:.0f} sigma"}
        return f"{name[self.kind]} from {self.start - trigger_time:+.3f} to {self.end - trigger_time:+.3f} s"


@dataclass(frozen=True)
class Flaws:
    """The flaws of the strain of one detector.

    Attributes:
        detector: prefix of the detector.
        trigger_time: GPS time in s that descriptions are relative to.
        flaws: in order of their start.
    """

    detector: str
    trigger_time: float
    flaws: tuple[Flaw, ...]

    def find(self, *kinds: str, within: tuple[float, float] = (-np.inf, np.inf)) -> tuple[Flaw, ...]:
        """Find the flaws of some kinds that touch an interval.

        Args:
            kinds: kinds of flaws; all when none is given.
            within: (GPS start, GPS end) in s.
        """
        return tuple(
            flaw
            for flaw in self.flaws
            if (not kinds or flaw.kind in kinds) and flaw.start < within[1] and flaw.end > within[0]
        )

    def describe(self) -> tuple[str, ...]:
        """One sentence for each flaw, with times relative to the trigger."""
        return tuple(f"{self.detector}: {flaw.describe(self.trigger_time)}" for flaw in self.flaws)

    def mask(self, strain: Strain, *kinds: str) -> Strain:
        """Replace flawed samples by NaN.

        Args:
            strain: the strain, or a stretch of it.
            kinds: kinds of flaws; all when none is given.

        Returns:
            The strain itself if nothing changes.
        """
        values = strain.values.copy()
        for flaw in self.find(*kinds, within=(strain.start_time, strain.end_time)):
            low, high = ((time - strain.start_time) * strain.sample_rate for time in (flaw.start, flaw.end))
            values[max(round(low), 0) : max(round(high), 0)] = np.nan
        return replace(strain, values=values) if np.isnan(values).sum() > np.isnan(strain.values).sum() else strain


def find_flaws(
    strain: Strain,
    trigger_time: float,
    settings: FlawSettings = FlawSettings(),
    *,
    search: tuple[float, float] = (-np.inf, np.inf),
) -> Flaws:
    """Find gaps, constant samples and bursts.

    Args:
        strain: data of one detector.
        trigger_time: GPS time of the merger in s; a loud signal around it is no burst.
        settings: limits.
        search: (GPS start, GPS end) in s in which bursts are searched for.

    Returns:
        The flaws, in order of their start.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=32 * 1024)
        >>> noise[1024:2048] = 0.0
        >>> find_flaws(Strain("H1", noise, 0.0, 1024.0), 16.0).describe()
        ('H1: constant samples from -15.000 to -14.000 s',)
    """
    gaps, constant = np.isnan(strain.values), _find_constant(strain.values, settings.constant)
    flaws = [Flaw("gap", *_find_times(strain, run)) for run in find_runs(gaps)]
    flaws += [Flaw("constant", *_find_times(strain, run)) for run in find_runs(constant)]
    clean = replace(strain, values=np.where(constant, np.nan, strain.values))
    flaws += _find_bursts(clean, trigger_time, settings, search)
    return Flaws(strain.detector, trigger_time, tuple(sorted(flaws, key=lambda flaw: flaw.start)))


def _find_constant(values: Series, least: int) -> Bool[np.ndarray, " sample"]:
    """Find the samples in runs of at least so many equal ones."""
    constant = np.zeros(len(values), dtype=bool)
    for low, high in find_runs(np.diff(values) == 0):
        if high + 1 - low >= least:
            constant[low : high + 1] = True
    return constant


def _find_bursts(
    strain: Strain, trigger_time: float, settings: FlawSettings, search: tuple[float, float]
) -> Sequence[Flaw]:
    """Find whitened samples far above their median level; intervals closer than the margin count as one burst."""
    whitened = _whiten_runs(strain.cut(*search), settings)
    good = np.isfinite(whitened.values)
    if not good.any():
        return []
    height = np.abs(whitened.values, where=good, out=np.zeros(len(good)))
    height *= _NORMAL_MEDIAN / max(float(np.median(height[good])), np.finfo(np.float64).tiny)
    height[np.abs(whitened.times - trigger_time) < settings.around_trigger] = 0.0
    if height.max() < settings.burst:
        return []
    margin = round(settings.margin * strain.sample_rate)
    loud = np.convolve(height > settings.quiet, np.ones(2 * margin + 1), mode="same") > 0
    return [
        Flaw("burst", *_find_times(whitened, (low, high)), float(height[low:high].max()))
        for low, high in find_runs(loud)
        if height[low:high].max() >= settings.burst
    ]


def _whiten_runs(strain: Strain, settings: FlawSettings) -> Strain:
    """Whiten each run of good data by the median of short periodograms; NaN in gaps and at the ends of runs."""
    filtered = Conditioning().filter(strain)
    values = np.full(len(strain), np.nan)
    n = round(_STRETCH * strain.sample_rate)
    runs = [(low, high) for low, high in find_runs(np.isfinite(filtered.values)) if high - low >= n]
    if not runs:
        return replace(strain, values=values)
    stretches = np.concatenate(
        [filtered.values[low : low + (high - low) // n * n].reshape(-1, n) for low, high in runs]
    )
    amplitude = np.sqrt(np.median(np.abs(np.fft.rfft(stretches * tukey(n, n / 2))) ** 2, axis=0))
    amplitude = np.maximum(amplitude, np.finfo(np.float64).tiny)
    edge = round(_EDGE * strain.sample_rate)
    for low, high in runs:
        frequencies = np.fft.rfftfreq(high - low, 1.0 / strain.sample_rate)
        inside = (frequencies >= settings.band[0]) & (frequencies <= settings.band[1])
        whitening = np.interp(frequencies, np.arange(len(amplitude)) / _STRETCH, 1.0 / amplitude)
        spectrum = np.fft.rfft(filtered.values[low:high]) * np.where(inside, whitening, 0.0)
        values[low + edge : high - edge] = np.fft.irfft(spectrum, high - low)[edge:-edge]
    return replace(strain, values=values)


def _find_times(strain: Strain, run: tuple[int, int]) -> tuple[float, float]:
    """GPS times of the start of a run of samples [low, high) and of its end."""
    return strain.start_time + run[0] / strain.sample_rate, strain.start_time + run[1] / strain.sample_rate
