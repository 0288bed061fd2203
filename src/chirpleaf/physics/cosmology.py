"""Cosmology: redshift as a function of luminosity distance.

The redshift z is that of the flat Lambda-CDM universe of Planck 2015 (arXiv:1502.01589, table 4, last
column; astropy's `Planck15`), as in bilby and in the catalogues. A detector measures a source mass m as m (1 + z).
"""

from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_LARGEST_REDSHIFT = 20.0


def redshift(luminosity_distance: ArrayLike) -> Array:
    """Redshift at a luminosity distance (Mpc, any shape), same shape.

    Example:
        >>> round(float(redshift(440.0)), 3)
        0.093
    """
    distances, redshifts = _load_table()
    return np.interp(np.asarray(luminosity_distance, dtype=np.float64), distances, redshifts)


def luminosity_distance(redshift: ArrayLike) -> Array:
    """Luminosity distance at a redshift (any shape), Mpc, same shape.

    Example:
        >>> round(float(luminosity_distance(0.093)))
        440
    """
    distances, redshifts = _load_table()
    return np.interp(np.asarray(redshift, dtype=np.float64), redshifts, distances)


class ExpansionTable(NamedTuple):
    """Comoving volume as a function of luminosity distance.

    Attributes:
        log_distance: ln(D_L / Mpc), increasing, shape (n,).
        log_volume: ln of dV_C / dD_L / (4 pi D_L^2), shape (n,): zero nearby, where space is Euclidean.
        log_stretch: ln(1 + z), shape (n,).
        log_redshift_slope: ln of dz / dD_L, per Mpc, shape (n,).
    """

    log_distance: Array
    log_volume: Array
    log_stretch: Array
    log_redshift_slope: Array


@lru_cache(maxsize=1)
def expansion_table() -> ExpansionTable:
    """Comoving volume and redshift at the distances of the table, by differences between its neighbouring nodes.

    With D_C = D_L / (1 + z), dV_C / dD_L = 4 pi D_C^2 dD_C / dD_L in a flat universe (arXiv:astro-ph/9905116, equation
    28). The relative error of the density is below 1e-5.
    """
    distances, redshifts = _load_table()
    log_distance, log_stretch = np.log(distances[1:]), np.log1p(redshifts[1:])
    stretching = np.gradient(log_stretch, log_distance)  # d ln(1 + z) / d ln D_L
    log_volume = np.log1p(-stretching) - 3.0 * log_stretch
    return ExpansionTable(log_distance, log_volume, log_stretch, np.log(stretching) + log_stretch - log_distance)


def redshift_nodes() -> Array:
    """Redshifts of the table, increasing from zero, shape (8001,): fine enough for a relative error of 1e-6."""
    return np.concatenate([[0.0], np.geomspace(1e-5, _LARGEST_REDSHIFT, 8000)])


@lru_cache(maxsize=1)
def _load_table() -> tuple[Array, Array]:
    """Luminosity distances (Mpc) and redshifts, written by scripts/make_cosmology_table.py."""
    with (files("chirpleaf.physics") / "data" / "planck15.npz").open("rb") as file, np.load(file) as table:
        return table["luminosity_distance"], redshift_nodes()
