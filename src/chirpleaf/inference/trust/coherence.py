"""Coherence: do all detectors see the same binary?

    ln B = ln Z(one binary) - sum_d ln[(1 - p) + p Z_d],

with Z_d the evidence of a binary of its own in detector d (arXiv:0911.3820), and noise otherwise. In one detector,
direction and orientation only scale the distance, so that the marginal likelihood of masses and spins is an integral
over the arrival time and the optimal signal-to-noise ratio rho alone: with z the matched filter,

    L_d = mean over t of int p(rho) I_0(rho |z(t)|) exp(-rho^2 / 2) d rho,

where p(rho) follows from the prior of the distance over the response. The draws of the certification are used again, so
Z_d is a lower bound where a detector alone would be content with other masses. Other arrival times count as noise. A
binary of one detector alone has the dominant series only, also where the answer has further modes.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from chirpleaf.inference.certify.heterodyne import Heterodyne, find_failures
from chirpleaf.inference.certify.settings import DEFAULTS
from chirpleaf.inference.certify.target import Target
from chirpleaf.inference.trust.balance import draw_responses
from chirpleaf.inference.trust.fit import BestSignal
from chirpleaf.inference.trust.glitches import combine_evidence
from chirpleaf.inference.trust.levels import grade_value
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, CoherenceSettings
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.physics.signals import SignalModel
from chirpleaf.result.trust import Finding, Level
from chirpleaf.strain.segment import Segment

Array = NDArray[np.float64]


class Proposal(NamedTuple):
    """Draws of intrinsic parameters.

    Attributes:
        theta: intrinsic parameters, each of shape (n,).
        log_prob: ln of the density that they were drawn from, shape (n,).
    """

    theta: Samples
    log_prob: Array


def examine_coherence(
    segment: Segment,
    proposal: Proposal,
    best: BestSignal,
    signal: SignalModel,
    target: Target,
    log_bayes_factor: float,
    settings: CoherenceSettings = DEFAULT_TRUST.coherence,
) -> tuple[Finding, ...]:
    """Compares one binary in all detectors with one of its own in each.

    Args:
        segment: the data.
        proposal: all draws of the certification, which the draws for each detector are taken from.
        best: the best signal.
        signal: signal model, whose dominant series is used.
        target: prior.
        log_bayes_factor: ln of the evidence of one binary in all detectors over that of noise.
        settings: number of draws and limits.

    Returns:
        One finding; a note where the detectors agree. None for one detector.
    """
    if len(segment.detectors) < 2:
        return ()
    rng = np.random.default_rng(0)
    evidence = estimate_evidence(segment, proposal, best, signal, target, settings, rng)
    ratio = log_bayes_factor - combine_evidence(evidence.tolist(), settings.probability)
    level = grade_value(ratio, settings.log_bayes_factor)
    agree = "agree" if ratio > 0 else "hardly show whether they agree" if level is Level.NOTE else "do not agree"
    told = f"the detectors {agree} on one binary: ln B {ratio:+.1f} against a binary of its own in each"
    return (Finding("signal.coherence", level, told, value=ratio),)


def estimate_evidence(
    segment: Segment,
    proposal: Proposal,
    best: BestSignal,
    signal: SignalModel,
    target: Target,
    settings: CoherenceSettings,
    rng: np.random.Generator,
) -> Float64[np.ndarray, " detector"]:
    """ln of the evidence of a binary in each detector alone over that of noise.

    Args:
        segment: the data.
        proposal: draws of intrinsic parameters.
        best: the best signal.
        signal: signal model, whose dominant series is used.
        target: prior.
        settings: number of draws, arrival times, orientations.
        rng: source of randomness.
    """
    n = len(proposal.log_prob)
    rows = rng.choice(n, min(settings.draws, n), replace=False)
    theta = {name: proposal.theta[name][rows] for name in proposal.theta}
    reference = {
        name: np.concatenate([best.sample[name], values[: settings.band_draws]]) for name, values in theta.items()
    }
    sidereal = float(gmst(segment.reference_time))
    place = best.sample["ra"], best.sample["dec"]
    arrivals = np.array([best.merger + detector(one).time_delay(*place, sidereal)[0] for one in segment.detectors])
    heterodyne = Heterodyne.from_reference(
        segment, reference, arrivals, signal, DEFAULTS.heterodyne, reach=settings.reach
    )
    ratios = heterodyne.compute_ratios(theta)
    failed = find_failures(ratios)
    ratios[failed] = 1.0
    norm = np.sqrt(heterodyne.dominant_power(ratios))
    log_ratio = np.where(failed, -np.inf, target.intrinsic.log_prob(theta) - proposal.log_prob[rows])
    density = _tabulate_distances(target, settings, rng)
    offsets = np.arange(-settings.reach, settings.reach, settings.step)
    found = np.empty(len(arrivals))
    for index, arrival in enumerate(arrivals):
        z = np.abs(heterodyne.filter_dominant(ratios, arrival + offsets)[:, index]) / norm[:, index, None]
        value = _integrate_distance(z, norm[:, index], density)
        inside = min(2 * settings.reach / (2 * target.time), 1.0)
        top = value.max(axis=1)
        mean = top + np.log(np.exp(value - top[:, None]).mean(axis=1))
        found[index] = _log_mean(np.logaddexp(np.log(inside) + mean, np.log1p(-inside + 1e-12)) + log_ratio)
    return found


def _tabulate_distances(target: Target, settings: CoherenceSettings, rng: np.random.Generator) -> tuple[Array, Array]:
    """ln of distance over response, and ln of its density, for one detector and sources all over the sky."""
    n = settings.orientations
    log_distance = np.log(target.distance.sample(n, rng)) - np.log(draw_responses(("H1",), n, 0.0, rng)[:, 0])
    density, ends = np.histogram(log_distance, bins=80, density=True)
    return (ends[1:] + ends[:-1]) / 2, np.log(np.maximum(density, 1e-12))


def _integrate_distance(z: Float64[np.ndarray, "n time"], norm: Array, density: tuple[Array, Array]) -> Array:
    """ln int p(rho) I_0(rho z) exp(-rho^2 / 2) d rho, with p smooth over the width one of the integrand."""
    loud = np.maximum(z, 2.0)
    log_density = np.interp(np.log(norm[:, None] / loud), *density, left=-30.0, right=-30.0)
    return np.where(z < 2.0, 0.0, z**2 / 2 + log_density - 2 * np.log(loud))


def _log_mean(values: Array) -> float:
    """ln of the mean of exponentials."""
    top = values.max()
    return float(top + np.log(np.exp(values - top).mean())) if np.isfinite(top) else -np.inf
