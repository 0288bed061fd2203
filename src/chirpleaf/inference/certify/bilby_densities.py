"""Densities of a prior file of bilby: of the intrinsic parameters together, and of single ones.

The file gives masses in some coordinates (m, q) or (m_1, m_2), and

    p(M_c, q) = p(m, q) m / M_c,    p(M_c, q) = p(m_1, m_2) m_1^2 / M_c,    m_1^2 / M_c = M_c q^(-6/5) (1 + q)^(2/5)

(arXiv:2104.09508), where m is any mass, as each is M_c times a function of q. Constraints cut off the density and leave
the fraction A of its integral. 1 / A is estimated by sixteen scrambled Sobol sequences, whose scatter gives its error
(usually 1e-4). This error affects the evidence only, because it is common to all samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.quasirandom import SobolEngine

from chirpleaf.errors import InputError
from chirpleaf.inference.certify.settings import DEFAULTS, PriorSettings
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.edges import Edge

Array = NDArray[np.float64]

MASSES = ("chirp_mass", "mass_1", "mass_2", "total_mass", "mass_ratio")
"""Masses whose density a file may give."""
_UNITS = dict.fromkeys(MASSES[:-1], "solar masses")
SPINS = ("chi_1", "chi_2")
"""Aligned spins whose density a file must give."""
TILTS = (("tilt_1", "cos_tilt_1"), ("tilt_2", "cos_tilt_2"))
"""Names of the tilt of each spin, of which a file with precessing spins gives one beside the magnitudes a_1 and a_2."""


@dataclass(frozen=True, eq=False)
class BilbyIntrinsic:
    """Density of the intrinsic parameters.

    Attributes:
        prior: bilby's dictionary of the masses and spins, and of the constraints upon them.
        settings: settings of the estimate of `log_acceptance`.
    """

    prior: Any
    settings: PriorSettings = DEFAULTS.prior

    def log_prob(self, samples: Mapping[str, ArrayLike], /) -> Array:
        """Normalised log density per d(chirp_mass) d(mass_ratio) d(chi_1) d(chi_2), without those that are fixed.

        Args:
            samples: the four parameters, each (n,), chirp mass in solar masses; further keys are ignored. The density
                does not depend on parameters that the file fixes.

        Returns:
            Natural logarithm (n,), minus infinity outside the support.
        """
        spins = {name: samples[name] for name in SPINS}
        return self._log_density(samples["chirp_mass"], samples["mass_ratio"], spins)

    def _log_density(self, chirp_mass: ArrayLike, mass_ratio: ArrayLike, spins: Mapping[str, ArrayLike]) -> Array:
        """Normalised log density per d(chirp_mass) d(mass_ratio) and the differentials of the file's spins."""
        columns = (np.atleast_1d(one) for one in (chirp_mass, mass_ratio, *spins.values()))
        chirp_mass, mass_ratio, *values = np.broadcast_arrays(*columns)
        possible = (chirp_mass > 0) & (mass_ratio > 0) & (mass_ratio <= 1)
        chirp_mass, mass_ratio = np.where(possible, chirp_mass, 1.0), np.where(possible, mass_ratio, 1.0)
        known = {**_compute_masses(chirp_mass, mass_ratio), **dict(zip(spins, values, strict=True))}
        with np.errstate(all="ignore"):
            density = self.prior.ln_prob({name: known[name] for name in self.names}, axis=0, normalized=False)
        jacobian = np.log(self._jacobian(known))
        return np.where(possible, density + jacobian - self.log_acceptance, -np.inf)

    @property
    def names(self) -> list[str]:
        """Names of the parameters whose density the file gives."""
        return list(self.prior.non_fixed_keys)

    @property
    def log_acceptance(self) -> float:
        """ln of the fraction of the integral that the constraints leave."""
        return self._acceptance[0]

    @property
    def log_acceptance_error(self) -> float:
        """Standard error of `log_acceptance`."""
        return self._acceptance[1]

    def edges(self) -> tuple[Edge, ...]:
        """The finite ends of the file's densities and constraints, except those of parameters that it fixes."""
        ends = (
            edge
            for name, prior in self.prior.items()
            if prior.minimum < prior.maximum
            for edge in Edge.both(name, float(prior.minimum), float(prior.maximum), unit=_UNITS.get(name, ""))
        )
        return tuple(edge for edge in ends if np.isfinite(edge.value({edge.name: np.ones(1)})[0]))

    def check(self) -> None:
        """Refuses a density that is not one of binaries.

        Raises:
            InputError: the constraints leave too little, or mass_2 may exceed mass_1.
        """
        _ = self._acceptance

    def _jacobian(self, known: Mapping[str, Array]) -> Array:
        """Jacobian of the file's masses by chirp mass and mass ratio."""
        masses = [name for name in self.names if name in MASSES and name != "mass_ratio"]
        if not masses:
            return np.ones_like(known["chirp_mass"])
        if len(masses) == 1:
            return known[masses[0]] / known["chirp_mass"]
        return known["mass_1"] ** 2 / known["chirp_mass"]

    @cached_property
    def _acceptance(self) -> tuple[float, float]:
        sequences = self.settings.constraint_sequences
        fractions = np.array([self._accepted_fraction(seed) for seed in range(sequences)])
        mean = fractions.mean()
        if mean == 0:
            raise InputError("expected binaries that the constraints leave; got none: widen the constraints")
        error = float(fractions.std(ddof=1) / np.sqrt(sequences) / mean)
        if error > self.settings.constraint_error:
            raise InputError(
                f"expected constraints that leave a good part of the prior; got {mean:.1g} of it: "
                "narrow the bounds of the masses to where the constraints allow them"
            )
        return float(np.log(mean)), error

    def _rescale(self, levels: Mapping[str, Array]) -> dict[str, Array]:
        """Values at quantile levels; bilby's own `rescale` of a dictionary takes one binary at a time."""
        samples = {}
        for name in (name for name in self.prior.sorted_keys if name in levels):
            given = self.prior.get_required_variables(name)
            samples[name] = self.prior[name].rescale(levels[name], **given)
            self.prior[name].least_recently_sampled = samples[name]
        return samples

    def _accepted_fraction(self, seed: int) -> float:
        """Fraction of a Sobol sequence that the constraints leave."""
        engine = SobolEngine(len(self.names), scramble=True, seed=seed)
        cube = engine.draw(self.settings.constraint_points, dtype=torch.float64).clamp(1e-12, 1 - 1e-12).numpy()
        with np.errstate(all="ignore"):
            samples = self._rescale(dict(zip(self.names, cube.T, strict=True)))
            allowed = np.asarray(self.prior.evaluate_constraints(samples), dtype=bool)
            given = np.asarray(self.prior.conversion_function(samples)["mass_ratio"], dtype=np.float64)
            ratio = np.broadcast_to(given, allowed.shape)[allowed]
        if np.any(ratio > 1 + 1e-9):
            raise InputError(
                "expected mass_1 >= mass_2; got a prior that allows the contrary: "
                "add mass_ratio = Constraint(minimum=0.125, maximum=1)"
            )
        return float(allowed.mean())


