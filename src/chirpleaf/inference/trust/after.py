"""Checks after the certification: the posterior against the data, and against other explanations of them."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from chirpleaf.inference.certify import Certified, Target
from chirpleaf.inference.certify.likelihood import find_waveform, project_signals
from chirpleaf.inference.trust.balance import examine_balance
from chirpleaf.inference.trust.coherence import Proposal, examine_coherence
from chirpleaf.inference.trust.fit import find_best_signal
from chirpleaf.inference.trust.glitches import examine_glitches
from chirpleaf.inference.trust.levels import grade_value
from chirpleaf.inference.trust.misfit import examine_misfit
from chirpleaf.inference.trust.residuals import examine_residuals
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, SignalSettings, TrustSettings
from chirpleaf.inference.trust.walls import examine_walls
from chirpleaf.models.architecture import Architecture
from chirpleaf.physics.signals import make_likelihood_model, make_signal_model
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.trust import Finding, Level
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.wavelets import Burst


def examine_posterior(
    architecture: Architecture,
    segment: Segment,
    trigger_time: float,
    draws: Certified,
    target: Target,
    settings: TrustSettings = DEFAULT_TRUST,
    bursts: Mapping[str, Burst] | None = None,
) -> tuple[Finding, ...]:
    """Runs all checks of a certified posterior.

    Args:
        architecture: that of the network, which gives prior and signal model.
        segment: the data of the likelihood.
        trigger_time: GPS time that the prior of the arrival is centred on unless the target has a centre, seconds.
        draws: weighted draws with their certificate.
        target: prior and waveform model of the weights.
        settings: thresholds.
        bursts: the best glitch of each detector, if `find_bursts` has found them before.

    Returns:
        What the checks found; a note for each that found nothing.
    """
    samples, certificate = draws.samples, draws.certificate
    waveform = find_waveform(target.waveform, architecture.signal)
    signal = make_likelihood_model(target.waveform, architecture.signal)
    complete = waveform is not target.waveform
    space = architecture.space
    centre = trigger_time if target.centre is None else target.centre
    found = list(examine_walls(samples, draws.log_weight, space.prior, target, centre, settings.walls))
    # From a handful of effective draws, the evidence is far too low, and everything else seems to explain the data.
    known = certificate.effective_samples >= settings.signal.least_effective_samples
    if known or certificate.log_bayes_factor < settings.signal.log_bayes_factor.warn:
        found += examine_noise(certificate, settings.signal)
    if known:
        found += examine_glitches(segment, certificate.log_bayes_factor, settings.glitches, bursts)
    elif certificate.stopped == "refused" and len(draws.log_weight):
        bound = examine_glitches(segment, _find_greatest(draws, target), settings.glitches, bursts)
        found += [one for one in bound if one.level is Level.REFUSE]
    best = find_best_signal(segment, samples, draws.log_weight, waveform)
    if best is None:
        return tuple(found)
    found += examine_residuals(segment, best.strain, best.merger, settings.residuals)
    found += examine_misfit(segment, best, waveform, settings.misfit)
    dominant = None
    if not complete:  # single detectors, and orientations, are compared by the dominant modes
        of_network = replace(target.waveform, approximant=architecture.approximant, arguments=())
        signal = make_signal_model(of_network, architecture.signal)
        dominant = np.concatenate(list(project_signals(segment, best.sample, signal)))
    found += examine_balance(segment, best, dominant, settings.coherence)
    if known:
        proposal = Proposal({name: np.asarray(samples[name]) for name in space.names}, draws.log_prob)
        value = certificate.log_bayes_factor
        found += examine_coherence(segment, proposal, best, signal, target, value, settings.coherence)
    return tuple(found)


def _find_greatest(draws: Certified, target: Target) -> float:
    """Greatest ln of the likelihood of a draw, marginalised over extrinsic parameters: no evidence exceeds it, nats."""
    with np.errstate(invalid="ignore"):  # impossible draws
        values = draws.log_weight + draws.log_prob - target.intrinsic.log_prob(draws.samples)
    return float(np.nan_to_num(values, nan=-np.inf).max()) + draws.certificate.log_bayes_factor


def examine_noise(certificate: Certificate, settings: SignalSettings = DEFAULT_TRUST.signal) -> tuple[Finding, ...]:
    """Compares a binary with Gaussian noise.

    Args:
        certificate: diagnostics of certified draws.
        settings: limits of the Bayes factor.

    Returns:
        One finding; a note if noise does not explain the data.
    """
    value = certificate.log_bayes_factor
    level = grade_value(value, settings.log_bayes_factor)
    message = f"noise alone explains the data nearly as well as a binary: ln Bayes factor {value:.1f}"
    if value < settings.log_bayes_factor.refuse:
        message = f"no signal: the ln Bayes factor of a binary against noise is {value:.1f}; check the trigger time"
    return (Finding("signal.noise", level, message, value=value),)
