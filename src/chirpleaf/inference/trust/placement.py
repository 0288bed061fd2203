"""Placement: is the signal that a detector lacks elsewhere in its strain?

A start in the header that is wrong by seconds, or samples in reversed order, leave a detector with noise at the
trigger: one binary and a quiet detector explain that, so that the verdict would be no worse than doubtful. The same
waveform elsewhere in the strain of the quiet detector, forwards or backwards, gives the fault away. The search runs
only where the detectors do not agree.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Complex128

from chirpleaf.errors import InputError
from chirpleaf.inference.matched_filter import matched_filter
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, PlacementSettings
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.result.trust import Finding, Level
from chirpleaf.strain.segment import Segment, cut_segment

if TYPE_CHECKING:
    from chirpleaf.inference.trust.fit import BestSignal


class Peak(NamedTuple):
    """The loudest place of a waveform in the strain of a detector.

    Attributes:
        snr: matched-filter signal-to-noise ratio.
        time: GPS time, seconds.
        backwards: whether the waveform runs backwards.
    """

    snr: float
    time: float
    backwards: bool


def examine_placement(
    data: PreparedData,
    segment: Segment,
    best: "BestSignal",
    settings: PlacementSettings = DEFAULT_TRUST.placement,
) -> tuple[Finding, ...]:
    """Searches the strain of quiet detectors for the signal of the loudest one.

    Args:
        data: the prepared data.
        segment: the data of the likelihood.
        best: the best signal.
        settings: the search and its limits.

    Returns:
        A finding for each detector that has the signal at another time.
    """
    weight, sidereal = 4 / (segment.duration * segment.psd), float(gmst(segment.reference_time))
    norm = np.sqrt(np.sum(np.abs(best.strain) ** 2 * weight, axis=1))
    matched = np.abs(np.sum(segment.strain * best.strain.conj() * weight, axis=1))
    own = matched / np.maximum(norm, np.finfo(float).tiny)
    loud = int(own.argmax())
    delay = detector(segment.detectors[loud]).time_delay(best.sample["ra"], best.sample["dec"], sidereal)
    arrival = best.merger + float(delay[0])
    wave = best.strain[loud] * np.exp(2j * np.pi * segment.frequencies * arrival)
    middle, found = float(segment.reference_time + arrival), []
    for index, name in enumerate(segment.detectors):
        least = max(settings.snr, settings.share * own[loud], own[index] / settings.share)
        peaks = [one for one in _search(data, name, wave, segment, settings) if _is_elsewhere(one, middle, settings)]
        peak = max(peaks, default=None)
        if index != loud and peak is not None and peak.snr > least:
            order = ", backwards in time" if peak.backwards else ""
            message = (
                f"{name}: a signal like this one, of signal-to-noise {peak.snr:.1f}, lies {peak.time - middle:+.2f} s "
                f"from the merger{order}: check the start and the order of the samples"
            )
            found.append(Finding("data.placement", Level.REFUSE, message, name, peak.snr))
    return tuple(found)


def _is_elsewhere(peak: Peak, middle: float, settings: PlacementSettings) -> bool:
    """Whether a peak is not that of the signal itself."""
    return peak.backwards or bool(abs(peak.time - middle) > settings.apart)


def _search(
    data: PreparedData,
    name: str,
    wave: Complex128[np.ndarray, " frequency"],
    segment: Segment,
    settings: PlacementSettings,
) -> Iterator[Peak]:
    """The loudest peak of each piece of the strain of a detector, forwards and backwards; pieces with gaps are left."""
    strain = data.source.strain[name]
    end = strain.start_time + len(strain.values) / strain.sample_rate
    for time in np.arange(strain.start_time, end, 2 * settings.reach):
        try:
            piece = cut_segment(
                {name: strain},
                data.spectra,
                reference_time=float(time),
                duration=segment.duration,
                frequencies=segment.frequencies,
                conditioning=data.options.conditioning,
            )
        except InputError:
            continue
        for backwards, one in ((False, wave), (True, wave.conj())):
            output = matched_filter(piece, one, settings.reach)
            place = int(output.snr[0].argmax())
            yield Peak(float(output.snr[0, place]), float(time + output.times[place]), backwards)
