"""Marginal likelihood: the likelihood of the intrinsic parameters, with all others integrated out.

For binaries i and extrinsic points j with arrival times tau_dj and responses R_dsj (`extrinsics`), the overlaps are

    kappa_mij = sum_d sum_(s: m_s = m) conj(R_dsj) <d|h_si>_d(tau_dj),
    X_kij     = sum_d sum_(s, u: m_s - m_u = k) R_dsj conj(R_duj) <h_si|h_ui>_d,        P = X_0

(`matching`, `overlaps`). Phase and distance are integrated out of each pair (`phase`), and the mean over the points
with their weights is the marginal likelihood.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Complex128, Float32, Float64
from torch import Tensor

from chirpleaf.inference.certify.extrinsics import ExtrinsicProposal, Points
from chirpleaf.inference.certify.heterodyne import Heterodyne, Ratios
from chirpleaf.inference.certify.matching import Arrivals, Responses, match_points
from chirpleaf.inference.certify.overlaps import Overlaps, find_differences
from chirpleaf.inference.certify.phase import PhaseDistanceIntegral

Powers = Complex128[np.ndarray, "n detector series series"]


class Pairs(NamedTuple):
    """All pairs of binaries and extrinsic points.

    Attributes:
        points: the extrinsic points.
        response: responses R_ds of the points, shape (m, detector, S).
        power: <h_s|h_u> of the binaries in each detector, shape (n, detector, S, S).
        overlaps: overlaps of shape (n, m).
        log_weight: ln of the likelihood, integrated over phase and distance, times the weight of the point, shape
            (n, m).
    """

    points: Points
    response: Responses
    power: Powers
    overlaps: Overlaps
    log_weight: Float32[Tensor, "n m"]

    @property
    def log_likelihood(self) -> Float64[Tensor, " n"]:
        """ln of the marginal likelihood ratio, shape (n,)."""
        return self.log_weight.double().logsumexp(1) - np.log(self.log_weight.shape[1])

    @property
    def error(self) -> Float64[Tensor, " n"]:
        """Standard error of `log_likelihood`, as if the points were independent, shape (n,)."""
        weight = (self.log_weight - self.log_weight.amax(1, keepdim=True).nan_to_num(neginf=0.0)).exp()
        variance = weight.square().mean(1) / weight.mean(1).square() - 1
        return (variance.double().clamp_min(0.0) / (weight.shape[1] - 1)).sqrt()


@dataclass(frozen=True, eq=False)
class MarginalLikelihood:
    """The likelihood of the intrinsic parameters of one event.

    Attributes:
        heterodyne: sums over the data.
        integral: integral over phase and distance.
        proposal: density of the extrinsic points.
    """

    heterodyne: Heterodyne
    integral: PhaseDistanceIntegral
    proposal: ExtrinsicProposal

    def pair(self, ratios: Ratios, uniforms: Float64[np.ndarray, "m 5"]) -> Pairs:
        """Pairs binaries with points drawn from the proposal.

        Args:
            ratios: ratios of the binaries (`Heterodyne.compute_ratios`), shape (n, S, E).
            uniforms: in [0, 1), shape (m, 5); they are mapped to the points.
        """
        return self.pair_with(ratios, self.proposal.transform(uniforms))

    def pair_with(self, ratios: Ratios, points: Points) -> Pairs:
        """Pairs binaries with given points.

        Args:
            ratios: ratios of the binaries (`Heterodyne.compute_ratios`), shape (n, S, E).
            points: m points.
        """
        response, arrivals = self.proposal.network.respond(points.places, self.heterodyne.signal)
        overlaps, power = combine_overlaps(self.heterodyne, ratios, response, arrivals)
        log_weight = self.integral(overlaps) + torch.from_numpy(points.log_weight).float()
        return Pairs(points, response, power, overlaps, log_weight)


def combine_overlaps(
    heterodyne: Heterodyne, ratios: Ratios, response: Responses, arrivals: Arrivals
) -> tuple[Overlaps, Powers]:
    """Overlaps of all pairs of binaries and extrinsic points.

    Args:
        heterodyne: sums over the data.
        ratios: ratios of the binaries (`Heterodyne.compute_ratios`), shape (n, S, E).
        response: responses of the points, shape (m, detector, S).
        arrivals: arrival times of the points, shape (m, detector), seconds after the reference time.

    Returns:
        Overlaps of shape (n, m), and <h_s|h_u> of the binaries in each detector, shape (n, detector, S, S).
    """
    own, power = heterodyne.signal.harmonics, heterodyne.compute_power(ratios)
    harmonics = tuple(sorted(set(own)))
    differences = find_differences(harmonics)
    kappa = match_points(heterodyne, ratios, response, arrivals)
    cross = [_combine_powers(own, k, power, response).to(torch.complex64) for k in differences]
    overlaps = Overlaps(
        harmonics,
        differences,
        kappa,
        _combine_powers(own, 0, power, response),
        torch.stack(cross) if cross else torch.zeros((0, *kappa.shape[1:]), dtype=torch.complex64),
    )
    return overlaps, power


def _combine_powers(harmonics: tuple[int, ...], difference: int, power: Powers, response: Responses) -> Tensor:
    """Sum over the detectors and the pairs of series whose harmonics differ by a number, shape (n, m).

    Complex; real for the difference zero, whose pairs come with their conjugates.
    """
    pairs = [(s, u) for s, m in enumerate(harmonics) for u, other in enumerate(harmonics) if m - other == difference]
    first, second = (list(column) for column in zip(*pairs, strict=True))
    of_binary = power[:, :, first, second].reshape(len(power), -1)
    of_point = (response[:, :, first] * response[:, :, second].conj()).reshape(len(response), -1)
    if difference:
        return torch.from_numpy(of_binary) @ torch.from_numpy(of_point).T
    found = torch.from_numpy(of_binary.real.copy()) @ torch.from_numpy(of_point.real.copy()).T
    if first == second:
        return found
    return found - torch.from_numpy(of_binary.imag.copy()) @ torch.from_numpy(of_point.imag.copy()).T


def draw_sobol_points(n: int, seed: int, stream: int) -> Float64[np.ndarray, "n 5"]:
    """Scrambled Sobol points for the five extrinsic dimensions.

    Args:
        n: number of points.
        seed: seed of the scrambling.
        stream: number of the sequence; each gives other points.
    """
    generator = np.random.default_rng([seed, stream])
    engine = torch.quasirandom.SobolEngine(5, scramble=True, seed=int(generator.integers(2**31)))
    return engine.draw(n, dtype=torch.float64).clamp(1e-9, 1 - 1e-9).numpy()
