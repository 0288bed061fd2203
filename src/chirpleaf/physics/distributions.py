"""One-dimensional prior distributions: uniform, power law, isotropic angles and spins (distances: `comoving_volume`).

Each is a frozen dataclass with quantile function F^(-1)(u) and density. A draw is x = F^(-1)(u) with u uniform in
[0, 1).
"""

from dataclasses import dataclass
from numbers import Real
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.system.checks import check_kind

Array: TypeAlias = NDArray[np.float64]


_TINY = 1e-300
"""Least magnitude of a spin: the density of a projected spin is infinite at zero."""

_NEWTON_STEPS = 8


@runtime_checkable
class Distribution(Protocol):
    """A one-dimensional prior."""

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n,) values."""
        ...

    def log_prob(self, x: ArrayLike) -> Array:
        """Normalised log density at `x`, same shape, minus infinity outside the support."""
        ...


@runtime_checkable
class BoundedDistribution(Distribution, Protocol):
    """A one-dimensional prior with bounded support."""

    @property
    def minimum(self) -> float:
        """Smallest value."""
        ...

    @property
    def maximum(self) -> float:
        """Largest value."""
        ...


@runtime_checkable
class Marginal(Distribution, Protocol):
    """A one-dimensional prior with its distribution function and the inverse of it."""

    def quantile(self, u: ArrayLike) -> Array:
        """Value below which the fraction `u` in [0, 1] of the probability lies, same shape."""
        ...

    def cumulative(self, x: ArrayLike) -> Array:
        """Probability below `x`, same shape."""
        ...


class Bounded:
    """A distribution on [minimum, maximum], in the unit of its parameter."""

    minimum: float
    maximum: float

    def __post_init__(self) -> None:
        check_kind("minimum", self.minimum, Real)
        check_kind("maximum", self.maximum, Real)
        if not self.minimum < self.maximum:
            raise InputError(f"expected minimum < maximum; got {self.minimum}, {self.maximum}: swap or widen them")

    def quantile(self, u: ArrayLike) -> Array:
        """Value below which the fraction `u` in [0, 1] of the probability lies, same shape."""
        raise NotImplementedError

    def _log_density(self, x: Array) -> Array:
        """Log density at points inside the support."""
        raise NotImplementedError

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n,) values."""
        return np.clip(self.quantile(rng.random(n)), self.minimum, self.maximum)

    def log_prob(self, x: ArrayLike) -> Array:
        """Normalised log density at `x`, same shape, minus infinity outside the support."""
        x = np.asarray(x, dtype=np.float64)
        inside = (x >= self.minimum) & (x <= self.maximum)
        middle = 0.5 * (self.minimum + self.maximum)
        return np.where(inside, self._log_density(np.where(inside, x, middle)), -np.inf)


@dataclass(frozen=True)
class Uniform(Bounded):
    """Constant density.

    Example:
        >>> float(Uniform(0.0, 2.0).quantile(0.25))
        0.5
    """

    minimum: float
    maximum: float

    def quantile(self, u: ArrayLike) -> Array:
        """Value below which the fraction `u` in [0, 1] of the probability lies, same shape."""
        return self.minimum + (self.maximum - self.minimum) * np.asarray(u, dtype=np.float64)

    def cumulative(self, x: ArrayLike) -> Array:
        """Probability below `x`, same shape."""
        place = (np.asarray(x, dtype=np.float64) - self.minimum) / (self.maximum - self.minimum)
        return np.clip(place, 0.0, 1.0)

    def _log_density(self, x: Array) -> Array:
        return np.full(x.shape, -np.log(self.maximum - self.minimum))


@dataclass(frozen=True)
class PowerLaw(Bounded):
    """Density proportional to x^exponent on positive x.

    Example:
        >>> round(float(PowerLaw(2.0, 0.0, 10.0).quantile(0.125)), 9)
        5.0
    """

    exponent: float
    minimum: float
    maximum: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_kind("exponent", self.exponent, Real)
        if self.minimum < 0.0 or (self.minimum == 0.0 and self.exponent <= -1.0):
            raise InputError(f"expected a positive minimum for x^{self.exponent}; got {self.minimum}: raise it")

    def quantile(self, u: ArrayLike) -> Array:
        """Value below which the fraction `u` in [0, 1] of the probability lies, same shape."""
        u = np.asarray(u, dtype=np.float64)
        power = self.exponent + 1.0
        if power == 0.0:
            return np.asarray(self.minimum * (self.maximum / self.minimum) ** u)
        low, high = self.minimum**power, self.maximum**power
        return np.asarray((low + (high - low) * u) ** (1.0 / power))

    def cumulative(self, x: ArrayLike) -> Array:
        """Probability below `x`, same shape."""
        x = np.clip(np.asarray(x, dtype=np.float64), self.minimum, self.maximum)
        power = self.exponent + 1.0
        if power == 0.0:
            return np.asarray(np.log(x / self.minimum) / np.log(self.maximum / self.minimum))
        low, high = self.minimum**power, self.maximum**power
        return np.asarray((x**power - low) / (high - low))

    def _log_density(self, x: Array) -> Array:
        power = self.exponent + 1.0
        if power == 0.0:
            norm = np.log(self.maximum / self.minimum)
        else:
            norm = (self.maximum**power - self.minimum**power) / power
        with np.errstate(divide="ignore"):
            rising = self.exponent * np.log(x) if self.exponent else np.zeros(x.shape)
        return np.asarray(rising - np.log(norm))


