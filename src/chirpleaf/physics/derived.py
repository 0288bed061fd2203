"""Parameters that follow from the intrinsic parameters, from the distance, and from the inclination."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from chirpleaf.physics import remnant
from chirpleaf.physics.conversions import chi_eff, component_masses
from chirpleaf.physics.cosmology import redshift
from chirpleaf.physics.spin_angles import chi_p, describe_spins

Array = NDArray[np.float64]
Samples = dict[str, Array]
"""Parameter name to values, each of shape (n,), in the units of `physics.parameters`."""

IN_PLANE = ("chi_1_in_plane", "azimuth_1", "chi_2_in_plane", "azimuth_2")
"""The spins in the orbital plane (`physics.spin_angles`)."""


def derived(intrinsic: Mapping[str, Array]) -> Samples:
    """The intrinsic parameters and everything that follows from them.

    Args:
        intrinsic: `chirp_mass` (detector frame, solar masses), `mass_ratio` and the aligned spins `chi_1` and `chi_2`,
            each of shape (n,). A spin that is missing counts as zero. Of precessing binaries, in addition
            `chi_1_in_plane`, `azimuth_1`, `chi_2_in_plane` and `azimuth_2`. Further keys are ignored.

    Returns:
        Name to values, shape (n,): the intrinsic parameters, component and total masses, effective spin, mass and spin
        of the remnant, and its (2, 2, 0) quasi-normal mode, dimensionless and physical. Of precessing binaries, also
        chi_p, and magnitudes, tilts and relative azimuth of the spins.
    """
    chirp_mass, mass_ratio = (np.asarray(intrinsic[name], dtype=np.float64) for name in ("chirp_mass", "mass_ratio"))
    chi_1, chi_2 = (
        np.asarray(intrinsic.get(name, np.zeros_like(chirp_mass)), dtype=np.float64) for name in ("chi_1", "chi_2")
    )
    mass_1, mass_2 = component_masses(chirp_mass, mass_ratio)
    final_mass = remnant.final_mass(mass_1, mass_2, chi_1, chi_2)
    final_spin = remnant.final_spin(mass_1, mass_2, chi_1, chi_2)
    precession = _describe_precession(intrinsic, mass_ratio) if set(IN_PLANE) <= set(intrinsic) else {}
    if precession:
        in_plane = remnant.in_plane_spin(mass_1, mass_2, *(intrinsic[name] for name in IN_PLANE))
        final_spin = np.copysign(np.hypot(final_spin, in_plane), final_spin)
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
        **precession,
        "final_mass": final_mass,
        "final_spin": final_spin,
        "omega_r": omega_r,
        "omega_i": omega_i,
        "f_220": remnant.f_220(final_mass, final_spin),
        "tau_220": remnant.tau_220(final_mass, final_spin),
    }


def add_derived(samples: Samples) -> Samples:
    """The samples with all parameters that follow from masses and spins.

    Args:
        samples: the intrinsic parameters of `derived` and any others, each of shape (n,).
    """
    return {**samples, **derived(samples)}


def _describe_precession(intrinsic: Mapping[str, Array], mass_ratio: Array) -> Samples:
    """The in-plane spins and what follows from them."""
    in_plane = {name: np.asarray(intrinsic[name], dtype=np.float64) for name in IN_PLANE}
    spins = {"chi_1": intrinsic["chi_1"], "chi_2": intrinsic["chi_2"], **in_plane}
    return {
        **in_plane,
        "chi_p": chi_p(mass_ratio, in_plane["chi_1_in_plane"], in_plane["chi_2_in_plane"]),
        **describe_spins(spins),
    }


def viewing_angle(theta_jn: Array) -> Array:
    """Angle between the line of sight and the nearer end of the total angular momentum's axis.

    Args:
        theta_jn: inclination of the total angular momentum, any shape, rad.

    Returns:
        min(theta_jn, pi - theta_jn), same shape, rad.
    """
    return np.minimum(theta_jn, np.pi - theta_jn)


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
