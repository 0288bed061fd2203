"""One-dimensional prior distributions: uniform, power law, the two isotropic angles, and comoving volume.

Each is a frozen dataclass with quantile function F^(-1)(u) and density. A draw is x = F^(-1)(u) with u uniform in
[0, 1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.cosmology import redshift

Array: TypeAlias = NDArray[np.float64]


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


@dataclass(frozen=True)
class UniformComovingVolume(_Bounded):
    """Luminosity distances of sources that are uniform in comoving volume, Mpc.

    In the flat universe of Planck 2015, with D_C the comoving distance and E the expansion rate in units of H_0,

        p(D_L) proportional to (dV_C / dz) / (dD_L / dz) = 4 pi D_C^2 / (E D_C H_0 / c + 1 + z)

    (arXiv:astro-ph/9905116, equations 16, 21 and 28). As bilby's prior of this name.

    Example:
        >>> near, far = UniformComovingVolume(100.0, 3000.0).quantile([0.5, 0.9])
        >>> int(near), int(far)
        (2194, 2857)
    """

    minimum: float
    maximum: float
    evolution: ClassVar[float] = 0.0
    """Power of 1 + z to which the detected rate per comoving volume is proportional."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.minimum < self.maximum <= _FARTHEST:
            raise InputError(
                f"expected distances from 0 to {_FARTHEST:g} Mpc; got [{self.minimum}, {self.maximum}]: give Mpc"
            )

    def quantile(self, u: ArrayLike) -> Array:
        """Value below which the fraction `u` in [0, 1] of the probability lies, same shape."""
        grid, cumulative = self._cumulative
        return np.interp(np.asarray(u, dtype=np.float64), cumulative / cumulative[-1], grid)

    def _log_density(self, x: Array) -> Array:
        return self._log_unnormalised(x) - float(np.log(self._cumulative[1][-1]))

    def _log_unnormalised(self, x: Array) -> Array:
        """Unnormalised log density: D_L^2 times a correction that is smooth in ln D_L."""
        with np.errstate(divide="ignore"):
            log_x = np.log(x)
        return 2.0 * log_x + np.asarray(self._correction(np.maximum(log_x, np.log(_NEAREST))))

    @cached_property
    def _correction(self) -> Callable[[Array], Array]:
        """Spline of ln(p(D_L) / D_L^2) over ln D_L."""
        from astropy.cosmology import Planck15  # noqa: PLC0415 - takes half a second
        from scipy.interpolate import CubicSpline  # noqa: PLC0415 - astropy's distances need it anyway

        nearest, farthest = redshift([max(self.minimum, _NEAREST), self.maximum])
        z = np.geomspace(0.99 * nearest, 1.01 * farthest, 400)
        comoving = np.asarray(Planck15.comoving_distance(z).value)
        stretch = np.asarray(Planck15.efunc(z)) * comoving / float(Planck15.hubble_distance.value) + 1.0 + z
        log_density = 2.0 * np.log(comoving) - np.log(stretch) + self.evolution * np.log1p(z)
        log_distance = np.log(comoving * (1.0 + z))
        spline: Callable[[Array], Array] = CubicSpline(log_distance, log_density - 2.0 * log_distance)
        return spline

    @cached_property
    def _cumulative(self) -> tuple[Array, Array]:
        """Distances and the unnormalised cumulative distribution there, by three-point Gauss quadrature."""
        grid = np.linspace(self.minimum, self.maximum, 4097)
        nodes, weights = np.polynomial.legendre.leggauss(3)
        half = np.diff(grid) / 2.0
        inner = grid[:-1, None] + half[:, None] * (nodes + 1.0)
        cells = half * np.sum(weights * np.exp(self._log_unnormalised(inner)), axis=1)
        return grid, np.concatenate([[0.0], np.cumsum(cells)])


@dataclass(frozen=True)
class UniformSourceFrame(UniformComovingVolume):
    """Luminosity distances of sources that are uniform in comoving volume and source-frame time, Mpc.

    As bilby's prior of this name.

    Example:
        >>> int(UniformSourceFrame(100.0, 3000.0).quantile(0.5))
        2132
    """

    evolution: ClassVar[float] = -1.0


_NEAREST = 0.01
"""Distance below which space is Euclidean, Mpc."""

_FARTHEST = 2e5
"""Distance at which the redshifts of `cosmology` end, Mpc."""
