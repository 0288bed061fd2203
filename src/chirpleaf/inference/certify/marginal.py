"""Marginal likelihood: the likelihood of masses and spins over everything else.

For intrinsic parameters i and extrinsic points j (arrival times tau_dj and responses R_dj of `extrinsics`),

    kappa_ij = sum_d conj(R_dj) <d|h_i>_d(tau_dj),        rho_ij^2 = sum_d |R_dj|^2 <h_i|h_i>_d,

phase and distance are integrated out of each pair (`distance`), and the mean over the points with their weights is the
marginal likelihood. <d|h_i>(tau) on the heterodyned frequencies is linear in what belongs to i and in what belongs to
j, so kappa is one matrix product for all pairs.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Complex128, Float64
from torch import Tensor

from chirpleaf.inference.certify.distance import DistanceIntegral
from chirpleaf.inference.certify.extrinsics import ExtrinsicProposal, Network, Points, light_travel
from chirpleaf.inference.certify.heterodyne import Heterodyne
from chirpleaf.inference.certify.histogram import Histogram
from chirpleaf.physics.detectors import DETECTORS, Detector, detector
from chirpleaf.result.weights import effective_sample_size, relative_weights

_CELL = 1 / 16384
"""Width of the cells of arrival times, seconds."""
_WINDOW = 0.01
"""Arrival times within this of the reference's, and of what light allows, are looked at, seconds."""
_DEFENSIVE = 0.2
"""Share of the table that is spread evenly: what the table misses must not weigh too much."""
_BROADER = 0.8
"""Power of the likelihood in the table of arrival times, for the same end; a twentieth is spread evenly."""
_CELLS = ((8, 32, 12, 12), (1, 64, 24, 24))
"""Cells of (quantile of tau_b, angle, cos(inclination), polarisation), where tau_b is ill known and where it is not."""
_CELLS_OF_THREE = ((8, 128, 8, 8), (1, 192, 16, 16))
"""The same with three detectors, which fix the angle."""
_LOUD = 7.0
"""Signal-to-noise of the second detector from which tau_b is well known."""
_ROUND = 8192
_ROUNDS = 12
_ENOUGH = 150
"""Points of a round that must count for the next power of the likelihood."""
_SETTLED = 0.5
"""Rounds' worth of points that must have counted at the full likelihood."""


class Pairs(NamedTuple):
    """Intrinsic parameters against extrinsic points.

    Attributes:
        points: the extrinsic points.
        response: R_d of the points, shape (m, detector).
        kappa: <d|h> of the network at 1 Mpc, complex, shape (n, m).
        rho: root of <h|h> at 1 Mpc, shape (n, m).
        log_weight: ln of likelihood times weight of the point, shape (n, m).
    """

    points: Points
    response: Complex128[np.ndarray, "m detector"]
    kappa: Tensor
    rho: Tensor
    log_weight: Tensor

    @property
    def log_likelihood(self) -> Tensor:
        """ln of the marginal likelihood ratio, float64, shape (n,)."""
        return self.log_weight.double().logsumexp(1) - np.log(self.log_weight.shape[1])

    @property
    def error(self) -> Tensor:
        """Its standard error if the points were independent, shape (n,)."""
        weight = (self.log_weight - self.log_weight.amax(1, keepdim=True).nan_to_num(neginf=0.0)).double().exp()
        return weight.std(1) / weight.mean(1) / weight.shape[1] ** 0.5


