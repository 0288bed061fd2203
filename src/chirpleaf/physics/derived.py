"""Parameters that follow from the intrinsic parameters, and from the distance."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from chirpleaf.physics import remnant
from chirpleaf.physics.conversions import chi_eff, component_masses
from chirpleaf.physics.cosmology import redshift

Array = NDArray[np.float64]
Samples = dict[str, Array]
"""Parameter name to values, each of shape (n,), in the units of `physics.parameters`."""


def derived(intrinsic: Mapping[str, Array]) -> Samples:
    """The intrinsic parameters and everything that follows from them.

    Args:
        intrinsic: `chirp_mass` (detector frame, solar masses), `mass_ratio` and the aligned spins `chi_1` and `chi_2`,
            each of shape (n,). A spin that is missing counts as zero; further keys are ignored.

    Returns:
        Name to values, shape (n,): the intrinsic parameters, component and total masses, effective spin, mass and spin
        of the remnant, and its (2, 2, 0) quasi-normal mode, dimensionless and physical.
    """
    chirp_mass, mass_ratio = (np.asarray(intrinsic[name], dtype=np.float64) for name in ("chirp_mass", "mass_ratio"))
    chi_1, chi_2 = (
        np.asarray(intrinsic.get(name, np.zeros_like(chirp_mass)), dtype=np.float64) for name in ("chi_1", "chi_2")
    )
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
    """Parameters that follow from a distance: the redshift and the masses in the frame of the source.

    Args:
        samples: masses in the detector frame (solar masses) and luminosity_distance (Mpc), each of shape (n,).

    Returns:
        `redshift` and the masses with names that end in `_source`, each of shape (n,).
    """
    z = redshift(samples["luminosity_distance"])
    masses = ("chirp_mass", "mass_1", "mass_2", "total_mass", "final_mass")
    return {"redshift": z, **{f"{name}_source": samples[name] / (1 + z) for name in masses}}
