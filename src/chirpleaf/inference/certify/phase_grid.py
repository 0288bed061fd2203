"""Integral over phase and distance for signals with several harmonics: phases on a grid, distance by a table.

With Re <d|h> and <h|h> at one phase and 1 Mpc, the integral over distance is that of `distance` without a further
factor: no Bessel function. The phases of a grid are two small Fourier matrices for all pairs of binaries and points.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from chirpleaf.inference.certify.distance import DistanceIntegrand, Table, sample_cells
from chirpleaf.inference.certify.likelihood_settings import DistanceSettings, PhaseSettings
from chirpleaf.inference.certify.overlaps import LEAST_POWER, Overlaps
from chirpleaf.physics.distributions import BoundedDistribution

Column = Float64[np.ndarray, " n"]

_GOLDEN = 0.6180339887498949
"""Golden ratio, whose multiples have evenly distributed fractional parts (Weyl's sequence)."""


@dataclass(frozen=True, eq=False)
class PhaseGridIntegral:
    """The integral for several harmonics: over the phase on a grid, over distance by a table.

    With s = Re(kappa) / rho at a phase, of either sign, the integral over distance is max(s, 0)^2 / 2 + g(r(s), ln D*),
    where r(s) = sign(s) (sqrt(1 + |s|) - 1). The typical distance is D* = rho / b with b = exp(asinh(s / 2)), which is
    rho / s, the best distance, for large s, and rho |s| for large negative s.

    The grid of each extrinsic point begins at another phase, so that the grids of all points cover the circle evenly
    and the mean over points has no error from the spacing, but a scatter that the error of ln L includes.

    Attributes:
        integrand: integrand over distance.
        table: g.
        lowest: least ln(D* / Mpc) of the table.
        step: step of ln(D* / Mpc).
        lowest_row: least r of the table.
        largest_snr: greatest s.
        settings: settings of the grid.
    """

    integrand: DistanceIntegrand
    table: Table
    lowest: float
    step: float
    lowest_row: float
    largest_snr: float
    settings: PhaseSettings

    @classmethod
    def tabulate(
        cls, prior: BoundedDistribution, largest_snr: float, distance: DistanceSettings, phase: PhaseSettings
    ) -> "PhaseGridIntegral":
        """Makes the table.

        Args:
            prior: prior of the distance, bounded, Mpc.
            largest_snr: greatest |s| that will be asked for.
            distance: settings of the table.
            phase: settings of the grid.
        """
        integrand = DistanceIntegrand(prior, distance)
        columns = integrand.make_columns(largest_snr)
        end = np.ceil((np.sqrt(1 + largest_snr) - 1) / distance.snr_step) + 1
        rows = np.arange(-end, end + 1) * distance.snr_step
        snr = np.sign(rows) * ((1 + np.abs(rows)) ** 2 - 1)
        width = np.exp(np.arcsinh(snr / 2))
        values = integrand.integrate_rows(width, snr / width, columns)
        values += 0.5 * np.minimum(snr, 0.0)[:, None] ** 2
        table = Table(torch.from_numpy(values).float())
        step = integrand.column_step(largest_snr)
        return cls(integrand, table, float(columns[0]), step, float(rows[0]), largest_snr, phase)

    def __call__(self, overlaps: Overlaps) -> Tensor:
        """ln of the integrated likelihood ratio; see `PhaseDistanceIntegral`."""
        n, points = overlaps.power.shape
        rows = max(1, self.settings.pairs_at_once // (points * self.settings.phases))
        pieces = [self._mean_over_grid(overlaps, slice(start, start + rows)) for start in range(0, n, rows)]
        return torch.cat(pieces)

    def _mean_over_grid(self, overlaps: Overlaps, rows: slice) -> Tensor:
        """ln of the mean over the points' grids of phases, for some binaries."""
        n_phases, points = self.settings.phases, overlaps.power.shape[1]
        step = 2 * np.pi / n_phases
        offset = (torch.arange(1, points + 1, dtype=torch.float64) * _GOLDEN).frac() * step
        grid = torch.arange(n_phases, dtype=torch.float64) * step
        kappa = [k[rows] * _rotation(-m * offset) for m, k in zip(overlaps.harmonics, overlaps.kappa, strict=True)]
        cross = [x[rows] * _rotation(k * offset) for k, x in zip(overlaps.differences, overlaps.cross, strict=True)]
        matched = _real_parts(kappa, [-m * grid for m in overlaps.harmonics])
        power = overlaps.power[rows, :, None].float() + 2 * _real_parts(cross, [k * grid for k in overlaps.differences])
        rho = power.clamp_min(LEAST_POWER).sqrt().expand(matched.shape)
        return self._sum_near_best(matched, rho) - np.log(n_phases)

    def _sum_near_best(self, matched: Tensor, rho: Tensor) -> Tensor:
        """ln of the sum of the integrated likelihood over the last dimension, the phases.

        As an average over the prior of the distance, the likelihood is at most exp(max(s, 0)^2 / 2): phases at which
        this is negligible are left out.
        """
        snr = matched / rho
        best = snr.argmax(-1, keepdim=True)
        highest = self.integrate(matched.gather(-1, best), rho.gather(-1, best))
        near = 0.5 * snr.clamp_min(0).square() > highest - self.settings.depth
        places = near.flatten().nonzero()[:, 0]
        pairs = places.div(snr.shape[-1], rounding_mode="floor")
        log_likelihood = self.integrate(*(values.flatten().index_select(0, places) for values in (matched, rho)))
        # Where every distance is too near, the phase of the greatest s is not the most likely one.
        highest = highest.flatten().scatter_reduce(0, pairs, log_likelihood, "amax")
        likelihood = (log_likelihood - highest.index_select(0, pairs)).exp()
        total = torch.zeros_like(highest).index_add_(0, pairs, likelihood)
        return (highest + total.log()).view(snr.shape[:-1])

    def integrate(self, matched: Tensor, rho: Tensor) -> Tensor:
        """ln of the likelihood ratio integrated over distance alone.

        Args:
            matched: Re <d|h> at 1 Mpc and one phase, any shape.
            rho: root of <h|h> at 1 Mpc and this phase, same shape.

        Returns:
            Nats, same shape.
        """
        snr = matched / rho
        row = snr.sign() * ((1 + snr.abs()).sqrt() - 1)
        # exp(asinh(s / 2)), by operations that are fast.
        b = 0.5 * snr + (0.25 * snr.square() + 1).sqrt()
        column = (rho / b.clamp_min(LEAST_POWER)).log()
        g = self.table.interpolate(
            (row - self.lowest_row) / self.integrand.settings.snr_step, (column - self.lowest) / self.step
        )
        return 0.5 * snr.clamp_min(0).square() + g

    def sample(self, overlaps: Overlaps, rng: np.random.Generator) -> tuple[Column, Column]:
        """Phase from its density marginal to distance, then distance; see `PhaseDistanceIntegral`."""
        fastest = max(overlaps.harmonics)
        n = int(np.ceil(self.settings.draw_resolution * fastest * self.largest_snr))
        grid = torch.linspace(0.0, 2 * np.pi, n + 1, dtype=torch.float64)
        matched = _real_parts(list(overlaps.kappa), [-m * grid for m in overlaps.harmonics])
        power = overlaps.power[:, None].float() + 2 * _real_parts(
            list(overlaps.cross), [k * grid for k in overlaps.differences]
        )
        log_density = self.integrate(matched, power.clamp_min(LEAST_POWER).sqrt()).double().numpy()
        density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
        cell, within = sample_cells(density.T, rng)
        phase = 2 * np.pi / n * (cell + within)
        at_phase, rho = overlaps.at_phase(phase)
        width = np.exp(np.arcsinh(0.5 * at_phase / rho))
        distance = self.integrand.sample(width, at_phase / rho / width, np.log(rho / width), rng)
        return distance, np.mod(phase, 2 * np.pi)


def _rotation(angle: Tensor) -> Tensor:
    """exp(i angle), complex64."""
    return torch.polar(torch.ones_like(angle), angle).to(torch.complex64)


def _real_parts(amplitudes: list[Tensor], angles: list[Tensor]) -> Tensor:
    """Sum of Re(amplitude exp(i angle)) over harmonics, at every angle: one matrix product.

    Args:
        amplitudes: complex64, each of shape (*pair,).
        angles: each of shape (phase,), rad.

    Returns:
        float32, shape (*pair, phase); zero for no amplitudes.
    """
    if not amplitudes:
        return torch.zeros(())
    columns = torch.stack([part for one in amplitudes for part in (one.real, one.imag)], dim=-1)
    rows = torch.stack([part for angle in angles for part in (angle.cos(), -angle.sin())]).float()
    return columns @ rows
