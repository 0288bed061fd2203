"""Prior distributions of the luminosity distance: uniform in comoving volume, or also in the source frame's time."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from chirpleaf.errors import InputError
from chirpleaf.physics.cosmology import expansion_table
from chirpleaf.physics.distributions import Array, Bounded


@dataclass(frozen=True)
class UniformComovingVolume(Bounded):
    """Luminosity distances of sources that are uniform in comoving volume, Mpc.

    In the flat universe of Planck 2015, with D_C the comoving distance,

        p(D_L) proportional to dV_C / dD_L = 4 pi D_C^2 dD_C / dD_L,        D_L = (1 + z) D_C

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
        table = expansion_table()
        return 2.0 * log_x + np.interp(log_x, table.log_distance, table.log_volume + self.evolution * table.log_stretch)

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


_FARTHEST = 2e5
"""Distance at which the redshifts of `cosmology` end, Mpc."""
