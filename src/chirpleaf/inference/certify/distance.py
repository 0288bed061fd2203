"""Distance and phase integrated out (arXiv:1809.02293).

A (2, 2) signal of phase phi at distance D has, with kappa = <d|h> and rho^2 = <h|h> at 1 Mpc,

    ln L = Re(kappa exp(-2 i phi)) / D - rho^2 / (2 D^2),

so the phase leaves ln I0(|kappa| / D). The integral over the distance's prior p(D) depends on two numbers, the
signal-to-noise s = |kappa| / rho that the source would have at its best distance, and that distance rho^2 / |kappa|:

    ln int p(D) I0(|kappa| / D) exp(-rho^2 / (2 D^2)) dD = s^2 / 2 + g(s, ln(rho^2 / |kappa|)),

with g smooth, tabulated once and interpolated.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chirpleaf.physics.distributions import BoundedDistribution

_NODES = 64
"""Distances in the integral, about the best one."""
_STEP_ROOT = 0.05
"""Step of the root of s: g bends most where s is small."""
_STEPS_LOG = (0.008, 0.04)
"""Finest and coarsest step of ln(best distance): half of 1 / s, within which the prior's edges are felt."""
_DEPTH = 1e-4
"""Where a prior goes down to distance zero, the integral ends at this part of its maximum."""
_IMPOSSIBLE = -1e8
"""ln of what cannot be, in nats: finite, so that it can be interpolated."""


@dataclass(frozen=True, eq=False)
class DistanceIntegral:
    """Table of g.

    Attributes:
        prior: of the distance, Mpc.
        table: g, shape (S, D).
        lowest: least ln(best distance / Mpc) of the table.
        step: of ln(best distance).
    """

    prior: BoundedDistribution
    table: Tensor
    lowest: float
    step: float

    @classmethod
    def of(cls, prior: BoundedDistribution, largest_snr: float) -> "DistanceIntegral":
        """Makes the table.

        Args:
            prior: of the distance, bounded, Mpc.
            largest_snr: greatest s that will be asked for.
        """
        snr = np.arange(0.0, np.sqrt(largest_snr) + 2 * _STEP_ROOT, _STEP_ROOT) ** 2
        snr[0] = 1e-3
        low, high = np.log(_nearest(prior)) - np.log(10), np.log(prior.maximum) + np.log(100)
        step = float(np.clip(0.5 / largest_snr, *_STEPS_LOG))
        best = np.arange(low, high + step, step)
        quadrature = np.polynomial.legendre.leggauss(_NODES)
        rows = [_integral(s, best, prior, quadrature) for s in snr]
        return cls(prior, torch.from_numpy(np.stack(rows)).float(), float(low), step)

    def __call__(self, kappa: Tensor, rho: Tensor) -> Tensor:
        """ln of the marginal likelihood ratio.

        Args:
            kappa: |<d|h>| at 1 Mpc, any shape.
            rho: root of <h|h> at 1 Mpc, broadcastable.

        Returns:
            Nats, of the broadcast shape.
        """
        snr = kappa / rho
        row = (snr.sqrt() / _STEP_ROOT).clamp(0, self.table.shape[0] - 1.001)
        column = (((rho / snr.clamp_min(1e-6)).log() - self.lowest) / self.step).clamp(0, self.table.shape[1] - 1.001)
        i, j = row.long(), column.long()
        u, v = row - i, column - j
        flat, width = self.table.flatten(), self.table.shape[1]
        at = i * width + j
        low = torch.lerp(flat[at], flat[at + 1], v)
        high = torch.lerp(flat[at + width], flat[at + width + 1], v)
        return 0.5 * snr.square() + torch.lerp(low, high, u)

    def draw(
        self, kappa: NDArray[np.complex128], rho: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Distance and phase given the rest.

        Args:
            kappa: <d|h> at 1 Mpc and phase zero, shape (n,).
            rho: root of <h|h> at 1 Mpc, shape (n,).
            rng: source of randomness.

        Returns:
            Distances (Mpc) and phases (rad, in [0, 2 pi)), both of shape (n,).
        """
        size = np.abs(kappa)
        snr = np.maximum(size / rho, 1e-3)
        best = np.log(rho / snr)
        log_x, log_density = _integrand(snr, best, self.prior, np.linspace(-1, 1, 3 * _NODES + 1))
        density = np.exp(log_density - log_density.max(axis=0).clip(_IMPOSSIBLE))
        cells = (density[1:] + density[:-1]) / 2
        below = np.concatenate([np.zeros((1, len(snr))), cells.cumsum(axis=0)])
        level = rng.random(len(snr)) * below[-1]
        cell = ((below[1:] <= level).sum(axis=0)).clip(0, len(cells) - 1)
        columns = np.arange(len(snr))
        within = (level - below[cell, columns]) / np.maximum(cells[cell, columns], 1e-300)
        step = log_x[1] - log_x[0]
        distance = np.exp(best - log_x[cell, columns] - step * within.clip(0, 1))
        turn = rng.vonmises(0.0, np.minimum(size / distance, 1e6))
        phase = (np.angle(kappa) + turn) / 2 + np.pi * rng.integers(0, 2, len(snr))
        return distance.clip(self.prior.minimum, self.prior.maximum), np.mod(phase, 2 * np.pi)


def _nearest(prior: BoundedDistribution) -> float:
    """Where the integral begins, Mpc."""
    return max(prior.minimum, _DEPTH * prior.maximum)


def _integral(
    snr: float,
    best: NDArray[np.float64],
    prior: BoundedDistribution,
    quadrature: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """g at one signal-to-noise and distances exp(best), shape of `best`; `quadrature` has nodes and weights."""
    nodes, weights = quadrature
    log_x, values = _integrand(np.full_like(best, snr), best, prior, nodes)
    half = (log_x[-1] - log_x[0]) / (nodes[-1] - nodes[0])
    peak = values.max(axis=0).clip(_IMPOSSIBLE)
    with np.errstate(divide="ignore"):
        integral = peak + np.log((weights[:, None] * half * np.exp(values - peak)).sum(axis=0))
    return np.asarray(integral.clip(_IMPOSSIBLE))


def _integrand(
    snr: NDArray[np.float64], best: NDArray[np.float64], prior: BoundedDistribution, nodes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ln x and ln of the integrand over ln x but for s^2 / 2, with x = best distance / D, both (node, n).

    The integrand is p(D) D I0(s^2 x) exp(-s^2 x^2 / 2), of width 1 / s about one; `nodes` in [-1, 1] span it.
    """
    nearest, farthest = np.exp(best) / prior.maximum, np.exp(best) / _nearest(prior)
    # From the likeliest x that the prior allows to where the likelihood has fallen by another exp(-30).
    reach = np.sqrt((1 - np.clip(1, nearest, farthest)) ** 2 + 60 / snr**2)
    low, high = (np.clip(1 + side * reach, nearest, farthest) for side in (-1, 1))
    log_x = np.log(low) + np.log(high / low) / 2 * (nodes[:, None] + 1)
    x = np.exp(log_x)
    distance = (np.exp(best) / x).clip(prior.minimum, prior.maximum)
    value = (
        prior.log_prob(distance)
        + np.log(distance)
        + np.log(torch.special.i0e(torch.from_numpy(snr**2 * x)).numpy())
        - 0.5 * snr**2 * (x - 1) ** 2
    )
    return log_x, value
