"""One-dimensional distributions of the field: uniform, power law, and the two isotropic angles.

Each is a frozen dataclass that knows its quantile function F^(-1)(u) and its density, so that a draw is
x = F^(-1)(u) with u uniform in [0, 1).
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError

Array: TypeAlias = NDArray[np.float64]


class Distribution(Protocol):
    """What a one-dimensional prior offers."""

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n,) values."""
        ...

    def log_prob(self, x: ArrayLike) -> Array:
        """Normalised log density at `x`, same shape, minus infinity outside the support."""
        ...


class _Bounded:
    """A distribution on [minimum, maximum], in the unit of its parameter."""

    minimum: float
    maximum: float

    def __post_init__(self) -> None:
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
class Uniform(_Bounded):
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

    def _log_density(self, x: Array) -> Array:
        return np.full(x.shape, -np.log(self.maximum - self.minimum))


@dataclass(frozen=True)
class PowerLaw(_Bounded):
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
class Sine(_Bounded):
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
class Cosine(_Bounded):
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
