"""The integral over distance, as a table of two numbers.

With x = Re <d|h> at 1 Mpc and one phase, rho^2 = <h|h> at 1 Mpc and s = x / rho, a source at distance D has

    ln L = x / D - rho^2 / (2 D^2) = s^2 / 2 - (rho / D - s)^2 / 2,

and the integral over the distance's prior p(D) depends on s and rho alone. It is tabulated once for the prior and
interpolated. With u = D* / D for a distance D* = rho / b that is typical of (s, rho), and c = s / b,

    ln int p(D) L dD = s^2 / 2 + ln int p(D) D k(u) exp(-b^2 (u - c)^2 / 2) d ln u,

where k is a factor of the phase: one here, the Bessel function where the phase is integrated out as well (`phase`,
arXiv:1809.02293). The tables are over a function of s and ln D*: their columns then follow the edges of the prior.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float32, Float64
from numpy.typing import NDArray
from torch import Tensor

from chirpleaf.inference.certify.likelihood_settings import DistanceSettings
from chirpleaf.physics.distributions import BoundedDistribution
from chirpleaf.system.threads import map_in_threads

Array = NDArray[np.float64]
LogFactor = Callable[[Float64[np.ndarray, "node n"], Float64[np.ndarray, " n"]], Array]
"""ln k as a function of u and b."""

IMPOSSIBLE = -1e8
"""ln of an impossible likelihood, nats: finite, so that it can be interpolated."""
_MOST_CONCENTRATED = 1e-300


@dataclass(frozen=True, eq=False)
class DistanceIntegrand:
    """The integrand over ln u.

    Attributes:
        prior: prior of the distance, bounded, Mpc.
        settings: settings of the quadrature.
        log_factor: ln k; zero if None.
    """

    prior: BoundedDistribution
    settings: DistanceSettings
    log_factor: LogFactor | None = None

    @property
    def nearest(self) -> float:
        """Distance at which the integral begins, Mpc."""
        return max(self.prior.minimum, self.settings.nearest * self.prior.maximum)

    def column_step(self, largest_snr: float) -> float:
        """Step of ln(D*) of a table up to a signal-to-noise s: near the prior's edges it varies over 1 / s."""
        return float(np.clip(0.5 / largest_snr, self.settings.finest_step, self.settings.coarsest_step))

    def make_columns(self, largest_snr: float) -> Float64[np.ndarray, " column"]:
        """Evenly spaced ln(D* / Mpc) for a table.

        Args:
            largest_snr: greatest s of the table.
        """
        settings = self.settings
        low = np.log(self.nearest) - np.log(settings.margin_near)
        high = np.log(self.prior.maximum) + np.log(settings.margin_far)
        step = self.column_step(largest_snr)
        return np.arange(low, high + step, step)

    def integrate(self, b: float, c: float, log_scale: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        """ln of the integral by Gauss-Legendre quadrature.

        Args:
            b: rho / D*.
            c: s / b.
            log_scale: ln(D* / Mpc), shape (n,).
        """
        nodes, weights = self._quadrature
        log_u, values = self.evaluate(np.full_like(log_scale, b), np.full_like(log_scale, c), log_scale, nodes)
        half = (log_u[-1] - log_u[0]) / (nodes[-1] - nodes[0])
        peak = values.max(axis=0).clip(IMPOSSIBLE)
        with np.errstate(divide="ignore"):
            integral = peak + np.log((weights[:, None] * half * np.exp(values - peak)).sum(axis=0))
        return np.asarray(integral.clip(IMPOSSIBLE))

    def integrate_rows(
        self, b: Float64[np.ndarray, " row"], c: Float64[np.ndarray, " row"], columns: Float64[np.ndarray, " column"]
    ) -> Float64[np.ndarray, "row column"]:
        """Rows of a table, in threads.

        Args:
            b: rho / D* of each row, shape (row,).
            c: s / b of each row, shape (row,).
            columns: ln(D* / Mpc), shape (column,).
        """
        rows = zip(b.tolist(), c.tolist(), strict=True)
        return np.stack(map_in_threads(lambda row: self.integrate(*row, columns), rows, self.settings.threads))

    def sample(
        self,
        b: Float64[np.ndarray, " n"],
        c: Float64[np.ndarray, " n"],
        log_scale: Float64[np.ndarray, " n"],
        rng: np.random.Generator,
    ) -> Float64[np.ndarray, " n"]:
        """Distances from the density proportional to the integrand.

        Args:
            b: rho / D*, shape (n,).
            c: s / b, shape (n,).
            log_scale: ln(D* / Mpc), shape (n,).
            rng: source of randomness.

        Returns:
            Mpc, shape (n,).
        """
        nodes = np.linspace(-1, 1, self.settings.draw_refinement * self.settings.nodes + 1)
        log_u, log_density = self.evaluate(b, c, log_scale, nodes)
        cell, within = sample_cells(np.exp(log_density - log_density.max(axis=0).clip(IMPOSSIBLE)), rng)
        step = log_u[1] - log_u[0]
        distance = np.exp(log_scale - log_u[cell, np.arange(len(cell))] - step * within)
        return distance.clip(self.prior.minimum, self.prior.maximum)

    def evaluate(
        self,
        b: Float64[np.ndarray, " n"],
        c: Float64[np.ndarray, " n"],
        log_scale: Float64[np.ndarray, " n"],
        nodes: Float64[np.ndarray, " node"],
    ) -> tuple[Float64[np.ndarray, "node n"], Float64[np.ndarray, "node n"]]:
        """ln u and ln of the integrand, less s^2 / 2, on nodes in [-1, 1] that span the integrand.

        Args:
            b: rho / D*, shape (n,).
            c: s / b, shape (n,).
            log_scale: ln(D* / Mpc), shape (n,).
            nodes: shape (node,).
        """
        scale = np.exp(log_scale)
        first, last = scale / self.prior.maximum, scale / self.nearest
        # From the most likely u that the prior allows to where the likelihood has fallen by another exp(-depth).
        reach = np.sqrt((c - np.clip(c, first, last)) ** 2 + 2 * self.settings.depth / b**2)
        low, high = (np.clip(c + side * reach, first, last) for side in (-1, 1))
        log_u = np.log(low) + np.log(high / low) / 2 * (nodes[:, None] + 1)
        u = np.exp(log_u)
        distance = (scale / u).clip(self.prior.minimum, self.prior.maximum)
        value = self.prior.log_prob(distance) + np.log(distance)
        if self.log_factor is not None:
            value = value + self.log_factor(u, b)
        return log_u, value - 0.5 * b**2 * (u - c) ** 2

    @cached_property
    def _quadrature(self) -> tuple[Array, Array]:
        """Nodes and weights of Gauss and Legendre."""
        nodes, weights = np.polynomial.legendre.leggauss(self.settings.nodes)
        return nodes, weights


@dataclass(frozen=True, eq=False)
class Table:
    """A function of two numbers by bilinear interpolation.

    Attributes:
        values: shape (row, column), at rows 0, 1, ... and columns 0, 1, ...
    """

    values: Float32[Tensor, "row column"]

    def interpolate(self, row: Tensor, column: Tensor) -> Tensor:
        """The function at rows and columns of one shape; places beyond the table count as its edge."""
        n_rows, width = self.values.shape
        row, column = row.clamp(0, n_rows - 1), column.clamp(0, width - 1)
        # The last cell holds the edge itself, and a NaN counts as one.
        i, j = row.int().clamp_(0, n_rows - 2), column.int().clamp_(0, width - 2)
        u, v = row - i, column - j
        flat = self.values.flatten()
        at = (i * width + j).flatten()
        # `index_select` is five times faster than square brackets.
        corners = (flat.index_select(0, at + shift).view(row.shape) for shift in (0, 1, width, width + 1))
        near_near, near_far, far_near, far_far = corners
        return torch.lerp(torch.lerp(near_near, near_far, v), torch.lerp(far_near, far_far, v), u)


def sample_cells(
    density: Float64[np.ndarray, "node n"], rng: np.random.Generator
) -> tuple[NDArray[np.int64], Float64[np.ndarray, " n"]]:
    """Draws from densities that are tabulated on evenly spaced nodes.

    Args:
        density: not negative, of any scale, shape (node, n).
        rng: source of randomness.

    Returns:
        Index of the cell between two nodes, shape (n,), and place within it, in [0, 1], shape (n,).
    """
    cells = (density[1:] + density[:-1]) / 2
    below = np.concatenate([np.zeros((1, cells.shape[1])), cells.cumsum(axis=0)])
    level = rng.random(cells.shape[1]) * below[-1]
    cell = (below[1:] <= level).sum(axis=0).clip(0, len(cells) - 1)
    columns = np.arange(cells.shape[1])
    within = (level - below[cell, columns]) / np.maximum(cells[cell, columns], _MOST_CONCENTRATED)
    return cell, within.clip(0, 1)
