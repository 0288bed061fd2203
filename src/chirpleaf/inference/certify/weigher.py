"""Weigher: what gives draws of an event their likelihood and their place on the sky."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from chirpleaf.inference.certify.distance import DistanceIntegral
from chirpleaf.inference.certify.extrinsics import Network, light_travel
from chirpleaf.inference.certify.heterodyne import Heterodyne
from chirpleaf.inference.certify.marginal import MarginalLikelihood, Pairs, sobol
from chirpleaf.inference.certify.proposals import NetworkProposal
from chirpleaf.inference.certify.target import Target
from chirpleaf.inference.matched_filter import matched_filter
from chirpleaf.inference.observation import Observation
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.detectors import Detector, detector, gmst
from chirpleaf.physics.signals.quadrupole import face_on
from chirpleaf.strain.segment import Segment

Array = NDArray[np.float64]

_ROUND = 256
"""Draws weighed with the same extrinsic points."""
_POINTS = (1024, 16_384)
"""Fewest and most extrinsic points of a round."""
_MARGINAL_ERROR = 0.04
"""Standard error of ln L, in the median, that the number of points is chosen for."""
_SEARCH = 0.04
"""Half width of the searched arrival times about the reference time, seconds."""
_LIKE = 24
"""Draws whose signals the heterodyne's nodes hold."""
_LOUD = 6.0
"""Signal-to-noise above which a detector's own arrival time can be relied on."""


class Batch(NamedTuple):
    """Draws with one extrinsic point each, and what all points say of the sky.

    Attributes:
        samples: intrinsic and extrinsic parameters, each of shape (n,).
        log_target: ln of marginal likelihood times prior, shape (n,).
        error: standard error of the former, shape (n,).
        votes: right ascension, declination and ln of the weight of every point over all draws, shape (m, 3).
    """

    samples: Samples
    log_target: Array
    error: Array
    votes: Array

    @classmethod
    def joined(cls, batches: list["Batch"]) -> "Batch":
        """All of them in one."""
        samples = {name: np.concatenate([batch.samples[name] for batch in batches]) for name in batches[0].samples}
        rest = (np.concatenate(parts) for parts in zip(*(batch[1:] for batch in batches), strict=True))
        return cls(samples, *rest)


