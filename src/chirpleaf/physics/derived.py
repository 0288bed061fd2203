"""What follows from the four intrinsic parameters, and from the distance."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from chirpleaf.physics import remnant
from chirpleaf.physics.conversions import chi_eff, component_masses
from chirpleaf.physics.cosmology import redshift

Array = NDArray[np.float64]
Samples = dict[str, Array]
"""Parameter name to values, each of shape (n,), in the units of `physics.parameters`."""


def derived(chirp_mass: Array, mass_ratio: Array, chi_1: Array, chi_2: Array) -> Samples:
    """Everything that follows from the four intrinsic parameters, and they themselves.

    Args:
        chirp_mass: detector frame, shape (n,), solar masses.
        mass_ratio: m_2 / m_1, shape (n,).
        chi_1: aligned spin of the heavier body, shape (n,).
        chi_2: of the lighter one, shape (n,).

    Returns:
        Name to values, shape (n,): component and total masses, effective spin, mass and spin of the remnant and its
        (2, 2, 0) quasi-normal mode, dimensionless and physical.
    """
    mass_1, mass_2 = component_masses(chirp_mass, mass_ratio)
    final_mass = remnant.final_mass(mass_1, mass_2, chi_1, chi_2)
    final_spin = remnant.final_spin(mass_1, mass_2, chi_1, chi_2)
    omega_r, omega_i = remnant.quasi_normal_frequency(final_spin)
    return {
        "chirp_mass": chirp_mass,
        "mass_ratio": mass_ratio,
        "mass_1": mass_1,
        "mass_2": mass_2,
        "total_mass": mass_1 + mass_2,
        "chi_1": chi_1,
        "chi_2": chi_2,
        "chi_eff": chi_eff(mass_ratio, chi_1, chi_2),
        "final_mass": final_mass,
        "final_spin": final_spin,
        "omega_r": omega_r,
        "omega_i": omega_i,
        "f_220": remnant.f_220(final_mass, final_spin),
        "tau_220": remnant.tau_220(final_mass, final_spin),
    }


def source_frame(samples: Mapping[str, Array]) -> Samples:
    """What follows from a distance: the redshift, and masses as they are at the source.

    Args:
        samples: masses in the detector frame (solar masses) and luminosity_distance (Mpc), each of shape (n,).

    Returns:
        `redshift` and the masses with names that end in `_source`, each of shape (n,).
    """
    z = redshift(samples["luminosity_distance"])
    masses = ("chirp_mass", "mass_1", "mass_2", "total_mass", "final_mass")
    return {"redshift": z, **{f"{name}_source": samples[name] / (1 + z) for name in masses}}
