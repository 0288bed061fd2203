"""Newtonian chirp: how long a signal lasts and how its phase winds.

To leading order a binary that merges at t = 0 passes the frequency f at

    t(f) = -(5 / 256) (pi f)^(-8/3) (G M_c / c^3)^(-5/3),

and its Fourier phase is 2 pi (3/5) |t(f)| f (Maggiore, *Gravitational Waves* vol. 1, eqs. 4.19 and 4.37). Grids,
segments and template spacings are laid out with it; waveforms never are.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SOLAR_MASS_SECONDS = 4.925490947641267e-06
"""G M_sun / c^3 in seconds (lal.MTSUN_SI)."""


def chirp_time(chirp_mass: ArrayLike, frequency: ArrayLike) -> NDArray[np.float64]:
    """Time from the passage of `frequency` to the merger.

    Args:
        chirp_mass: detector-frame chirp mass, any shape, solar masses.
        frequency: gravitational-wave frequency, broadcastable, Hz.

    Returns:
        Time to merger, broadcast shape, seconds (positive).
    """
    scale = np.asarray(chirp_mass, dtype=np.float64) * SOLAR_MASS_SECONDS
    return 5 / 256 * (np.pi * np.asarray(frequency, dtype=np.float64)) ** (-8 / 3) * scale ** (-5 / 3)


def chirp_phase(chirp_mass: ArrayLike, frequency: ArrayLike) -> NDArray[np.float64]:
    """Leading-order Fourier phase 2 pi (3/5) t(f) f = (3/128) (pi G M_c f / c^3)^(-5/3).

    Args:
        chirp_mass: detector-frame chirp mass, any shape, solar masses.
        frequency: gravitational-wave frequency, broadcastable, Hz.

    Returns:
        Phase, broadcast shape, rad.
    """
    return 2 * np.pi * 3 / 5 * chirp_time(chirp_mass, frequency) * np.asarray(frequency, dtype=np.float64)
