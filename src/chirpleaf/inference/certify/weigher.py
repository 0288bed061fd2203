"""Weigher: computes the target density of draws, and draws an extrinsic point for each."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray

from chirpleaf.inference.certify.adaptation import adapt_marginal_likelihood
from chirpleaf.inference.certify.draws import EvaluatedDraws
from chirpleaf.inference.certify.extrinsics import DetectorNetwork, Places
from chirpleaf.inference.certify.heterodyne import Heterodyne, find_failures
from chirpleaf.inference.certify.likelihood_settings import ExtrinsicSettings, HeterodyneSettings, RoundSettings
from chirpleaf.inference.certify.marginal import MarginalLikelihood, Pairs, combine_overlaps, draw_sobol_points
from chirpleaf.inference.certify.phase import make_integral
from chirpleaf.inference.certify.proposals import NetworkProposal
from chirpleaf.inference.certify.reference_signal import find_arrivals, find_computable
from chirpleaf.inference.certify.settings import CertifySettings
from chirpleaf.inference.certify.target import Target
from chirpleaf.inference.observation import Observation
from chirpleaf.physics.derived import Samples, viewing_angle
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.physics.signals import SignalModel, make_likelihood_model
from chirpleaf.physics.spaces import ParameterSpace
from chirpleaf.physics.spin_angles import to_spin_angles
from chirpleaf.strain.segment import Segment
from chirpleaf.system.threads import map_in_threads

Array = NDArray[np.float64]

_TRIAL_STREAM, _FIRST_STREAM = 99, 1000
"""Numbers of the Sobol sequences for the choice of the number of points, and for the first round of draws."""


@dataclass(frozen=True, eq=False)
class Weigher:
    """Target density of draws: marginal likelihood times prior.

    Attributes:
        space: the intrinsic parameters.
        segment: the data.
        trigger_time: GPS time that the prior of the arrival is centred on, seconds.
        target: prior and waveform model.
        marginal: likelihood of the intrinsic parameters.
        points: number of extrinsic points in a round.
        settings: settings of certification.
        seed: seed of the extrinsic points.
    """

    space: ParameterSpace
    segment: Segment
    trigger_time: float
    target: Target
    marginal: MarginalLikelihood
    points: int
    settings: CertifySettings
    seed: int

    @property
    def signal(self) -> SignalModel:
        """The signal model."""
        return self.marginal.heterodyne.signal

    @classmethod
    def prepare(
        cls,
        observation: Observation,
        segment: Segment,
        trigger_time: float,
        target: Target,
        theta: Samples,
        settings: CertifySettings,
        seed: int,
    ) -> "Weigher":
        """Heterodynes the data about the most likely draw, and adapts the extrinsic points to the draws.

        Args:
            observation: the data in the form that the network takes.
            segment: the data of the likelihood, about the same reference time.
            trigger_time: GPS time that the prior of the arrival is centred on, seconds.
            target: prior and waveform model.
            theta: draws of the network, each of shape (n,).
            settings: settings of certification.
            seed: seed of the extrinsic points.
        """
        signal = make_likelihood_model(target.waveform, observation.model.architecture.signal)
        network = NetworkProposal(observation)
        likely = np.argsort(network.space.prior.log_prob(theta) - network.log_prob(theta), kind="stable")
        return cls.about(likely, segment, trigger_time, target, theta, signal, network.space, settings, seed)

    @classmethod
    def about(
        cls,
        likely: NDArray[np.int64],
        segment: Segment,
        trigger_time: float,
        target: Target,
        theta: Samples,
        signal: SignalModel,
        space: ParameterSpace,
        settings: CertifySettings,
        seed: int,
    ) -> "Weigher":
        """Heterodynes the data about the first draw of an order, and adapts the extrinsic points to the draws.

        Args:
            likely: indices of the draws, the most likely one first.
            segment: the data.
            trigger_time: as for `prepare`.
            target: prior and waveform model.
            theta: draws from any proposal, each of shape (n,).
            signal: signal model.
            space: the intrinsic parameters.
            settings: settings of certification.
            seed: seed of the extrinsic points.
        """
        best = find_computable(signal, theta, likely[: settings.heterodyne.reference_trials], segment.frequencies)
        rows = [best, *range(min(settings.heterodyne.band_draws, len(likely)))]
        reference = {name: values[rows] for name, values in theta.items()}
        detectors = tuple(detector(name) for name in segment.detectors)
        arrivals, reach, snr = find_arrivals(segment, reference, signal, detectors, settings.heterodyne)
        heterodyne = Heterodyne.from_reference(segment, reference, arrivals, signal, settings.heterodyne, reach=reach)
        typical = {name: values[: settings.extrinsic.typical_draws] for name, values in theta.items()}
        ratios = heterodyne.compute_ratios(typical)
        ratios = ratios[~find_failures(ratios)]
        if not len(ratios):  # the best draw can be computed
            ratios = heterodyne.compute_ratios({name: values[[best]] for name, values in theta.items()})
        ratios, _ = heterodyne.align(ratios)
        largest_snr = settings.distance.snr_factor * snr + settings.distance.snr_margin
        offset = trigger_time - segment.reference_time
        marginal = adapt_marginal_likelihood(
            heterodyne,
            make_integral(signal.harmonics, target.distance, largest_snr, settings.distance, settings.phase),
            DetectorNetwork(detectors, float(gmst(segment.reference_time))),
            ratios,
            (offset - target.time, offset + target.time),
            settings.table,
            fixed={**target.fixed, **({"theta_jn": 0.0} if space.has_inclination else {})},
            seed=seed,
        )
        pairs = marginal.pair(ratios, draw_sobol_points(settings.extrinsic.trial_points, seed, _TRIAL_STREAM))
        points = _choose_number_of_points(pairs, signal, settings.extrinsic)
        return cls(space, segment, trigger_time, target, marginal, points, settings, seed)

    def about_draws(self, likely: NDArray[np.int64], theta: Samples, nodes: HeterodyneSettings) -> "Weigher":
        """The same target density, by a likelihood that is made about other draws.

        Args:
            likely: indices of the draws, the most likely one first.
            theta: draws from the posterior, each of shape (n,).
            nodes: settings of the nodes.
        """
        settings = replace(self.settings, heterodyne=nodes)
        return self.about(
            likely, self.segment, self.trigger_time, self.target, theta, self.signal, self.space, settings, self.seed
        )

    def weigh(self, theta: Samples, log_prob: Array, offset: int) -> EvaluatedDraws:
        """Computes the target density of draws, and draws an extrinsic point for each.

        Args:
            theta: intrinsic parameters, each of shape (n,).
            log_prob: ln of the density that they were drawn from, shape (n,).
            offset: number of draws before these, so that every round has other points.
        """
        settings = self.settings.extrinsic
        step = _choose_rounds(self.signal, settings).draws

        def weigh_round(first: int) -> EvaluatedDraws:
            rows = {name: values[first : first + step] for name, values in theta.items()}
            return self._weigh_round(rows, log_prob[first : first + step], offset + first + _FIRST_STREAM)

        # Rounds have random numbers of their own, so the result does not depend on the threads.
        rounds = map_in_threads(weigh_round, range(0, len(log_prob), step), settings.threads)
        return EvaluatedDraws.concatenate(rounds)

    def log_likelihood(self, samples: Samples, nodes: HeterodyneSettings) -> Array:
        """ln of the likelihood ratio of full samples by the heterodyned data on some nodes, nats.

        Args:
            samples: parameters of the space and the extrinsic ones, each of shape (n,).
            nodes: settings of the nodes.
        """
        heterodyne = self.marginal.heterodyne.on_nodes(self.segment, nodes)
        ratios = heterodyne.compute_ratios({name: samples[name] for name in self.space.names})
        time = samples["geocent_time"] - self.segment.reference_time
        places = Places(**{name: samples[name] for name in ("ra", "dec", "theta_jn", "psi")}, time=time)
        overlaps, _ = combine_overlaps(heterodyne, ratios, *self.marginal.proposal.network.respond(places, self.signal))
        own = np.arange(len(time))
        return overlaps.select(own, own).log_likelihood(samples["phase"], samples["luminosity_distance"])

    def _weigh_round(self, theta: Samples, log_prob: Array, stream: int) -> EvaluatedDraws:
        """Computes the target density of draws that share extrinsic points."""
        heterodyne = self.marginal.heterodyne
        ratios = heterodyne.compute_ratios(theta)
        failed = find_failures(ratios)
        ratios[failed] = 1.0  # the reference, whose likelihood is then set to zero
        ratios, delay = heterodyne.align(ratios)
        pairs = self.marginal.pair(ratios, draw_sobol_points(self.points, self.seed, stream))
        prior = np.where(failed, -np.inf, self.target.intrinsic.log_prob(theta))
        rng = np.random.default_rng([self.seed, stream])
        samples = {**theta, **self._sample_extrinsics(pairs, rng)}
        if self.space.has_inclination:
            samples |= to_spin_angles(theta, self.target.waveform.reference_frequency)
            samples["viewing_angle"] = viewing_angle(samples["theta_jn"])
        samples["geocent_time"] += self.segment.reference_time + delay
        shares = pairs.log_weight.double() + torch.from_numpy(prior - log_prob)[:, None]
        sky_weight = shares.logsumexp(0).numpy() - np.log(self.points)
        directions = np.stack([pairs.points.ra, pairs.points.dec, sky_weight], axis=1)
        log_target, rounds = pairs.log_likelihood.numpy() + prior, np.full(len(log_prob), stream)
        return EvaluatedDraws(samples, log_target, pairs.error.numpy(), directions, failed, rounds)

    def _sample_extrinsics(self, pairs: Pairs, rng: np.random.Generator) -> Samples:
        """Draws a point for each binary by its weight, then distance and phase."""
        top = pairs.log_weight.amax(1, keepdim=True).nan_to_num(neginf=0.0)
        cumulative = (pairs.log_weight - top).exp().double().cumsum(1)
        level = torch.from_numpy(rng.random(len(cumulative))) * cumulative[:, -1]
        found = torch.searchsorted(cumulative, level[:, None], right=True)[:, 0]
        place = found.clamp(max=cumulative.shape[1] - 1).numpy()
        overlaps = pairs.overlaps.select(np.arange(len(place)), place)
        distance, phase = self.marginal.integral.sample(overlaps, rng)
        matched, rho = overlaps.at_phase(phase)
        snr = self._detector_snr(pairs, place, phase) / distance[:, None]
        return {
            **{name: getattr(pairs.points, name)[place] for name in ("ra", "dec", "theta_jn", "psi")},
            "phase": phase,
            "luminosity_distance": distance,
            "geocent_time": pairs.points.time[place],
            "log_likelihood": matched / distance - rho**2 / (2 * distance**2),
            "network_optimal_snr": rho / distance,
            **{f"{name}_optimal_snr": snr[:, index] for index, name in enumerate(self.segment.detectors)},
        }

    def _detector_snr(self, pairs: Pairs, place: NDArray[np.int64], phase: Array) -> Float64[np.ndarray, "n detector"]:
        """Optimal signal-to-noise in each detector at 1 Mpc, for one point and phase of each binary."""
        harmonics = np.array(self.signal.harmonics)
        response = pairs.response[place] * np.exp(1j * harmonics * phase[:, None])[:, None]
        power = np.einsum("nds,ndsu,ndu->nd", response, pairs.power, response.conj()).real
        return np.sqrt(np.maximum(power, 0.0))


def _choose_rounds(signal: SignalModel, settings: ExtrinsicSettings) -> RoundSettings:
    return settings.harmonics if len(set(signal.harmonics)) > 1 else settings.one_harmonic


def _choose_number_of_points(pairs: Pairs, signal: SignalModel, settings: ExtrinsicSettings) -> int:
    """The number of points in a round whose error of ln L is the one aimed at.

    Args:
        pairs: typical binaries, paired with the points of a trial.
        signal: signal model.
        settings: the error aimed at, and bounds of the number.
    """
    error, rounds = pairs.error, _choose_rounds(signal, settings)
    if rounds is settings.harmonics:  # points fit draws far from the posterior badly, which have no weight
        error = error[pairs.log_likelihood >= pairs.log_likelihood.median()]
    wanted = pairs.log_weight.shape[1] * np.nan_to_num(float(error.median()) / rounds.error) ** 2
    return int(np.clip(wanted, rounds.fewest_points, settings.most_points))
