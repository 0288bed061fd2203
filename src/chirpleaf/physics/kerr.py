"""The innermost stable circular orbit of a Kerr black hole (Bardeen, Press, Teukolsky 1972, eq. 2.21).

With a the dimensionless spin and r the radius in units of the mass,

    Z_1 = 1 + (1 - a^2)^(1/3) ((1 + a)^(1/3) + (1 - a)^(1/3)),        Z_2 = sqrt(3 a^2 + Z_1^2),
    r   = 3 + Z_2 -+ sqrt((3 - Z_1) (3 + Z_1 + 2 Z_2)),

minus for an orbit in the direction of the spin. The dominant mode of the waves has twice the frequency of the orbit,
f = 1 / (pi M (r^(3/2) + a)). At this frequency of the remnant, tests of general relativity split a signal into inspiral
and post-inspiral (arXiv:1704.06784).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.inspiral import SOLAR_MASS_SECONDS


def innermost_stable_radius(spin: ArrayLike) -> NDArray[np.float64]:
    """Radius of the innermost stable circular orbit in the equatorial plane.

    Args:
        spin: dimensionless spin, any shape; negative against the orbit.

    Returns:
        Radius in units of the mass (G = c = 1), same shape.

    Raises:
        InputError: a spin exceeds one.

    Example:
        >>> float(innermost_stable_radius(0.0)), float(innermost_stable_radius(-1.0))
        (6.0, 9.0)
    """
    a = np.asarray(spin, dtype=np.float64)
    if not np.all(np.abs(a) <= 1.0):
        raise InputError(f"expected spins within [-1, 1]; got {a[~(np.abs(a) <= 1.0)].flat[0]}: leave such holes out")
    first = 1 + np.cbrt(1 - a**2) * (np.cbrt(1 + a) + np.cbrt(1 - a))
    second = np.sqrt(3 * a**2 + first**2)
    return np.asarray(3 + second - np.sign(a) * np.sqrt((3 - first) * (3 + first + 2 * second)))


def innermost_stable_frequency(mass: ArrayLike, spin: ArrayLike) -> NDArray[np.float64]:
    """Frequency of the dominant gravitational-wave mode of a particle in the innermost stable circular orbit.

    Args:
        mass: mass of the hole in the detector frame, any shape, solar masses.
        spin: dimensionless spin, broadcasts with the mass; negative against the orbit.

    Returns:
        Hz, broadcast shape.

    Raises:
        InputError: a spin exceeds one.

    Example:
        >>> round(float(innermost_stable_frequency(68.2, 0.67)), 1)
        129.9
    """
    radius = innermost_stable_radius(spin)
    seconds = np.asarray(mass, dtype=np.float64) * SOLAR_MASS_SECONDS
    return np.asarray(1 / (np.pi * seconds * (radius**1.5 + np.asarray(spin))))