@dataclass(frozen=True, eq=False)
class Weigher:
    """What draws are weighed with."""

    segment: Segment
    target: Target
    marginal: MarginalLikelihood
    points: int
    seed: int

    @classmethod
    def ready(
        cls,
        observation: Observation,
        segment: Segment,
        trigger_time: float,
        target: Target,
        theta: Samples,
        dephasing: float,
        seed: int,
    ) -> "Weigher":
        """The heterodyned data about the most likely draw, and extrinsic points for draws like these."""
        prior = observation.model.architecture.prior.log_prob(theta)
        best = int(np.argmax(NetworkProposal(observation).log_prob(theta) - prior))
        reference = {name: values[[best, *range(min(_LIKE, len(prior)))]] for name, values in theta.items()}
        likely = {name: values[:1] for name, values in reference.items()}
        wave = face_on(likely, segment.frequencies, target.approximant)[0]
        detectors = tuple(detector(name) for name in segment.detectors)
        arrivals, reach, snr = _arrivals(segment, wave, detectors)
        heterodyne = Heterodyne.about(
            segment, reference, arrivals, target.approximant, dephasing=dephasing, reach=reach
        )
        some = {name: values[:32] for name, values in theta.items()}
        ratios, _ = heterodyne.aligned(heterodyne.ratios(some))
        offset = trigger_time - segment.reference_time
        marginal = MarginalLikelihood.adapted(
            heterodyne,
            DistanceIntegral.of(target.distance, 1.15 * snr + 4),
            Network(detectors, float(gmst(segment.reference_time))),
            ratios,
            (offset - target.time, offset + target.time),
            seed=seed,
        )
        low, high = _POINTS
        error = float(marginal.pairs(ratios, sobol(low, seed, 99)).error.median())
        points = int(np.clip(low * np.nan_to_num(error / _MARGINAL_ERROR) ** 2, low, high))
        return cls(segment, target, marginal, points, seed)

    def weigh(self, theta: Samples, log_prob: Array, turn: int) -> Batch:
        """Weighs draws of a density and gives each an extrinsic point; `turn` sets the points apart."""
        pieces = []
        for first in range(0, len(log_prob), _ROUND):
            rows = {name: values[first : first + _ROUND] for name, values in theta.items()}
            pieces.append(self._round(rows, log_prob[first : first + _ROUND], turn + first + 1000))
        return Batch.joined(pieces)

    def _round(self, theta: Samples, log_prob: Array, turn: int) -> Batch:
        heterodyne = self.marginal.heterodyne
        ratios, delay = heterodyne.aligned(heterodyne.ratios(theta))
        pairs = self.marginal.pairs(ratios, sobol(self.points, self.seed, turn))
        prior = self.target.intrinsic.log_prob(theta)
        rng = np.random.default_rng([self.seed, turn])
        samples = {**theta, **self._extrinsics(pairs, heterodyne.optimal(ratios), rng)}
        samples["geocent_time"] += self.segment.reference_time + delay
        shares = pairs.log_weight.double() + torch.from_numpy(prior - log_prob)[:, None]
        votes = shares.logsumexp(0).numpy() - np.log(self.points)
        points = np.stack([pairs.points.ra, pairs.points.dec, votes], axis=1)
        return Batch(samples, pairs.log_likelihood.numpy() + prior, pairs.error.numpy(), points)

    def _extrinsics(self, pairs: Pairs, optimal: Array, rng: np.random.Generator) -> Samples:
        """For each binary a point by its weight, then distance and phase; the time is that of the moved waveform."""
        top = pairs.log_weight.amax(1, keepdim=True).nan_to_num(neginf=0.0)
        chance = (pairs.log_weight - top).exp().double().cumsum(1).numpy()
        level = rng.random(len(chance)) * chance[:, -1]
        place = (chance <= level[:, None]).sum(axis=1).clip(0, chance.shape[1] - 1)
        rows = np.arange(len(place))
        kappa, rho = pairs.kappa[rows, place].numpy().astype(complex), pairs.rho[rows, place].numpy().astype(float)
        distance, phase = self.marginal.distance.draw(kappa, rho, rng)
        points = pairs.points
        snr = np.sqrt(optimal * np.abs(pairs.response[place]) ** 2) / distance[:, None]
        return {
            **{name: getattr(points, name)[place] for name in ("ra", "dec", "theta_jn", "psi")},
            "phase": phase,
            "luminosity_distance": distance,
            "geocent_time": points.time[place],
            "log_likelihood": (kappa * np.exp(-2j * phase)).real / distance - rho**2 / (2 * distance**2),
            "network_optimal_snr": rho / distance,
            **{f"{name}_optimal_snr": snr[:, index] for index, name in enumerate(self.segment.detectors)},
        }


def _arrivals(
    segment: Segment, wave: NDArray[np.complex128], detectors: tuple[Detector, ...]
) -> tuple[Array, float, float]:
    """When a waveform arrives at each detector (s), how far off that may be (s), and the network's signal-to-noise.

    The loudest detector is searched about the reference time, the others within the light travel time from it.
    """
    filtered = matched_filter(segment, wave, _SEARCH)
    times, height = filtered.times, filtered.snr
    loudest, first = filtered.peak
    arrivals, snr = np.full(len(detectors), first), np.zeros(len(detectors))
    reach = 0.002
    for index, one in enumerate(detectors):
        light = light_travel(one, detectors[loudest])
        allowed = np.where(np.abs(times - first) <= light + 0.001, height[index], 0.0)
        arrivals[index], snr[index] = times[allowed.argmax()], allowed.max()
        if snr[index] < _LOUD:
            arrivals[index], reach = first, max(reach, light + 0.001)
    return arrivals, reach, float(np.sqrt(np.sum(snr**2)))
