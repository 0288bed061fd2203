"""Prior distribution of the masses of a binary: uniform in detector-frame component masses.

In the coordinates of the posterior this is the density

    p(M_c, q) = M_c q^(-6/5) (1 + q)^(2/5) / A,          d m_1 d m_2 = M_c q^(-6/5) (1 + q)^(2/5) d M_c d q,

(see arXiv:2104.09508) with A the area of the allowed region of the (m_1, m_2) plane. At one chirp mass m_1 falls and
m_2 rises with q, so that the bounds on the component masses only exclude small mass ratios: the region is
q_low(M_c) <= q <= 1. The integral over q is elementary apart from a hypergeometric function,

    integral of q^(-6/5) (1 + q)^(2/5) dq = -5 q^(-1/5) 2F1(-2/5, -1/5; 4/5; -q),

and the one over M_c, smooth between the kinks of q_low, is done by Gauss-Legendre quadrature to rounding error.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.physics.edges import Edge
from chirpleaf.system.checks import check_settings
from chirpleaf.system.constraints import FORBID_EXTRA

Array: TypeAlias = NDArray[np.float64]
_Prior = TypeVar("_Prior", bound="ComponentMassPrior")

_QUADRATURE_ORDER = 64
_NEWTON_STEPS = 8
_SERIES_TERMS = 50
"""Terms of the hypergeometric series: its last is below 1e-16 of the sum."""

LIGHTEST, HEAVIEST = 0.1, 1e5
"""Component masses that a prior may have, solar masses: below and above, no detector on the ground sees a merger."""

SMALLEST_RATIO = 1e-3
"""Smallest mass ratio of a prior; waveform models are not made for smaller ones."""


@dataclass(frozen=True)
class ComponentMassPrior:
    """Uniform in detector-frame component masses; priors of the spins extend it.

    Attributes:
        mass_min: smallest component mass, solar masses.
        mass_max: largest component mass, solar masses.
        mass_ratio_min: smallest mass ratio m_2 / m_1.
        spin_max: largest magnitude of either spin.
        chirp_mass_min: smallest chirp mass, solar masses; None leaves it to the component masses.
        chirp_mass_max: largest chirp mass, likewise.

    Raises:
        InputError: when the bounds are not in order or leave no binary at all.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    mass_min: float = 5.0
    mass_max: float = 100.0
    mass_ratio_min: float = 0.125
    spin_max: float = 0.99
    chirp_mass_min: float | None = None
    chirp_mass_max: float | None = None

    def __post_init__(self) -> None:
        check_settings(self)
        if not LIGHTEST <= self.mass_min < self.mass_max <= HEAVIEST:
            raise InputError(
                f"expected 0 < mass_min < mass_max, from {LIGHTEST:g} to {HEAVIEST:g}; got {self.mass_min}, "
                f"{self.mass_max}: put the smaller mass first"
            )
        if not SMALLEST_RATIO <= self.mass_ratio_min < 1.0:
            raise InputError(
                f"expected mass_ratio_min from {SMALLEST_RATIO:g} to below 1; got {self.mass_ratio_min}: give m_2 / m_1"
            )
        if not 0.0 < self.spin_max <= 1.0:
            raise InputError(f"expected spin_max in (0, 1]; got {self.spin_max}: black holes spin at most at 1")
        bounds = [bound for bound in (self.chirp_mass_min, self.chirp_mass_max) if bound is not None]
        low, high = self.chirp_mass_range
        if not low < high or any(math.isnan(bound) for bound in bounds):
            raise InputError(
                f"expected a range of chirp masses; got [{low:.6g}, {high:.6g}]: widen chirp_mass_min, chirp_mass_max,"
                " mass_min or mass_max"
            )

    @property
    def chirp_mass_range(self) -> tuple[float, float]:
        """Smallest and largest chirp mass of the region, solar masses."""
        equal_masses = 2.0**-0.2
        low, high = self.mass_min * equal_masses, self.mass_max * equal_masses
        if self.chirp_mass_min is not None:
            low = max(low, self.chirp_mass_min)
        if self.chirp_mass_max is not None:
            high = min(high, self.chirp_mass_max)
        return float(low), float(high)

    def mass_ratio_lower(self, chirp_mass: ArrayLike) -> Array:
        """Smallest allowed mass ratio at a chirp mass (the largest is always one).

        The bound m_1 <= mass_max reads q^3 >= a (1 + q) with a = (M_c / mass_max)^5, and m_2 >= mass_min reads
        q^2 (1 + q) >= b with b = (mass_min / M_c)^5.

        Args:
            chirp_mass: solar masses, any shape.

        Returns:
            q in [mass_ratio_min, 1], same shape; 1 beyond `chirp_mass_range`.
        """
        chirp_mass = np.asarray(chirp_mass, dtype=np.float64)
        heavy = np.minimum((chirp_mass / self.mass_max) ** 5, 0.5)
        light = np.minimum((self.mass_min / chirp_mass) ** 5, 2.0)
        # Both starting points lie above the root of a convex cubic, so Newton's method descends without overshooting.
        from_heavy, from_light = (2.0 * heavy) ** (1.0 / 3.0), np.sqrt(light)
        for _ in range(_NEWTON_STEPS):
            from_heavy = (2.0 * from_heavy**3 + heavy) / (3.0 * from_heavy**2 - heavy)
            from_light = (2.0 * from_light**3 + from_light**2 + light) / (3.0 * from_light**2 + 2.0 * from_light)
        return np.clip(np.maximum(from_heavy, from_light), self.mass_ratio_min, 1.0)

    @cached_property
    def area(self) -> float:
        """Area of the region of the (m_1, m_2) plane, square solar masses."""
        low, high = self.chirp_mass_range
        edges = np.unique(np.clip([low, *self._kinks(), high], low, high))
        nodes, weights = np.polynomial.legendre.leggauss(_QUADRATURE_ORDER)
        total = 0.0
        for left, right in pairwise(edges):
            chirp_mass = left + 0.5 * (right - left) * (nodes + 1.0)
            inner = _mass_ratio_integral(np.ones(1)) - _mass_ratio_integral(self.mass_ratio_lower(chirp_mass))
            total += 0.5 * (right - left) * float(np.sum(weights * chirp_mass * inner))
        return total

    def log_prob_masses(self, samples: Mapping[str, ArrayLike]) -> Array:
        """Normalised log density of the masses per d(chirp_mass) d(mass_ratio).

        Args:
            samples: `chirp_mass` (solar masses) and `mass_ratio`, each (n,); further keys are ignored.

        Returns:
            Natural logarithm (n,), minus infinity outside the region.
        """
        chirp_mass = np.asarray(samples["chirp_mass"], dtype=np.float64)
        mass_ratio = np.asarray(samples["mass_ratio"], dtype=np.float64)
        inside = self._contains(chirp_mass, mass_ratio)
        safe_mass, safe_ratio = np.where(inside, chirp_mass, 1.0), np.where(inside, mass_ratio, 1.0)
        jacobian = np.log(safe_mass) - 1.2 * np.log(safe_ratio) + 0.4 * np.log1p(safe_ratio)
        return np.where(inside, jacobian - np.log(self.area), -np.inf)

    @property
    def normalisation(self) -> float:
        """The area: integral of the uniform density over component masses, square solar masses."""
        return self.area

    @property
    def component_mass_range(self) -> tuple[float, float]:
        """Smallest and largest component mass, solar masses."""
        return self.mass_min, self.mass_max

    @property
    def chirp_mass_cuts(self) -> tuple[bool, bool]:
        """Whether a bound on the chirp mass was asked for, below and above."""
        return self.chirp_mass_min is not None, self.chirp_mass_max is not None

    def restrict(self: _Prior, low: float, high: float) -> _Prior:
        """The prior given that the chirp mass lies in a range, low to high, solar masses."""
        return replace(self, chirp_mass_min=low, chirp_mass_max=high)

    def describe(self) -> str:
        """The ranges of the parameters in words."""
        low, high = self.chirp_mass_range
        return (
            f"chirp mass {low:.4g}-{high:.4g} solar masses, mass ratio above {self.mass_ratio_min:.4g}, "
            f"spins within {self.spin_max:.4g}"
        )

    def edges_of_masses(self) -> tuple[Edge, ...]:
        """The edges of the masses' support, except equal masses, where the support of every prior ends."""
        mass_ratio = (
            f"the least mass_ratio ({self.mass_ratio_min:.4g}, or where component masses leave "
            f"{self.mass_min:.4g}-{self.mass_max:.4g})"
        )
        return (
            *Edge.both("chirp_mass", *self.chirp_mass_range, unit="solar masses"),
            Edge("mass_ratio", mass_ratio, self._lowest_mass_ratio, -1, 1 - self.mass_ratio_min),
        )

    def _lowest_mass_ratio(self, samples: Mapping[str, Array]) -> Array:
        return self.mass_ratio_lower(samples["chirp_mass"])

    def _kinks(self) -> tuple[float, float, float]:
        """Chirp masses at which another bound takes over in `mass_ratio_lower`."""
        q = self.mass_ratio_min
        heaviest = self.mass_max * q**0.6 * (1.0 + q) ** -0.2
        lightest = self.mass_min * q**-0.4 * (1.0 + q) ** -0.2
        corner = (self.mass_min * self.mass_max) ** 0.6 * (self.mass_min + self.mass_max) ** -0.2
        return heaviest, lightest, corner

    @cached_property
    def _smallest_mass_ratio(self) -> float:
        low, high = self.chirp_mass_range
        return float(np.min(self.mass_ratio_lower(np.clip([low, *self._kinks(), high], low, high))))

    def _contains(self, chirp_mass: Array, mass_ratio: Array) -> NDArray[np.bool_]:
        low, high = self.chirp_mass_range
        inside = (low <= chirp_mass) & (chirp_mass <= high) & (self.mass_ratio_min <= mass_ratio) & (mass_ratio <= 1.0)
        mass_1, mass_2 = component_masses(np.where(inside, chirp_mass, 1.0), np.where(inside, mass_ratio, 1.0))
        return np.asarray(inside & (mass_1 <= self.mass_max) & (mass_2 >= self.mass_min))

    def sample_masses(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draws masses by rejection from the separable density M_c q^(-6/5) on the rectangle around the region.

        Args:
            n: how many.
            rng: source of randomness.

        Returns:
            Chirp masses (solar masses) and mass ratios, each (n,).
        """
        low, high = self.chirp_mass_range
        chirp_masses, ratios = PowerLaw(1.0, low, high), PowerLaw(-1.2, self._smallest_mass_ratio, 1.0)
        chirp_mass, mass_ratio = np.empty(n), np.empty(n)
        filled, accepted_fraction = 0, 1.0
        while filled < n:
            size = int(1.1 * (n - filled) / accepted_fraction) + 64
            proposed_mass, proposed_ratio = chirp_masses.sample(size, rng), ratios.sample(size, rng)
            keep = rng.random(size) < (0.5 * (1.0 + proposed_ratio)) ** 0.4
            keep &= self._contains(proposed_mass, proposed_ratio)
            accepted = np.flatnonzero(keep)[: n - filled]
            new = slice(filled, filled + len(accepted))
            chirp_mass[new], mass_ratio[new] = proposed_mass[accepted], proposed_ratio[accepted]
            filled += len(accepted)
            accepted_fraction = max(float(np.mean(keep)), 1e-3)
        return chirp_mass, mass_ratio


def _mass_ratio_integral(mass_ratio: Array) -> Array:
    """Antiderivative of q^(-6/5) (1 + q)^(2/5), for 0 < q <= 1.

    Pfaff's transformation 2F1(-2/5, -1/5; 4/5; -q) = (1 + q)^(1/5) 2F1(6/5, -1/5; 4/5; q / (1 + q)) makes it converge.
    """
    z = mass_ratio / (1.0 + mass_ratio)
    term, series = np.ones_like(z), np.ones_like(z)
    for n in range(_SERIES_TERMS):
        term = term * z * ((n + 1.2) * (n - 0.2) / ((n + 0.8) * (n + 1.0)))
        series = series + term
    return np.asarray(-5.0 * mass_ratio**-0.2 * (1.0 + mass_ratio) ** 0.2 * series)
