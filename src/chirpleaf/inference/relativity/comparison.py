"""The inspiral-merger-ringdown consistency test of one event (arXiv:1602.02453, arXiv:1704.06784).

The posterior of the whole signal gives medians of final mass and spin, and these the cut-off frequency: that of the
dominant mode at the innermost stable circular orbit of the remnant (`physics.kerr`). The frequencies below and above it
have posteriors of their own (`parts`), whose final masses and spins, by the fits of `physics.remnant`, are compared
(`deviation`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirpleaf.inference.certify import Certified, Target
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.relativity.deviation import Deviation, compare_remnants
from chirpleaf.inference.relativity.flat_prior import REMNANT, flatten_target
from chirpleaf.inference.relativity.parts import certify_part
from chirpleaf.inference.relativity.settings import DEFAULT_RELATIVITY, RelativitySettings
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.kerr import innermost_stable_frequency
from chirpleaf.physics.signals import make_signal_model
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.trust import Finding, Level
from chirpleaf.result.weights import (
    effective_sample_size,
    relative_weights,
    resample_systematically,
    weighted_quantiles,
)
from chirpleaf.strain.segment import Segment
from chirpleaf.system.deadline import NEVER, Deadline

Array = NDArray[np.float64]

WHOLE, INSPIRAL, POST_INSPIRAL = "whole", "inspiral", "post-inspiral"

_CHECKED = 64
"""Samples of the whole posterior whose signal-to-noise ratio in each part is computed."""


@dataclass(frozen=True, eq=False)
class Part:
    """Remnant by a part of the frequency band.

    Attributes:
        band: least and greatest frequency, Hz.
        snr: optimal network signal-to-noise ratio of the whole posterior in this band, median.
        certificate: importance-sampling diagnostics; None if the part was not sampled.
        samples: final_mass (detector frame, solar masses) and final_spin, samples of equal weight under the flat prior;
            empty if the part was not sampled.
    """

    band: tuple[float, float]
    snr: float
    certificate: Certificate | None
    samples: Samples


@dataclass(frozen=True, eq=False)
class Comparison:
    """Remnant by the inspiral against remnant by the post-inspiral.

    Attributes:
        cutoff: frequency that divides them, Hz.
        parts: the whole, the inspiral and the post-inspiral, by name.
        deviation: fractional deviations; None if a part could not be sampled.
        findings: reasons not to trust the deviations.
    """

    cutoff: float
    parts: Mapping[str, Part]
    deviation: Deviation | None
    findings: tuple[Finding, ...]


def compare_parts(
    observation: Observation,
    segment: Segment,
    trigger_time: float,
    target: Target,
    whole: Certified,
    settings: RelativitySettings = DEFAULT_RELATIVITY,
    *,
    seed: int = 0,
    deadline: Deadline = NEVER,
) -> Comparison:
    """Compares the remnants by both parts of a signal.

    Args:
        observation: the data in the form that the network takes.
        segment: the data of the likelihood.
        trigger_time: GPS time that the prior of the arrival is centred on, seconds.
        target: prior and waveform model.
        whole: weighted draws from the posterior of the whole signal, at least one of them effective.
        settings: numbers of draws and samples, and limits.
        seed: seed of all random numbers.
        deadline: end of the time budget; the first part has half of what is left.

    Returns:
        The comparison; without deviations if a part has too little signal.
    """
    weight = relative_weights(whole.log_weight)
    medians = {name: float(weighted_quantiles(whole.samples[name], (0.5,), weight)[0]) for name in REMNANT}
    cutoff = float(innermost_stable_frequency(medians["final_mass"], medians["final_spin"]))
    flat_target, flat = flatten_target(target, observation.model.architecture.space.prior, settings, seed=seed)
    low, high = float(segment.frequencies[0]), float(segment.frequencies[-1])
    bands = {WHOLE: (low, high), INSPIRAL: (low, cutoff), POST_INSPIRAL: (cutoff, high)}
    pieces = {name: segment.select_band(band[0], np.nextafter(band[1], np.inf)) for name, band in bands.items()}
    signal = make_signal_model(target.waveform, observation.model.architecture.signal)
    chosen = resample_systematically(weight, _CHECKED, seed)
    some = {name: values[chosen] for name, values in whole.samples.items()}
    snr = {name: np.linalg.norm(log_likelihood_ratio(piece, some, signal)[1], axis=1) for name, piece in pieces.items()}
    loudness = {name: float(np.median(values)) for name, values in snr.items()}
    findings = examine_loudness(loudness, settings)
    sampled = {WHOLE: whole._replace(log_weight=whole.log_weight + flat.correct(whole.samples))}
    if not findings:
        for name, until in ((INSPIRAL, deadline.share(0.5)), (POST_INSPIRAL, deadline)):
            sampled[name] = certify_part(
                observation, pieces[name], trigger_time, flat_target, whole, settings, seed=seed, deadline=until
            )
    parts = {name: _make_part(band, loudness[name], sampled.get(name), seed) for name, band in bands.items()}
    findings += examine_parts(parts)
    possible = all(parts[name].samples for name in (INSPIRAL, POST_INSPIRAL))
    deviation = (
        compare_remnants(parts[INSPIRAL].samples, parts[POST_INSPIRAL].samples, settings, seed=seed)
        if possible
        else None
    )
    return Comparison(cutoff, parts, deviation, findings)


def examine_loudness(snr: Mapping[str, float], settings: RelativitySettings) -> tuple[Finding, ...]:
    """Whether both parts have enough signal.

    Args:
        snr: optimal signal-to-noise ratio of each part.
        settings: the limit.

    Returns:
        A finding for each part with too little.
    """
    return tuple(
        Finding(
            "signal.part",
            Level.REFUSE,
            f"the {name} has a signal-to-noise ratio of {snr[name]:.1f}, below {settings.least_snr:g}: too little for "
            "a mass and a spin of its own",
            value=snr[name],
        )
        for name in (INSPIRAL, POST_INSPIRAL)
        if snr[name] < settings.least_snr
    )


def examine_parts(parts: Mapping[str, Part]) -> tuple[Finding, ...]:
    """Whether the draws of both parts represent their posteriors.

    Args:
        parts: the parts by name.

    Returns:
        A finding for each reason against a part that was sampled.
    """
    return tuple(
        Finding("sampling.part", Level.REFUSE, f"{name}: {reason}")
        for name in (INSPIRAL, POST_INSPIRAL)
        if (certificate := parts[name].certificate) is not None
        for reason in certificate.reasons
    )


def _make_part(band: tuple[float, float], snr: float, draws: Certified | None, seed: int) -> Part:
    """Samples of a part under the flat prior, as many as are effective."""
    if draws is None:
        return Part(band, snr, None, {})
    weight = relative_weights(draws.log_weight)
    n = int(effective_sample_size(weight))
    if n < 1:
        return Part(band, snr, draws.certificate, {})
    chosen = resample_systematically(weight, n, seed)
    return Part(band, snr, draws.certificate, {name: draws.samples[name][chosen] for name in REMNANT})
