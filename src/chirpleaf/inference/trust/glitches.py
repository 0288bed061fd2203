"""Glitches: do bursts in single detectors explain the data as well as one binary does?

    ln B = ln Z(binary in all detectors) - sum_d ln[(1 - p) + p Z_d(glitch)],

all evidences over that of Gaussian noise; p is the prior probability of a glitch in a detector, and a glitch is a sum
of sine-Gaussians (`strain.wavelets`). A binary is one model for all detectors with few parameters; glitches fit the
data of each detector better, and pay for it with the prior volume of the parameters of each (arXiv:1409.2435).
"""

from collections.abc import Mapping

import numpy as np

from chirpleaf.inference.trust.levels import grade_value
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, GlitchSettings
from chirpleaf.result.trust import Finding, Level
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.wavelets import Burst, find_burst
from chirpleaf.system.threads import map_in_threads


def examine_glitches(
    segment: Segment,
    log_bayes_factor: float,
    settings: GlitchSettings = DEFAULT_TRUST.glitches,
    bursts: Mapping[str, Burst] | None = None,
) -> tuple[Finding, ...]:
    """Compares a binary with glitches.

    Args:
        segment: the data.
        log_bayes_factor: ln of the evidence of a binary over that of noise.
        settings: the family of glitches and the limits.
        bursts: the best glitch of each detector, if `find_bursts` has found them before.

    Returns:
        One finding; a note if the binary explains the data better.
    """
    bursts = find_bursts(segment, settings) if bursts is None else bursts
    ratio = log_bayes_factor - combine_bursts(bursts, settings)
    threshold = settings.log_bayes_factor if len(bursts) > 1 else settings.one_detector
    level = grade_value(ratio, threshold)
    return (Finding("signal.glitch", level, _describe(bursts, ratio, level), value=ratio),)


def find_bursts(segment: Segment, settings: GlitchSettings = DEFAULT_TRUST.glitches) -> dict[str, Burst]:
    """The glitch that explains the data of each detector best.

    Args:
        segment: the data.
        settings: the family of glitches.
    """

    def find(data: tuple[np.ndarray, np.ndarray]) -> Burst:
        return find_burst(*data, segment.frequencies, segment.duration, settings.wavelets)

    bursts = map_in_threads(find, zip(segment.strain, segment.psd, strict=True), 2)
    return dict(zip(segment.detectors, bursts, strict=True))


def combine_bursts(bursts: Mapping[str, Burst], settings: GlitchSettings = DEFAULT_TRUST.glitches) -> float:
    """ln of the evidence of glitches or noise in all detectors over that of noise.

    Args:
        bursts: the best glitch of each detector.
        settings: prior probability of a glitch.
    """
    return combine_evidence([one.log_evidence for one in bursts.values()], settings.probability)


def combine_evidence(log_evidence: list[float], probability: float) -> float:
    """ln of the evidence, over that of noise, of something of its own or noise in each detector.

    Args:
        log_evidence: ln of the evidence of something in each detector over that of noise.
        probability: its prior probability in each detector.

    Example:
        >>> round(combine_evidence([0.0, 100.0], 0.5), 2)
        99.31
    """
    odds = np.log(probability), np.log1p(-probability)
    return float(sum(np.logaddexp(odds[1], odds[0] + one) for one in log_evidence))


def _describe(bursts: Mapping[str, Burst], ratio: float, level: Level) -> str:
    """The comparison in one sentence."""
    name, burst = max(bursts.items(), key=lambda item: item[1].log_evidence)
    what = f"{burst.frequency:.0f} Hz, signal-to-noise {burst.snr:.1f}"
    if level is Level.NOTE:
        return f"a binary explains the data better than glitches do, by {ratio:.1f} nats"
    others = "" if len(bursts) > 1 else "; one detector cannot tell the two apart by coherence"
    if level is Level.WARN:
        return f"a glitch in {name} ({what}) explains the data about as well as a binary: ln B {ratio:+.1f}{others}"
    return (
        f"a glitch in {name} ({what}) explains the data better than a binary, by {-ratio:.1f} nats{others}; look at "
        "its spectrogram or leave this detector out"
    )