@dataclass(frozen=True)
class Sine(Bounded):
    """Density proportional to sin x within [0, pi]: an isotropic polar angle, rad."""

    minimum: float = 0.0
    maximum: float = np.pi

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minimum < 0.0 or self.maximum > np.pi:
            raise InputError(f"expected angles in [0, pi]; got [{self.minimum}, {self.maximum}]: give radians")

    def quantile(self, u: ArrayLike) -> Array:
        """Value below which the fraction `u` in [0, 1] of the probability lies, same shape."""
        low, high = np.cos(self.minimum), np.cos(self.maximum)
        return np.asarray(np.arccos(np.clip(low + (high - low) * np.asarray(u, dtype=np.float64), -1.0, 1.0)))

    def _log_density(self, x: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.sin(x)) - np.log(np.cos(self.minimum) - np.cos(self.maximum)))


@dataclass(frozen=True)
class Cosine(Bounded):
    """Density proportional to cos x within [-pi/2, pi/2]: an isotropic latitude, rad."""

    minimum: float = -np.pi / 2.0
    maximum: float = np.pi / 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minimum < -np.pi / 2.0 or self.maximum > np.pi / 2.0:
            raise InputError(f"expected angles in [-pi/2, pi/2]; got [{self.minimum}, {self.maximum}]: give radians")

    def quantile(self, u: ArrayLike) -> Array:
        """Value below which the fraction `u` in [0, 1] of the probability lies, same shape."""
        low, high = np.sin(self.minimum), np.sin(self.maximum)
        return np.asarray(np.arcsin(np.clip(low + (high - low) * np.asarray(u, dtype=np.float64), -1.0, 1.0)))

    def _log_density(self, x: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.cos(x)) - np.log(np.sin(self.maximum) - np.sin(self.minimum)))


@dataclass(frozen=True)
class ProjectedSpin(Bounded):
    """Component of a spin along the orbital angular momentum: isotropic direction, magnitude uniform up to A.

    The density is ln(A / |chi|) / (2 A) on [-A, A] (arXiv:1805.10457, appendix; bilby's `AlignedSpin`), with

        F(chi) = 1/2 + chi / (2 A) (1 + ln(A / |chi|)).

    Attributes:
        greatest: greatest magnitude A.

    Example:
        >>> round(float(ProjectedSpin(0.99).quantile(0.95)), 3)
        0.582
    """

    greatest: float

    def __post_init__(self) -> None:
        check_kind("greatest", self.greatest, Real)
        super().__post_init__()

    @property
    def minimum(self) -> float:  # type: ignore[override]
        """Smallest component."""
        return -self.greatest

    @property
    def maximum(self) -> float:  # type: ignore[override]
        """Largest component."""
        return self.greatest

    def quantile(self, u: ArrayLike) -> Array:
        """Value below which the fraction `u` in [0, 1] of the probability lies, same shape."""
        share = 2.0 * np.asarray(u, dtype=np.float64) - 1.0
        return self.greatest * np.copysign(_solve_projection(np.abs(share)), share)

    def cumulative(self, x: ArrayLike) -> Array:
        """Probability below `x`, same shape."""
        place = np.clip(np.asarray(x, dtype=np.float64) / self.greatest, -1.0, 1.0)
        return np.asarray(0.5 + 0.5 * place * (1.0 - np.log(np.maximum(np.abs(place), _TINY))))

    def _log_density(self, x: Array) -> Array:
        with np.errstate(divide="ignore"):
            place = np.maximum(np.abs(x), _TINY) / self.greatest
            return np.asarray(np.log(-np.log(np.minimum(place, 1.0))) - np.log(2.0 * self.greatest))


def _solve_projection(share: Array) -> Array:
    """Solves y (1 - ln y) = share for y in [0, 1] by Newton's method for t = -ln y, where (1 + t) exp(-t) = share."""
    with np.errstate(divide="ignore", invalid="ignore"):
        target = -np.log(share)
        # t - ln(1 + t) = target: quadratic for small t, linear for large t.
        t = np.sqrt(2.0 * target) + target
        for _ in range(_NEWTON_STEPS):
            t = t - (t - np.log1p(t) - target) * (1.0 + t) / t
    return np.where(share >= 1.0, 1.0, np.where(share <= 0.0, 0.0, np.exp(-t)))
