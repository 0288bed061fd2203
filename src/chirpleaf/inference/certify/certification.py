"""Certification: the network proposes, the exact likelihood decides.

    draws theta_i ~ q of the network
      -> marginal likelihood L_i over everything else, and one extrinsic point for each draw from its exact conditional
      -> weights w_i = L_i pi(theta_i) / q(theta_i), until enough of them count or the time is up;
         where the network misses the posterior, it looks again about the times at which the best draws arrive;
         where they are poor, a mixture fitted to them proposes as well (`proposals`)
      -> the same likelihood on every frequency, for some of the samples, as a check.

The waveforms of the marginal likelihood live on few frequencies about a reference (`heterodyne`); where the check finds
that too coarse, all is done again on more.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from chirpleaf.inference.certify.certificate import Certified
from chirpleaf.inference.certify.importance import Weighing
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.certify.pool import Pool
from chirpleaf.inference.certify.proposals import MixtureProposal, NetworkProposal, refitted
from chirpleaf.inference.certify.target import Target, edges_reached
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.reference_time import find_reference_time_hypotheses
from chirpleaf.models.estimator import PARAMETERS
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.signals.quadrupole import face_on, is_quadrupole_only
from chirpleaf.result.weights import relative_weights, resample_systematically
from chirpleaf.strain.segment import Segment

Looks = tuple[Observation, ...]
"""The same data about different times, the best one last."""

_FIRST = 2048
"""Draws before it is known how many are needed."""
_DEPHASING = 0.6
"""Phase between the nodes of the heterodyned likelihood, rad."""
_COARSE = 0.03
"""Root mean square of what the heterodyned likelihood adds to ln L that asks for more nodes."""

_MISSED = 0.1
"""Efficiency of the first draws below which the network looks again, and above which a look is better."""
_HEAVIEST = 16
"""Draws about whose arrival times it does."""
_LOOKS = 3
"""Times that it does so at most."""

_STRIDE = 16
"""Of the frequencies on which two waveform models are laid upon each other: their phases differ smoothly."""
_FARTHEST, _STEP = 0.03, 5e-5
"""Greatest difference of what they call time zero, and how finely it is looked for, seconds."""


def certified(
    observation: Observation,
    segment: Segment,
    trigger_time: float,
    target: Target,
    *,
    draws: int = 0,
    effective_samples: int = 5000,
    budget: float = 60.0,
    seed: int = 0,
    workers: int = 1,
) -> Certified:
    """Weighs draws of the network until enough of them count.

    Args:
        observation: the data as the network sees them.
        segment: the data as the likelihood sees them: any detectors, about the same reference time.
        trigger_time: GPS time that the prior of the arrival is about unless the target says another, seconds.
        target: prior and waveform.
        draws: how many to weigh at least.
        effective_samples: how many are wanted.
        budget: seconds after which no more draws are begun.
        seed: of everything random.
        workers: see `with_modes`.

    Returns:
        All draws with their weights, and the verdict on them.
    """
    deadline = time.perf_counter() + budget
    proposed_with = observation.model.architecture.approximant
    alone = is_quadrupole_only(target.approximant)
    within = target if alone else replace(target, approximant=proposed_with)
    centre = trigger_time if target.centre is None else target.centre
    first = min(draws, _FIRST) if draws else _FIRST
    looks, pool = _begun(observation, partial(_weighed, segment, centre, within, first, seed), deadline)

    def refit(theta: Samples, log_weight: NDArray[np.float64]) -> MixtureProposal:
        return refitted(looks[-1], theta, log_weight, seed)

    def filled(wanted: int) -> Certified:
        pool.fill(draws, wanted, refit, deadline)
        first = pool.certified(effective_samples)
        return first if alone else with_modes(first, segment, target.approximant, seed=seed, workers=workers)

    result, before = filled(effective_samples), 0
    while not alone and before < result.certificate.draws and time.perf_counter() < deadline:
        short = effective_samples / max(result.certificate.effective_samples, 1.0)
        if short <= 1:
            break
        before = result.certificate.draws
        result = filled(round(1.1 * short * pool.weighing.effective_samples))
    edges = edges_reached(result.samples, result.log_weight, observation.model.architecture.prior, target)
    return result._replace(certificate=replace(result.certificate, edges=edges))


def _begun(observation: Observation, weighed: Callable[[Looks, float], Pool], deadline: float) -> tuple[Looks, Pool]:
    """The first draws, of as many looks as it takes, weighed with a likelihood that is found fine enough."""
    halfway = (time.perf_counter() + deadline) / 2
    looks: Looks = (observation,)
    dephasing = _DEPHASING
    pool = weighed(looks, dephasing)
    if pool.weighing.efficiency < _MISSED:
        for other in _other_looks(observation, pool):
            if time.perf_counter() > halfway:
                break
            again = weighed((observation, other), dephasing)
            if again.weighing.efficiency > max(pool.weighing.efficiency, _MISSED):
                looks, pool = (observation, other), again
    while pool.likelihood_error() > _COARSE and dephasing >= _DEPHASING / 8 and time.perf_counter() < halfway:
        dephasing /= 2
        pool = weighed(looks, dephasing)
    return looks, pool


def _other_looks(observation: Observation, pool: Pool) -> list[Observation]:
    """Looks about the arrival times of the heaviest draws."""
    heaviest = [row for row in np.argsort(-pool.log_weight)[:_HEAVIEST] if np.isfinite(pool.log_weight[row])]
    theta = {name: pool.batch.samples[name][heaviest] for name in PARAMETERS}
    return find_reference_time_hypotheses(observation, theta)[:_LOOKS] if heaviest else []


def _weighed(
    segment: Segment, trigger_time: float, target: Target, draws: int, seed: int, looks: Looks, dephasing: float
) -> Pool:
    """Draws of each look, so that nothing is lost that only a former one sees; the likelihood is made for the last."""
    former, last = [NetworkProposal(look) for look in looks[:-1]], NetworkProposal(looks[-1])
    theta = last.draw(draws, seed)
    pool = Pool(Weigher.ready(looks[-1], segment, trigger_time, target, theta, dephasing, seed))
    for proposal in former:
        pool.add(proposal, draws)
    pool.add(last, theta)
    return pool


def with_modes(first: Certified, segment: Segment, approximant: str, *, seed: int = 0, workers: int = 1) -> Certified:
    """Weighs certified samples again, towards a waveform with more than the (2, 2) mode.

    Its likelihood does not factor into what belongs to the binary and what belongs to its place, so nothing can be
    integrated out at once. But samples of all eleven parameters, certified with the (2, 2) mode, are draws from a
    density proportional to L_22 pi, and the weights L / L_22, both on every frequency, take them to L pi. Models differ
    in what they call time and phase zero, so each sample is first moved in both, by what depends on its masses and
    spins alone: as both priors are flat, that leaves the density as it is.

    Args:
        first: samples certified with the (2, 2) mode.
        segment: the data they are of.
        approximant: any waveform model.
        seed: of the resampling between the two weighings.
        workers: processes that share the waveforms on every frequency (see `log_likelihood_ratio`).

    Returns:
        As many samples as were effective, with weights towards the new model, whose `log_likelihood` and optimal
        signal-to-noises they have; the efficiency is the product of both.
    """
    before = first.certificate
    chosen = resample_systematically(relative_weights(first.log_weight), max(int(before.effective_samples), 1), seed)
    samples = {name: values[chosen] for name, values in first.samples.items()}
    old, _ = log_likelihood_ratio(segment, samples, before.approximant, workers=workers)
    samples |= _moved(samples, segment, before.approximant, approximant)
    new, snr = log_likelihood_ratio(segment, samples, approximant, workers=workers)
    weighing = Weighing.of(new - old)
    samples |= {"log_likelihood": new, "network_optimal_snr": np.sqrt(np.sum(snr**2, axis=1))}
    samples |= {f"{name}_optimal_snr": snr[:, index] for index, name in enumerate(segment.detectors)}
    certificate = replace(
        before,
        efficiency=before.efficiency * weighing.efficiency,
        effective_samples=weighing.effective_samples,
        log_bayes_factor=before.log_bayes_factor + weighing.log_evidence,
        log_bayes_factor_error=float(np.hypot(before.log_bayes_factor_error, weighing.error)),
        pareto_k=max(before.pareto_k, weighing.pareto_k),
        approximant=approximant,
    )
    return Certified(samples, first.log_prob[chosen], new - old - weighing.log_evidence, first.sky, certificate)


def _moved(samples: Samples, segment: Segment, old: str, new: str) -> Samples:
    """Times and phases at which a new model's waveforms, seen face-on, lie upon the old one's."""
    few = slice(None, None, _STRIDE)
    frequencies, weight = segment.frequencies[few], (1 / segment.psd[:, few]).sum(axis=0)
    product = face_on(samples, frequencies, old) * face_on(samples, frequencies, new).conj() * weight
    product /= np.abs(product).sum(axis=1, keepdims=True)
    delays = np.arange(-_FARTHEST, _FARTHEST, _STEP)
    best = np.abs(product @ np.exp(2j * np.pi * np.outer(frequencies, delays))).argmax(axis=1)
    delay = delays[best]
    turn = np.angle(np.sum(product * np.exp(2j * np.pi * np.outer(delay, frequencies)), axis=1)) / 2
    return {
        "geocent_time": samples["geocent_time"] + delay,
        "phase": np.mod(samples["phase"] + turn, 2 * np.pi),
    }
