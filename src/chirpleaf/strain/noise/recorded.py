"""Recorded noise: segments of strain without a signal, cut and windowed like the data of an event.

Recorded noise is neither Gaussian nor stationary, and its power spectral density is an estimate, as in an analysis of
an event: conditioning and noise spectra are those of an analysis (`strain.conditioning`, `strain.noise_spectrum`). The
segments overlap at random, so n of them are independent only while n times their length is well below the length of the
recording.

The window takes power from the ends of a segment, and none from its middle: whitened noise has a variance of mean(w^2)
at the native frequencies (`chirpleaf.strain.windows`). In the wide bins of a multiband grid, which see the times near
the merger alone, the variance is one.

**Time slides.** By default, the segments of the detectors are cut at independent times. The number of different
combinations is then much larger than that of segments, at the cost of the correlations between the detectors, which
are weak in recorded noise. Without slides, all detectors are cut at the same time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.conditioning import DEFAULT_CONDITIONING, Conditioning
from chirpleaf.strain.events import events, load_event
from chirpleaf.strain.frequencies import check_frequencies
from chirpleaf.strain.noise.source import Bins, NoiseDraw, NoiseTable
from chirpleaf.strain.noise_spectrum import (
    DEFAULT_SPECTRUM,
    SpectrumSettings,
    average,
    choose_excluded,
    compute_stretches,
    leave_out,
)
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.psd_estimation import Periodograms
from chirpleaf.strain.segment import AFTER_TRIGGER, cut_segment
from chirpleaf.strain.strain import Spectrum, Strain
from chirpleaf.system.checks import check_integer

Interval = tuple[float, float]

_MARGIN = 1e-3
"""Time that segments keep from gaps, so that the rounding to a sample does not reach into them; seconds."""


@dataclass(frozen=True, eq=False)
class RecordedNoise:
    """Segments of recorded strain, whitened by the noise spectra of the recordings they come from.

    Attributes:
        recordings: name of each recording to the strain of its detectors. Gaps, and signals that `mask_signal` has
            taken out, are neither cut nor used for the estimates.
        slides: whether the detectors' segments are cut at independent times.
        conditioning: high-pass filter and window of the segments and of the estimates.
        spectrum: how the noise spectra are estimated.

    Example:
        >>> noise = RecordedNoise.from_events("GW150914")
        >>> frequencies = np.arange(20.0, 1024.0, 0.25)
        >>> draw = noise.sample(("H1", "L1"), frequencies, 4.0, np.random.default_rng(1))
        >>> draw.origin, draw.strain.shape
        ('GW150914', (2, 4016))
    """

    recordings: Mapping[str, Mapping[str, Strain]]
    slides: bool = field(default=True, kw_only=True)
    conditioning: Conditioning = field(default=DEFAULT_CONDITIONING, kw_only=True)
    spectrum: SpectrumSettings = field(default=DEFAULT_SPECTRUM, kw_only=True)

    @classmethod
    def from_events(
        cls,
        *names: str,
        before: float = 4.0,
        after: float = 2.0,
        slides: bool = True,
        conditioning: Conditioning = DEFAULT_CONDITIONING,
        spectrum: SpectrumSettings = DEFAULT_SPECTRUM,
    ) -> "RecordedNoise":
        """Off-source noise near embedded events.

        Args:
            names: names of embedded events; all of them when none is given.
            before: seconds before the trigger that are left out; at least the time that the signal spends in band.
            after: seconds after the trigger that are left out.
            slides: whether the detectors' segments are cut at independent times.
            conditioning: high-pass filter and window of the segments and of the estimates.
            spectrum: how the noise spectra are estimated.

        Returns:
            The source.

        Raises:
            InputError: an event of that name is not embedded.
        """
        recordings = {
            name: {
                detector: mask_signal(strain, events()[name].trigger_time, before=before, after=after)
                for detector, strain in load_event(name).items()
            }
            for name in names or tuple(events())
        }
        return cls(recordings, slides=slides, conditioning=conditioning, spectrum=spectrum)

    @cached_property
    def _periodograms(self) -> dict[str, dict[str, Periodograms]]:
        """Periodograms for noise spectra by recording and detector."""
        return {
            name: {
                detector: compute_stretches(strain, self.spectrum, self.conditioning)
                for detector, strain in recording.items()
            }
            for name, recording in self.recordings.items()
        }

    @cached_property
    def _spectra(self) -> dict[tuple[str, str, bytes], PowerSpectralDensity]:
        """Noise spectra made so far, by recording, detector and the stretches that they are estimated from."""
        return {}

    def _estimate_spectrum(self, name: str, detector: str, time: float, duration: float) -> PowerSpectralDensity:
        """Estimates the noise spectrum as for an event at that time, without its own segment."""
        periodograms = self._periodograms[name][detector]
        excluded = choose_excluded(self._stretches[name][detector], time, (duration,), self.spectrum)
        if excluded is not None:
            periodograms = leave_out(periodograms, excluded, self.spectrum)
        key = (name, detector, periodograms.starts.tobytes())
        if key not in self._spectra:
            self._spectra[key] = average(periodograms, self.spectrum, self.conditioning)
        return self._spectra[key]

    @cached_property
    def _stretches(self) -> dict[str, dict[str, tuple[Interval, ...]]]:
        """Intervals of GPS times without gaps, by recording and detector."""
        return {
            name: {detector: strain.good_stretches for detector, strain in recording.items()}
            for name, recording in self.recordings.items()
        }

    def sample(
        self, detectors: tuple[str, ...], frequencies: Spectrum, duration: float, rng: np.random.Generator
    ) -> NoiseDraw:
        """Cuts a segment of each detector at random times of one recording; see `NoiseSource.sample`.

        Args:
            detectors: names of the detectors, in order.
            frequencies: multiples of 1 / duration, shape (F,), Hz.
            duration: length of the segment, seconds.
            rng: source of randomness.

        Returns:
            The draw, with recorded strain; its origin is the name of the recording.

        Raises:
            InputError: no recording has enough strain of all detectors, its sampling rate is too low, or the
                frequencies are not those of a segment of this duration.
        """
        check_frequencies(frequencies, duration)
        starts = self._find_starts(detectors, duration)
        lengths = np.array([min(_total_length(intervals) for intervals in found) for found in starts.values()])
        name = list(starts)[rng.choice(len(starts), p=lengths / lengths.sum())]
        segments = []
        for detector, start in zip(detectors, self._draw_starts(starts[name], rng), strict=True):
            time = start + duration - AFTER_TRIGGER
            strain, psd = self.recordings[name][detector], self._estimate_spectrum(name, detector, time, duration)
            segments.append(
                cut_segment(
                    {detector: strain},
                    {detector: psd},
                    reference_time=time,
                    duration=duration,
                    frequencies=frequencies,
                    conditioning=self.conditioning,
                )
            )
        psd_rows, strain_rows = ([getattr(one, part)[0] for one in segments] for part in ("psd", "strain"))
        return NoiseDraw(np.stack(psd_rows), duration, name, np.stack(strain_rows))

    def tabulate(
        self, detectors: tuple[str, ...], bins: Bins, reference_weights: np.ndarray, n: int, *, seed: int
    ) -> NoiseTable:
        """Cuts and whitens n segments of each detector; see `NoiseSource.tabulate`.

        Args:
            detectors: names of the detectors, in order.
            bins: bins of the whitened data.
            reference_weights: whitening weights of a reference detector, shape (bin,), Hz.
            n: number of segments of each detector.
            seed: seed of the times.

        Returns:
            The table, with whitened noise. With slides, rows are drawn independently for each detector.

        Raises:
            InputError: as for `sample`, or no segment is asked for.
        """
        check_integer("n", n, 1)
        rng = np.random.default_rng(seed)
        shape = (len(detectors), n, len(reference_weights))
        weights, noise = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.complex64)
        for row in range(n):
            draw = self.sample(detectors, bins.native_frequencies, bins.duration, rng)
            data, own_weights = bins.compress(draw.realise(rng), draw.psd)
            weights[:, row], noise[:, row] = own_weights / reference_weights, data
        return NoiseTable(weights, noise, coherent=not self.slides)

    def _find_starts(self, detectors: tuple[str, ...], duration: float) -> dict[str, list[list[Interval]]]:
        """Name of each suitable recording to each detector's intervals of GPS start times."""
        found = {}
        for name, recording in self.recordings.items():
            if not all(detector in recording for detector in detectors):
                continue
            own = [_start_intervals(self._stretches[name][detector], duration) for detector in detectors]
            if not self.slides:
                own = [_intersect(own)] * len(own)
            if all(_total_length(intervals) > 0 for intervals in own):
                found[name] = own
        if not found:
            raise InputError(
                f"expected a recording with {duration:g} s of good strain of {', '.join(detectors)}; got none: give "
                "longer strain or a shorter segment"
            )
        return found

    def _draw_starts(self, intervals: list[list[Interval]], rng: np.random.Generator) -> list[float]:
        """A GPS start time for each detector."""
        if self.slides:
            return [_draw_time(own, rng) for own in intervals]
        return [_draw_time(intervals[0], rng)] * len(intervals)


