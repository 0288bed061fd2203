"""Last stage of an analysis: results from draws."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chirpleaf.inference.amortised import NetworkOutput
from chirpleaf.inference.data_notes import collect_notes, describe_quality
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.trust import assess_network
from chirpleaf.physics.approximants import can_precess
from chirpleaf.physics.comoving_volume import UniformComovingVolume
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.physics.prior_kinds import is_registered
from chirpleaf.physics.waveform_settings import DEFAULT_WAVEFORM, WaveformSettings, format_arguments
from chirpleaf.result.leaves import LeafEstimates
from chirpleaf.result.posterior import Posterior
from chirpleaf.result.prior import AnalysisPrior
from chirpleaf.result.proposal import Proposal
from chirpleaf.result.provenance import Provenance
from chirpleaf.result.trust import Trust

if TYPE_CHECKING:
    from chirpleaf.inference.certify import Certified, Target  # not needed by an analysis without certification


def build_posterior(
    data: PreparedData, output: NetworkOutput, seed: int, timing: Mapping[str, float | None]
) -> Posterior:
    """Makes a posterior of the network alone.

    Args:
        data: the prepared data.
        output: draws with their density.
        seed: seed of the draws.
        timing: seconds by stage.
    """
    return Posterior(
        proposal=Proposal(output.samples, output.log_prob, np.zeros(len(output.log_prob))),
        intrinsic=data.model.estimator.quantities,
        provenance=trace_origin(data, seed),
        trust=assess_network(data),
        timing=timing,
        prior=AnalysisPrior("model", data.model.architecture.prior),
    )


def build_leaf_estimates(
    data: PreparedData, output: NetworkOutput, seed: int, timing: Mapping[str, float | None]
) -> LeafEstimates:
    """Makes the result of leaves.

    Args:
        data: the prepared data.
        output: samples of single quantities.
        seed: seed of the draws.
        timing: seconds by stage.
    """
    return LeafEstimates(
        samples=output.samples,
        log_prob=output.log_prob,
        uncertainty_components=output.uncertainty_components,
        provenance=trace_origin(data, seed),
        trust=assess_network(data),
        timing=timing,
        prior=AnalysisPrior("model", data.model.architecture.prior),
    )


def build_certified_posterior(
    data: PreparedData,
    draws: "Certified",
    target: "Target",
    trust: Trust,
    seed: int,
    timing: Mapping[str, float | None],
) -> Posterior:
    """Makes a posterior of certified draws.

    Args:
        data: the prepared data.
        draws: weighted draws with sky map and certificate.
        target: prior and waveform model of the weights.
        trust: verdict on the draws: `assess_certified(data, draws, target)`.
        seed: seed of the draws.
        timing: seconds by stage.
    """
    certificate = draws.certificate
    return Posterior(
        proposal=Proposal(draws.samples, draws.log_prob, draws.log_weight),
        intrinsic=data.model.estimator.quantities,
        provenance=replace(
            trace_origin(data, seed, target.waveform, certificate.detectors),
            log_noise_evidence=data.cut_network_segment().log_noise_likelihood(),
        ),
        trust=trust,
        timing=timing,
        prior=describe_prior(target, data.source.trigger_time),
        certificate=certificate,
        sky=draws.sky,
    )


def describe_prior(target: "Target", trigger_time: float) -> AnalysisPrior:
    """The prior of a target as data.

    Args:
        target: prior and waveform model.
        trigger_time: GPS time that the prior of the arrival is centred on unless the target has a centre, seconds.

    Returns:
        The prior; without distributions if it is a prior file, whose densities only bilby knows.
    """
    middle = trigger_time if target.centre is None else target.centre
    arrival = (middle - target.time, middle + target.time)
    intrinsic, distance = target.intrinsic, target.distance
    if is_registered(intrinsic) and isinstance(distance, PowerLaw | UniformComovingVolume):
        return AnalysisPrior(target.prior, intrinsic, distance, arrival)
    return AnalysisPrior(target.prior, arrival=arrival)


def trace_origin(
    data: PreparedData, seed: int, waveform: WaveformSettings | None = None, detectors: tuple[str, ...] | None = None
) -> Provenance:
    """The origin of a result.

    Args:
        data: the prepared data.
        seed: seed of the draws.
        waveform: waveforms of the likelihood; those of the network if None.
        detectors: names of those whose data are used; those of the network if None.
    """
    model = data.model
    options, segment = data.options, data.observation.segment
    used = detectors or segment.detectors
    arguments = waveform.arguments if waveform else ()
    approximant = waveform.approximant if waveform else model.architecture.approximant
    space = model.architecture.space
    aligned = {"chi_1", "chi_2"} <= set(space.names) and not space.has_inclination
    restricted = aligned and can_precess(approximant)
    spins = "aligned" if restricted else ""
    return Provenance(
        event=data.source.event,
        trigger_time=data.source.trigger_time,
        detectors=used,
        model=model.name,
        data_sha256=model.provenance.get("data_sha256", ""),
        approximant=approximant,
        spins=spins,
        seed=seed,
        high_pass=options.conditioning.high_pass or 0.0,
        roll_off=options.conditioning.roll_off,
        psd_method=options.spectrum.method,
        psd_length=options.spectrum.length,
        duration=(options.duration if waveform else None) or segment.duration,
        f_min=tuple(options.find_lowest(name, float(segment.frequencies[0])) for name in used),
        f_max=(options.f_max if waveform else None) or float(segment.frequencies[-1]),
        f_ref=(waveform or DEFAULT_WAVEFORM).reference_frequency,
        waveform_arguments=format_arguments(arguments),
        flaws=data.describe_flaws(),
        data_quality=describe_quality(data),
        notes=(*collect_notes(data), *([describe_restriction(approximant)] if spins else [])),
    )


def describe_restriction(approximant: str) -> str:
    """The sentence on an approximant whose precession is not used.

    Args:
        approximant: its name.
    """
    return f"aligned spins: {approximant} allows precession, but the spins in the orbital plane are kept at zero"
