"""Integral of the likelihood over phase and distance: in closed form for one harmonic, on a grid for several.

A signal whose series all have one harmonic m of the orbital phase has <d|h> proportional to exp(-i m phase), so that
the integral over the phase is the Bessel function I0(|kappa| / D) (arXiv:1809.02293); `BesselIntegral` tabulates its
integral over distance. With several harmonics no closed form is known; `PhaseGridIntegral` evaluates phases on a grid,
and integrates over distance at each of them. Both have the interface `PhaseDistanceIntegral`; `make_integral` chooses
by the harmonics of the signal.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from chirpleaf.inference.certify.distance import DistanceIntegrand, Table
from chirpleaf.inference.certify.likelihood_settings import DistanceSettings, PhaseSettings
from chirpleaf.inference.certify.overlaps import LEAST_POWER, Overlaps
from chirpleaf.inference.certify.phase_grid import PhaseGridIntegral
from chirpleaf.physics.distributions import BoundedDistribution

Column = Float64[np.ndarray, " n"]

_LEAST_SNR = 1e-3
"""Least s of `BesselIntegral`, whose typical distance is infinite at zero."""
_MOST_CONCENTRATED = 1e6
"""Greatest concentration of a von Mises distribution that numpy samples accurately."""


@runtime_checkable
class PhaseDistanceIntegral(Protocol):
    """The likelihood integrated over the priors of phase and distance."""

    def __call__(self, overlaps: Overlaps) -> Tensor:
        """ln of the integrated likelihood ratio of n binaries and m extrinsic points.

        Args:
            overlaps: overlaps of shape (n, m).

        Returns:
            Nats, float32, shape (n, m).
        """
        ...

    def sample(self, overlaps: Overlaps, rng: np.random.Generator) -> tuple[Column, Column]:
        """Distance and phase from their joint conditional density.

        Args:
            overlaps: overlaps of shape (n,).
            rng: source of randomness.

        Returns:
            Distances (Mpc) and phases (rad, in [0, 2 pi)), both of shape (n,).
        """
        ...


def make_integral(
    harmonics: tuple[int, ...],
    prior: BoundedDistribution,
    largest_snr: float,
    distance: DistanceSettings,
    phase: PhaseSettings,
) -> PhaseDistanceIntegral:
    """The integral that suits a signal.

    Args:
        harmonics: harmonics of the signal's series.
        prior: prior of the distance, bounded, Mpc.
        largest_snr: greatest signal-to-noise that the table contains.
        distance: settings of the integral over distance.
        phase: settings of the integral over the phase.
    """
    if len(set(harmonics)) == 1:
        return BesselIntegral.tabulate(prior, largest_snr, distance)
    return PhaseGridIntegral.tabulate(prior, largest_snr, distance, phase)


@dataclass(frozen=True, eq=False)
class BesselIntegral:
    """The integral for one harmonic: over the phase in closed form, over distance by a table.

    With s = |kappa| / rho and the best distance D* = rho / s, the integral is s^2 / 2 + g(sqrt(s), ln D*).

    Attributes:
        integrand: integrand over distance.
        table: g.
        lowest: least ln(D* / Mpc) of the table.
        step: step of ln(D* / Mpc).
    """

    integrand: DistanceIntegrand
    table: Table
    lowest: float
    step: float

    @classmethod
    def tabulate(cls, prior: BoundedDistribution, largest_snr: float, settings: DistanceSettings) -> "BesselIntegral":
        """Makes the table.

        Args:
            prior: prior of the distance, bounded, Mpc.
            largest_snr: greatest s that will be asked for.
            settings: settings of the table.
        """
        integrand = DistanceIntegrand(prior, settings, log_bessel)
        snr = np.arange(0.0, np.sqrt(largest_snr) + 2 * settings.snr_step, settings.snr_step) ** 2
        snr[0] = _LEAST_SNR
        columns = integrand.make_columns(largest_snr)
        values = integrand.integrate_rows(snr, np.ones_like(snr), columns)
        table = Table(torch.from_numpy(values).float())
        return cls(integrand, table, float(columns[0]), integrand.column_step(largest_snr))

    def __call__(self, overlaps: Overlaps) -> Tensor:
        """ln of the integrated likelihood ratio; see `PhaseDistanceIntegral`."""
        n = self.integrand.settings.binaries_at_once
        pieces = zip(overlaps.kappa[0].split(n), overlaps.power.split(n), strict=True)
        return torch.cat(
            [self.integrate(kappa.abs(), power.clamp_min(LEAST_POWER).sqrt().float()) for kappa, power in pieces]
        )

    def integrate(self, kappa: Tensor, rho: Tensor) -> Tensor:
        """ln of the integrated likelihood ratio by |kappa| and rho.

        Args:
            kappa: |<d|h>| at 1 Mpc, any shape.
            rho: root of <h|h> at 1 Mpc, broadcastable.

        Returns:
            Nats, of the broadcast shape.
        """
        snr = kappa / rho
        column = ((rho / snr.clamp_min(1e-6)).log() - self.lowest) / self.step
        return 0.5 * snr.square() + self.table.interpolate(snr.sqrt() / self.integrand.settings.snr_step, column)

    def sample(self, overlaps: Overlaps, rng: np.random.Generator) -> tuple[Column, Column]:
        """Distance and phase from their joint conditional density; see `PhaseDistanceIntegral`."""
        (harmonic,), kappa = overlaps.harmonics, overlaps.kappa[0].numpy().astype(complex)
        rho = overlaps.power.clamp_min(LEAST_POWER).sqrt().float().double().numpy()
        size = np.abs(kappa)
        snr = np.maximum(size / rho, _LEAST_SNR)
        distance = self.integrand.sample(snr, np.ones_like(snr), np.log(rho / snr), rng)
        turn = rng.vonmises(0.0, np.minimum(size / distance, _MOST_CONCENTRATED))
        phase = (np.angle(kappa) + turn) / harmonic + 2 * np.pi / harmonic * rng.integers(0, harmonic, len(snr))
        return distance, np.mod(phase, 2 * np.pi)


def log_bessel(u: Float64[np.ndarray, "node n"], b: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, "node n"]:
    """ln of I0(b^2 u) exp(-b^2 u): the factor of a phase that is integrated out, less its maximum.

    Single precision is 20 times faster than double and errs by 3e-7, which is the precision of the table.
    """
    return np.log(torch.special.i0e(torch.from_numpy(b**2 * u).float()).double().numpy())