def mask_signal(strain: Strain, time: float, *, before: float, after: float) -> Strain:
    """Strain with a gap where there is a signal, so that only its noise is used.

    Args:
        strain: strain of one detector.
        time: GPS time of the merger, seconds.
        before: length of the gap before the merger, seconds.
        after: length of the gap after the merger, seconds.

    Returns:
        The strain with NaN in the gap.

    Example:
        >>> strain = Strain("H1", np.zeros(64), 100.0, 4.0)
        >>> mask_signal(strain, 110.0, before=4.0, after=1.0).gaps
        ((106.0, 111.0),)
    """
    values = strain.values.copy()
    values[(strain.times >= time - before) & (strain.times < time + after)] = np.nan
    return replace(strain, values=values)


def _start_intervals(stretches: Sequence[Interval], duration: float) -> list[Interval]:
    """Intervals of GPS times at which a segment of that duration may start."""
    return [
        (low + _MARGIN, high - duration - _MARGIN) for low, high in stretches if high - low - duration > 2 * _MARGIN
    ]


def _intersect(intervals: list[list[Interval]]) -> list[Interval]:
    """Intervals that lie within an interval of each list."""
    common, *others = intervals
    for other in others:
        pairs = [(max(one[0], two[0]), min(one[1], two[1])) for one in common for two in other]
        common = [(low, high) for low, high in pairs if low < high]
    return common


def _total_length(intervals: list[Interval]) -> float:
    return sum(high - low for low, high in intervals)


def _draw_time(intervals: list[Interval], rng: np.random.Generator) -> float:
    """A time, uniform over the intervals."""
    lengths = np.array([high - low for low, high in intervals])
    low, high = intervals[rng.choice(len(intervals), p=lengths / lengths.sum())]
    return float(rng.uniform(low, high))
