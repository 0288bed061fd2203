"""The verdict on a result: composition of all checks."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from chirpleaf.inference.observation import Observation
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.trust.before import Preliminary, examine_before
from chirpleaf.inference.trust.data import examine_data
from chirpleaf.inference.trust.neighbours import examine_neighbours
from chirpleaf.inference.trust.observation import examine_observation
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, TrustSettings
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.trust import Finding, Level, Trust
from chirpleaf.strain.wavelets import Burst

if TYPE_CHECKING:
    from chirpleaf.inference.certify import Certified, Target  # not needed by an analysis without certification

DISAGREEMENT = ("signal.coherence", "signal.balance")
"""Checks that doubt that the detectors see the same signal."""

TOLD = ("signal.glitch", "signal.coherence", "model.precession")
"""Checks whose result is told even if it speaks for the answer."""


def assess(
    observation: Observation,
    certificate: Certificate | None = None,
    findings: Sequence[Finding] = (),
    settings: TrustSettings = DEFAULT_TRUST,
) -> Trust:
    """Judges a result by its best template, its certificate and the findings of other checks.

    Args:
        observation: the data in the form that the model takes.
        certificate: importance-sampling diagnostics; None if the result is not certified.
        findings: what other checks found.
        settings: thresholds.

    Returns:
        The verdict, with a reason for each check that failed.
    """
    certified = certificate is not None
    sampling = () if certificate is None else examine_certificate(certificate)
    return Trust.from_findings(
        (*findings, *examine_observation(observation, settings.signal, certified=certified), *sampling),
        observation.snr,
        observation.snr_by_detector,
        tuple(model.describe() for model in observation.untried),
        certified=certified,
    )


def assess_network(data: PreparedData, settings: TrustSettings = DEFAULT_TRUST) -> Trust:
    """Judges a result of the network alone.

    Args:
        data: the prepared data.
        settings: thresholds.

    Returns:
        A verdict of at most "not certified".
    """
    found = examine_data(data, data.observation.segment.detectors)
    return assess(data.observation, None, found, settings)


def assess_certified(
    data: PreparedData,
    draws: "Certified",
    target: "Target",
    settings: TrustSettings = DEFAULT_TRUST,
    before: Preliminary | None = None,
) -> Trust:
    """Judges certified draws.

    Args:
        data: the prepared data.
        draws: weighted draws with their certificate.
        target: prior and waveform model of the weights.
        settings: thresholds.
        before: what `examine_before` found in these data, if it is known.

    Returns:
        The verdict.
    """
    before = examine_before(data, settings) if before is None else before
    few = draws.certificate.effective_samples < 1
    after = () if few else examine_draws(data, draws, target, settings, before.bursts)
    found = tuple(one for one in before.findings if one.area == "data")
    return assess(data.observation, draws.certificate, (*found, *after), settings)


def examine_draws(
    data: PreparedData,
    draws: "Certified",
    target: "Target",
    settings: TrustSettings = DEFAULT_TRUST,
    bursts: Mapping[str, Burst] | None = None,
) -> tuple[Finding, ...]:
    """Compares certified draws with the data and with other explanations of them.

    Args:
        data: the prepared data.
        draws: weighted draws with their certificate.
        target: prior and waveform model of the weights.
        settings: thresholds.
        bursts: the best glitch of each detector, if `find_bursts` has found them before.
    """
    from chirpleaf.inference.certify.likelihood import find_waveform  # noqa: PLC0415 - loads certification
    from chirpleaf.inference.trust.after import examine_posterior  # noqa: PLC0415
    from chirpleaf.inference.trust.fit import find_best_signal  # noqa: PLC0415
    from chirpleaf.inference.trust.placement import examine_placement  # noqa: PLC0415
    from chirpleaf.inference.trust.walls import is_reached  # noqa: PLC0415

    segment, trigger = data.mask_notches(data.cut_network_segment()), data.source.trigger_time
    architecture = data.model.architecture
    found = examine_posterior(architecture, segment, trigger, draws, target, settings, bursts)
    found += examine_neighbours(data, draws.samples["chirp_mass"], draws.log_weight, settings.neighbours)
    if any(one.check in DISAGREEMENT and one.level > Level.NOTE for one in found):
        waveform = find_waveform(target.waveform, architecture.signal)
        best = find_best_signal(segment, draws.samples, draws.log_weight, waveform)
        found += () if best is None else examine_placement(data, segment, best, settings.placement)
    found = _explain_misfit(data, draws, target, found, settings)
    return tuple(one for one in found if one.level > Level.NOTE or one.check in TOLD or is_reached(one, settings.walls))


def _explain_misfit(
    data: PreparedData,
    draws: "Certified",
    target: "Target",
    found: tuple[Finding, ...],
    settings: TrustSettings,
) -> tuple[Finding, ...]:
    """Compares with a binary whose spins precess where a misfit speaks for it; if it is unlikely, so is a doubt."""
    misfit = next((one for one in found if one.check == "model.misfit"), None)
    known = draws.certificate.effective_samples >= settings.signal.least_effective_samples
    if misfit is None or misfit.value is None or misfit.value < settings.precession.excess or not known:
        return found
    from chirpleaf.inference.trust.precession import examine_precession  # noqa: PLC0415 - loads certification

    precession = examine_precession(data, draws, target, settings.precession)
    unlikely = any(one.level is Level.NOTE for one in precession)
    if unlikely and misfit.value < settings.precession.explained:
        found = tuple(one for one in found if one is not misfit)
    return (*found, *precession)


def examine_certificate(certificate: Certificate) -> tuple[Finding, ...]:
    """The importance-sampling diagnostics that do not allow an answer.

    Args:
        certificate: diagnostics of certified draws.

    Returns:
        A finding for each reason of the certificate, for each doubt, and a note if the time ended the sampling.
    """
    levels = ((Level.REFUSE, certificate.reasons), (Level.WARN, certificate.doubts), (Level.NOTE, certificate.notes))
    return tuple(Finding("sampling.certificate", level, one) for level, said in levels for one in said)
