"""Precession: is a binary whose spins precess, with higher modes, much more likely than the binary of the answer?

A shipped network of precessing spins draws some binaries. Their marginal likelihoods, as in certification but with few
extrinsic points each, give the evidence of such a binary under the same prior of masses, distance and time and with
spins whose directions are isotropic. With 128 draws the error of its ln is a few tenths of a nat, and more where the
network misses the posterior: the evidence is then rather too low, which speaks for the answer.
"""

from dataclasses import asdict, replace

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.inference.certify import Certified, CertifySettings, Target
from chirpleaf.inference.certify.importance import ImportanceDiagnostics
from chirpleaf.inference.certify.proposals import NetworkProposal
from chirpleaf.inference.certify.settings import DEFAULTS
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.inference.observation import Observation, canonicalise
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.trust.levels import grade_value
from chirpleaf.inference.trust.model_settings import PrecessionSettings
from chirpleaf.inference.trust.settings import DEFAULT_TRUST
from chirpleaf.models import Model
from chirpleaf.models.shipped import posteriors
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.priors import IsotropicSpinPrior
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.result.trust import Finding, Level

APPROXIMANT = "IMRPhenomXPHM"
"""Waveforms of the binaries whose spins precess."""


def examine_precession(
    data: PreparedData, draws: Certified, target: Target, settings: PrecessionSettings = DEFAULT_TRUST.precession
) -> tuple[Finding, ...]:
    """Compares a binary whose spins precess with the binary of the answer.

    Args:
        data: the prepared data.
        draws: weighted draws of aligned spins with their certificate.
        target: prior and waveform model of their weights.
        settings: number of draws and limits.

    Returns:
        One finding; none if no shipped network of precessing spins suits data and prior, or waveforms fail.
    """
    model = _find_model(data, target)
    if model is None or not np.isfinite(draws.certificate.log_bayes_factor):  # without a possible draw, all is better
        return ()
    segment = data.observation.segment
    observation = Observation(model, segment, canonicalise(model, [segment]), data.observation.snr_by_detector)
    waveform = WaveformSettings(model.architecture.approximant)
    precessing = replace(target, intrinsic=model.architecture.prior, waveform=waveform, spins={})
    try:
        evidence = _estimate_evidence(data, observation, precessing, settings)
    except InputError:
        return ()
    ratio = evidence.log_evidence - draws.certificate.log_bayes_factor
    level = grade_value(ratio, settings.log_bayes_factor)
    told = (
        f"a binary whose spins precess explains the data better, by {ratio:.1f} nats: parameters may be biased; answer "
        f"with --approximant {APPROXIMANT}"
    )
    if level is Level.NOTE:
        told = f"the data do not ask for spins that precess: ln B {ratio:+.1f} against the binary of the answer"
    return (Finding("model.precession", level, told, value=ratio),)


def _find_model(data: PreparedData, target: Target) -> Model | None:
    """The shipped network that takes these data and has the target's prior of masses; None if there is none."""
    intrinsic = target.intrinsic
    if data.model.architecture.space.has_inclination or not set(target.fixed) <= {"ra", "dec", "psi"}:
        return None
    if not isinstance(intrinsic, IsotropicSpinPrior):
        return None
    segment = data.observation.segment
    for candidate in posteriors(APPROXIMANT):
        if candidate.duration != data.model.duration:
            continue
        model = candidate.load()
        prior, grid = model.architecture.prior, model.architecture.grid
        same = isinstance(prior, PrecessingPrior) and asdict(prior) == asdict(intrinsic)
        takes = set(segment.detectors) <= set(model.detectors)
        if same and takes and np.array_equal(grid.native_frequencies, segment.frequencies):
            return model
    return None


def _estimate_evidence(
    data: PreparedData, observation: Observation, target: Target, settings: PrecessionSettings
) -> ImportanceDiagnostics:
    """Evidence of a binary whose spins precess over that of noise."""
    proposal = NetworkProposal(observation)
    theta = proposal.sample(settings.draws, 0)
    trigger, segment = data.source.trigger_time, data.cut_network_segment()
    weigher = Weigher.prepare(observation, segment, trigger, target, theta, _economise(DEFAULTS, settings), 0)
    log_prob = proposal.log_prob(theta)
    return ImportanceDiagnostics.from_log_weights(weigher.weigh(theta, log_prob, 0).log_target - log_prob)


def _economise(certify: CertifySettings, settings: PrecessionSettings) -> CertifySettings:
    """Settings of a likelihood that is computed for few draws."""
    return replace(
        certify,
        heterodyne=replace(certify.heterodyne, dephasing=settings.dephasing, band_draws=settings.band_draws),
        extrinsic=replace(
            certify.extrinsic, trial_points=settings.points, most_points=4 * settings.points, typical_draws=8
        ),
        table=replace(
            certify.table, rounds=settings.rounds, points=8 * settings.points, enlargement=2, binaries=4,
            effective_points=60,
        ),
    )  # fmt: skip
