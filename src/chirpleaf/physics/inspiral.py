"""Inspiral: duration and phase of a chirp to low post-Newtonian order.

To leading order a binary that merges at t = 0 passes the frequency f at

    t(f) = -(5 / 256) (pi f)^(-8/3) (G M_c / c^3)^(-5/3),

and its Fourier phase is 2 pi (3/5) |t(f)| f (Maggiore, *Gravitational Waves* vol. 1, eqs. 4.19 and 4.37). To second
post-Newtonian order, spin-spin terms left out, the phase is a sum of powers of the frequency and the chirp mass with
coefficients of the mass ratio and the spins (arXiv:0907.0700, eq. 3.18; arXiv:0909.2867 for the spins),

    psi(f) = sum_i A_i(q, chi_1, chi_2) (3/128) (pi G M_c f / c^3)^(p_i),      p = (-5/3, -1, -2/3, -1/3).

Grids, segments, template spacings and coordinates use these formulae; waveforms do not.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.physics.conversions import Real, chi_eff, symmetric_mass_ratio

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


PHASE_EXPONENTS = (-5 / 3, -1.0, -2 / 3, -1 / 3)
"""Powers of pi G M_c f / c^3 in the post-Newtonian phase, leading order first."""


def phase_powers(chirp_mass: ArrayLike, frequency: ArrayLike) -> NDArray[np.float64]:
    """The functions of frequency in the post-Newtonian phase, (3/128) (pi G M_c f / c^3)^(p_i).

    Args:
        chirp_mass: detector-frame chirp mass, any shape, solar masses.
        frequency: gravitational-wave frequency, broadcastable, Hz.

    Returns:
        One row for each of `PHASE_EXPONENTS`, shape (4, ...), rad.
    """
    scale = np.asarray(chirp_mass, dtype=np.float64) * SOLAR_MASS_SECONDS
    speed = np.pi * scale * np.asarray(frequency, dtype=np.float64)
    return np.stack([3 / 128 * speed**power for power in PHASE_EXPONENTS])


def phase_coefficients(mass_ratio: Real, chi_1: Real, chi_2: Real) -> tuple[Real, Real, Real, Real]:
    """Coefficients A_i of the post-Newtonian phase: arithmetic alone, as in `conversions`.

    Args:
        mass_ratio: m_2 / m_1, any shape.
        chi_1: aligned dimensionless spin of the heavier body.
        chi_2: the same of the lighter body.

    Returns:
        One coefficient for each of `PHASE_EXPONENTS`, in the shape of the arguments.
    """
    eta = symmetric_mass_ratio(mass_ratio)
    spin = 113 / 3 * chi_eff(mass_ratio, chi_1, chi_2) - 38 / 3 * eta * (chi_1 + chi_2)
    return (
        eta / eta,
        eta**-0.4 * (3715 / 756 + 55 / 9 * eta),
        eta**-0.6 * (spin - 16 * math.pi),
        eta**-0.8 * (15293365 / 508032 + 27145 / 504 * eta + 3085 / 72 * eta * eta),
    )