@dataclass(frozen=True, eq=False)
class MarginalLikelihood:
    """The likelihood of the intrinsic parameters of one event.

    Attributes:
        heterodyne: the data.
        distance: phase and distance integrated out.
        proposal: extrinsic points.
    """

    heterodyne: Heterodyne
    distance: DistanceIntegral
    proposal: ExtrinsicProposal

    @classmethod
    def adapted(
        cls,
        heterodyne: Heterodyne,
        distance: DistanceIntegral,
        network: Network,
        ratios: Complex128[np.ndarray, "n node"],
        time_prior: tuple[float, float],
        *,
        seed: int = 0,
    ) -> "MarginalLikelihood":
        """Makes the proposal of the extrinsic points.

        Args:
            heterodyne: the data.
            distance: phase and distance integrated out.
            network: the detectors.
            ratios: of a few dozen binaries that fit the data (`Heterodyne.ratios`).
            time_prior: see `ExtrinsicProposal`.
            seed: of the points.
        """
        marginal = cls(heterodyne, distance, _first_guess(heterodyne, network, ratios, time_prior))
        power, settled = 0.0, np.zeros(marginal.proposal.table.mass.shape)
        some = ratios[:8]
        size = _ROUND
        for turn in range(_ROUNDS):
            pairs = marginal.pairs(some, sobol(size, seed, turn))
            if not torch.isfinite(pairs.log_weight).any():
                break
            mean = (pairs.log_weight.double().logsumexp(0) - np.log(len(some))).numpy()
            # The table is what changes: what it is weighed by does not depend on it.
            target, spread = mean + pairs.points.log_table, pairs.points.log_table
            power = _next_power(target, spread, power, _ENOUGH / size)
            log_weight = power * target - spread
            mass = marginal.proposal.table.gathered(pairs.points.cube, relative_weights(log_weight))
            mass /= mass.sum()
            if power == 1.0:
                mass = settled = settled + mass * _efficiency(log_weight)
            marginal = replace(marginal, proposal=replace(marginal.proposal, table=_broadened(mass)))
            if settled.sum() > _SETTLED:
                break
            if size * _efficiency(log_weight) < 2 * _ENOUGH:
                size = 4 * _ROUND
        return marginal

    def pairs(self, ratios: Complex128[np.ndarray, "n node"], uniforms: Float64[np.ndarray, "m five"]) -> Pairs:
        """All pairs of binaries and points.

        Args:
            ratios: of the binaries (`Heterodyne.ratios`).
            uniforms: what the points are made of, in [0, 1).
        """
        return self.against(ratios, self.proposal.draw(uniforms))

    def against(self, ratios: Complex128[np.ndarray, "n node"], points: Points) -> Pairs:
        """All pairs of binaries (`Heterodyne.ratios`) and given points."""
        heterodyne = self.heterodyne
        response, arrivals = self.proposal.network.response(points)
        angle = 2 * np.pi * heterodyne.frequencies * (arrivals - heterodyne.arrivals)[..., None]
        turned = torch.polar(torch.ones(1), torch.from_numpy(angle).float().remainder(2 * torch.pi))
        there = turned * torch.from_numpy(response.conj()).to(torch.complex64)[..., None]
        here = torch.from_numpy(ratios.conj()[:, None] * heterodyne.filters).to(torch.complex64)
        kappa = here.flatten(1) @ there.flatten(1).T
        optimal = torch.from_numpy(heterodyne.optimal(ratios))
        rho = (optimal @ torch.from_numpy(np.abs(response) ** 2).T).clamp_min(1e-12).sqrt().float()
        log_weight = self.distance(kappa.abs(), rho) + torch.from_numpy(points.log_weight).float()
        return Pairs(points, response, kappa, rho, log_weight)


def sobol(n: int, seed: int, turn: int) -> Float64[np.ndarray, "n five"]:
    """Scrambled Sobol points of the five extrinsic dimensions, other ones for each turn."""
    generator = np.random.default_rng([seed, turn])
    engine = torch.quasirandom.SobolEngine(5, scramble=True, seed=int(generator.integers(2**31)))
    return engine.draw(n, dtype=torch.float64).clamp(1e-9, 1 - 1e-9).numpy()


