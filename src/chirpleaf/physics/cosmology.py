"""Cosmology: how far is how red.

The redshift z at a luminosity distance, in the flat Lambda-CDM universe of Planck 2015 (arXiv:1502.01589, table 4, last
column; astropy's `Planck15`), as bilby and the catalogues have it. What a detector sees of a mass m is m (1 + z).
"""

from functools import lru_cache

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
    distances, redshifts = _table()
    return np.interp(np.asarray(luminosity_distance, dtype=np.float64), distances, redshifts)


@lru_cache(maxsize=1)
def _table() -> tuple[Array, Array]:
    """Luminosity distances (Mpc) and redshifts, fine enough for a relative error of 1e-6."""
    from astropy.cosmology import Planck15  # noqa: PLC0415 - takes half a second

    redshifts = np.concatenate([[0.0], np.geomspace(1e-5, _LARGEST_REDSHIFT, 8000)])
    return np.asarray(Planck15.luminosity_distance(redshifts).value), redshifts
