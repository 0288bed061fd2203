"""Distance of a prior file of bilby: a density of luminosity distance, redshift or comoving distance.

bilby's cosmological priors give the density of any of the three. Another density of the redshift becomes

    p(D_L) = p(z) dz / dD_L

in the universe of Planck 2015 (`physics.cosmology`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.inference.certify.settings import PriorSettings
from chirpleaf.physics.cosmology import expansion_table, luminosity_distance, redshift

Array = NDArray[np.float64]

DISTANCES = ("luminosity_distance", "redshift", "comoving_distance")
"""Parameters whose density gives that of the distance."""


@dataclass(frozen=True, eq=False)
class BilbyDistance:
    """Density of the luminosity distance.

    Attributes:
        prior: bilby's prior, bounded, Mpc.
    """

    prior: Any

    @property
    def minimum(self) -> float:
        """Smallest distance, Mpc."""
        return float(self.prior.minimum)

    @property
    def maximum(self) -> float:
        """Largest distance, Mpc."""
        return float(self.prior.maximum)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n,) values, Mpc."""
        return np.asarray(self.prior.rescale(rng.random(n)), dtype=np.float64)

    def log_prob(self, x: ArrayLike) -> Array:
        """Normalised log density at `x` (Mpc), same shape, minus infinity outside the support."""
        with np.errstate(all="ignore"):
            return np.asarray(self.prior.ln_prob(np.asarray(x, dtype=np.float64)), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class RedshiftDistance:
    """Density of the luminosity distance that follows from one of the redshift.

    Attributes:
        prior: bilby's prior of the redshift, bounded.
    """

    prior: Any

    @property
    def minimum(self) -> float:
        """Smallest distance, Mpc."""
        return float(luminosity_distance(self.prior.minimum))

    @property
    def maximum(self) -> float:
        """Largest distance, Mpc."""
        return float(luminosity_distance(self.prior.maximum))

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw (n,) values, Mpc."""
        return luminosity_distance(self.prior.rescale(rng.random(n)))

    def log_prob(self, x: ArrayLike) -> Array:
        """Normalised log density at `x` (Mpc), same shape, minus infinity outside the support."""
        x = np.asarray(x, dtype=np.float64)
        table = expansion_table()
        with np.errstate(all="ignore"):
            log_slope = np.interp(np.log(x), table.log_distance, table.log_redshift_slope)
            found = np.asarray(self.prior.ln_prob(redshift(x)), dtype=np.float64) + log_slope
        return np.where((x >= self.minimum) & (x <= self.maximum), found, -np.inf)


def read_distance(entries: Mapping[str, Any], settings: PriorSettings) -> BilbyDistance | RedshiftDistance:
    """The density of the luminosity distance.

    Args:
        entries: bilby's priors by name.
        settings: how wide it must be.

    Raises:
        InputError: the file gives none, more than one, or one that the likelihood does not support.
    """
    given = [name for name in DISTANCES if name in entries]
    if len(given) != 1:
        raise InputError(
            f"expected a prior of one of {', '.join(DISTANCES)}; got {' and '.join(given) or 'none'}: "
            "write luminosity_distance = PowerLaw(2, 100, 3000), or leave the others out"
        )
    name = given[0]
    prior = entries[name]
    if hasattr(prior, "condition_func"):
        raise InputError(f"expected a prior of {name} alone; got a conditional one: write it without")
    if not 0 <= prior.minimum < prior.maximum < np.inf:
        raise InputError(
            f"expected {name} within bounds; got [{prior.minimum:g}, {prior.maximum:g}]: give minimum and "
            "maximum, for example by PowerLaw or TruncatedGaussian"
        )
    distance = _convert(name, prior)
    near, far = np.quantile(_sample_checked(distance, name, settings.overlap_draws), [0.05, 0.95])
    if far < settings.narrowest_distances * near:
        raise InputError(
            f"expected a wider prior of {name}; got nine tenths of it in [{near:.4g}, {far:.4g}] Mpc: let the larger "
            f"be at least {settings.narrowest_distances:g} times the smaller"
        )
    return distance


def _sample_checked(distance: BilbyDistance | RedshiftDistance, name: str, n: int) -> Array:
    """Draws (n,) distances, Mpc, and refuses a prior whose numbers overflow."""
    try:
        with np.errstate(all="ignore"):
            values = distance.sample(n, np.random.default_rng(0))
            density = distance.log_prob(values)
    except ArithmeticError:
        values = density = np.array([np.nan])
    if not (np.isfinite(values).all() and np.isfinite(np.median(density))):
        raise InputError(
            f"expected a prior of {name} whose density can be computed; got one that is too steep: choose another one, "
            "such as PowerLaw(2, 100, 3000)"
        )
    return values


def _convert(name: str, prior: Any) -> BilbyDistance | RedshiftDistance:
    if name == "luminosity_distance":
        return BilbyDistance(prior)
    if hasattr(prior, "get_corresponding_prior"):  # bilby's cosmological priors
        return BilbyDistance(prior.get_corresponding_prior("luminosity_distance"))
    if name == "redshift":
        return RedshiftDistance(prior)
    raise InputError(
        f"expected a cosmological prior of {name}; got {type(prior).__name__}: write bilby.gw.prior.UniformSourceFrame"
        f"(minimum=10, maximum=10000, name='{name}')"
    )