@dataclass(frozen=True, eq=False)
class BilbyPrecessing(BilbyIntrinsic):
    """Density of the nine numbers of a precessing binary (`physics.spin_angles`).

    The file gives masses, magnitudes and tilts; `phi_12`, `phi_jl` and `theta_jn` are isotropic. With
    d(chi) d(chi_in_plane) = a da d(tilt), and azimuths and cosine of the inclination uniform,

        p = p(masses, a_1, a_2, tilt_1, tilt_2) / (a_1 a_2) / (8 pi^2).
    """

    def log_prob(self, samples: Mapping[str, ArrayLike], /) -> Array:
        """Normalised log density per product of the differentials of the nine numbers.

        Args:
            samples: the nine numbers, each (n,), chirp mass in solar masses; further keys are ignored.

        Returns:
            Natural logarithm (n,), minus infinity outside the support.
        """
        spins: dict[str, Array] = {}
        inside = np.abs(np.atleast_1d(np.asarray(samples["cos_iota"], dtype=np.float64))) <= 1
        log_measure = np.full(inside.shape, -np.log(8 * np.pi**2))
        for body, (tilt, cosine) in enumerate(TILTS, start=1):
            along, radius = (np.asarray(samples[name], float) for name in (f"chi_{body}", f"chi_{body}_in_plane"))
            magnitude = np.hypot(along, radius)
            possible = np.atleast_1d((radius >= 0) & (magnitude > 0))
            inside = inside & possible
            safe = np.where(magnitude > 0, magnitude, 1.0)
            spins[f"a_{body}"] = magnitude
            log_measure = log_measure - np.log(safe)
            if tilt in self.prior:
                spins[tilt] = np.arctan2(radius, along)
            else:  # d(cos tilt) = sin(tilt) d(tilt)
                spins[cosine] = along / safe
                log_measure = log_measure + np.log(np.maximum(radius, np.finfo(float).tiny) / safe)
        density = self._log_density(samples["chirp_mass"], samples["mass_ratio"], spins)
        return np.where(inside, density + log_measure, -np.inf)


@dataclass(frozen=True, eq=False)
class BilbyMarginal:
    """Density of one parameter that depends on no other.

    Attributes:
        prior: bilby's prior.
    """

    prior: Any

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n,) values."""
        return self.quantile(rng.random(n))

    def quantile(self, u: ArrayLike) -> Array:
        """Value below which the fraction `u` in [0, 1] of the probability lies, same shape."""
        return np.asarray(self.prior.rescale(np.asarray(u, dtype=np.float64)), dtype=np.float64)

    def cumulative(self, x: ArrayLike) -> Array:
        """Probability below `x`, same shape."""
        return np.asarray(self.prior.cdf(np.asarray(x, dtype=np.float64)), dtype=np.float64)

    def log_prob(self, x: ArrayLike) -> Array:
        """Normalised log density at `x`, same shape, minus infinity outside the support."""
        with np.errstate(all="ignore"):
            return np.asarray(self.prior.ln_prob(np.asarray(x, dtype=np.float64)), dtype=np.float64)


def _compute_masses(chirp_mass: Array, mass_ratio: Array) -> dict[str, Array]:
    """All masses that a file may name."""
    mass_1, mass_2 = component_masses(chirp_mass, mass_ratio)
    values = (chirp_mass, mass_1, mass_2, mass_1 + mass_2, mass_ratio)
    return dict(zip(MASSES, (np.asarray(value) for value in values), strict=True))