def _first_guess(
    heterodyne: Heterodyne,
    network: Network,
    ratios: Complex128[np.ndarray, "n node"],
    time_prior: tuple[float, float],
) -> ExtrinsicProposal:
    """Arrival times as each detector alone has them, angles anyhow."""
    optimal = heterodyne.optimal(ratios)
    loudness = [
        np.mean(np.abs(heterodyne.matched(ratios, np.array([arrival]))[:, index, 0]) / np.sqrt(optimal[:, index]))
        for index, arrival in enumerate(heterodyne.arrivals)
    ]
    first, *others = np.argsort(loudness)[::-1]
    partner = network.detectors[others[0]] if others else _deaf(network.detectors[first])
    light = light_travel(network.detectors[first], partner)

    def chances(index: int, reach: float) -> tuple[float, Float64[np.ndarray, " cell"]]:
        """Start and chances of the cells within `reach` of the loudest detector's arrival."""
        n = round(reach / _CELL)
        start = heterodyne.arrivals[first] - n * _CELL
        matched = heterodyne.matched(ratios, start + (np.arange(2 * n) + 0.5) * _CELL)[:, index]
        log_likelihood = np.abs(matched) ** 2 / (2 * optimal[:, index, None])
        chance = np.exp(log_likelihood - log_likelihood.max()).mean(axis=0)
        live = np.flatnonzero(chance > 1e-6 * chance.max())
        return start + live[0] * _CELL, chance[live[0] : live[-1] + 1]

    start_a, chance_a = chances(first, _WINDOW)
    if others:
        start_b, chance_b = chances(others[0], light + _WINDOW)
    else:
        start_b, chance_b = start_a - light, np.ones(len(chance_a) + int(2 * light / _CELL) + 1)
    cells = _CELLS if len(network.detectors) < 3 else _CELLS_OF_THREE
    apart = start_b - start_a + _CELL * (np.arange(len(chance_b)) - np.arange(len(chance_a))[:, None])
    possible = np.abs(apart) < light + _CELL
    mass = np.outer(chance_a, chance_b) ** _BROADER * possible
    mass = 0.95 * mass / mass.sum() + 0.05 * possible / possible.sum()
    return ExtrinsicProposal(
        network,
        int(first),
        partner,
        Histogram.of(mass),
        Histogram.of(np.ones(cells[int(bool(others) and loudness[others[0]] > _LOUD)])),
        (float(start_a), float(start_b)),
        (len(chance_a) * _CELL, len(chance_b) * _CELL),
        time_prior,
    )


def _deaf(first: Detector) -> Detector:
    """Another place on the earth."""
    return detector(next(name for name in DETECTORS if name != first.name))


def _next_power(target: np.ndarray, spread: np.ndarray, power: float, enough: float) -> float:
    """The greatest power of the target, above the last one, at which enough points of a density `spread` count."""
    low, high = power, 1.0
    if _efficiency(high * target - spread) > enough:
        return high
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if _efficiency(middle * target - spread) > enough else (low, middle)
    # A step of at least a little, lest the rounds stand still.
    return min(1.0, max(low, power + 0.02))


def _efficiency(log_weight: np.ndarray) -> float:
    return effective_sample_size(relative_weights(log_weight)) / len(log_weight)


def _broadened(mass: Float64[np.ndarray, "a b c d"]) -> Histogram:
    """Each cell's mass shared with its neighbours (angle and polarisation close on themselves), a part with all."""
    for axis, wraps in enumerate((False, True, False, True)):
        mass = _smooth(mass, axis, wraps=wraps)
    return Histogram.of((1 - _DEFENSIVE) * mass / mass.sum() + _DEFENSIVE / mass.size)


def _smooth(mass: Float64[np.ndarray, "a b c d"], axis: int, *, wraps: bool) -> Float64[np.ndarray, "a b c d"]:
    """Convolution with (1, 4, 6, 4, 1) / 16 along an axis that is periodic, or continued by its last values."""
    margins = [(2, 2) if index == axis else (0, 0) for index in range(mass.ndim)]
    padded = np.pad(mass, margins, mode="wrap" if wraps else "edge")
    far, near, middle, right, rightmost = (
        np.take(padded, np.arange(shift, shift + mass.shape[axis]), axis) for shift in range(5)
    )
    return (6 * middle + (far + rightmost) + 4 * (near + right)) / 16
