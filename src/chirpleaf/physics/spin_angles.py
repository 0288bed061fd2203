"""Spins of precessing binaries: components about the line of sight, and the angles of bilby and LALSimulation.

The posterior of a precessing binary is over nine numbers (`PRECESSING`). Two masses; and, in a frame whose z axis is
the orbital angular momentum L and whose x axis is the projection of the line of sight N onto the orbital plane, all at
the reference frequency,

    chi_i              component of spin i along L,
    chi_i_in_plane     length of its projection onto the orbital plane,
    azimuth_i          azimuth of that projection, in [0, 2 pi),
    cos_iota           N L, the cosine of the inclination.

The spins are thus fixed with respect to the observer and not to the line between the two bodies. An orbital phase phi
then turns the bodies alone, and enters as exp(i m phi) in each harmonic m. LALSimulation measures azimuths from the
line between the bodies, where N has the azimuth pi/2 - phi: its azimuths are azimuth_i + pi/2 - phi.

bilby describes the same binary by magnitudes a_i, tilts from L, phi_12 = azimuth_2 - azimuth_1, and by the angles of N
and L about the total angular momentum J = L + m_1^2 chi_1 + m_2^2 chi_2 (`theta_jn`, `phi_jl`), where

    |L| = (eta M^2 / v) (1 + v^2 (3/2 + eta/6)),        v = (pi G M f_ref / c^3)^(1/3),

as `SimInspiralTransformPrecessingNewInitialConditions` of LALSimulation has it (arXiv:1409.7215, section II). For an
isotropic N and isotropic spins, cos(theta_jn), phi_jl and phi_12 are uniform exactly when cos_iota and both azimuths
are: the two descriptions are rotations of each other, of Jacobian one. The in-plane spins of `chi_p` are those of
arXiv:1408.1810.
"""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.physics.conversions import component_masses, symmetric_mass_ratio
from chirpleaf.physics.inspiral import SOLAR_MASS_SECONDS

Array: TypeAlias = NDArray[np.float64]
Samples: TypeAlias = dict[str, Array]

PRECESSING = (
    *("chirp_mass", "mass_ratio", "chi_1", "chi_2"),
    *("chi_1_in_plane", "azimuth_1", "chi_2_in_plane", "azimuth_2", "cos_iota"),
)
"""The nine numbers, in order."""
SPIN_ANGLES = ("a_1", "a_2", "tilt_1", "tilt_2", "phi_12", "phi_jl", "theta_jn")
"""bilby's names of spins and inclination."""


def to_spin_angles(binaries: Mapping[str, ArrayLike], reference_frequency: float) -> Samples:
    """bilby's angles of precessing binaries.

    Args:
        binaries: the nine numbers by name (`PRECESSING`), each (n,) or a float; further keys are ignored.
        reference_frequency: frequency at which spins and inclination are given, Hz.

    Returns:
        `SPIN_ANGLES` by name, each (n,): magnitudes, and angles in rad, phi_12 and phi_jl in [0, 2 pi).

    Example:
        >>> still = dict.fromkeys(PRECESSING, 0.0) | {"chirp_mass": 30.0, "mass_ratio": 0.8, "cos_iota": 0.5}
        >>> round(float(to_spin_angles(still, 20.0)["theta_jn"][0]), 6)
        1.047198
    """
    value = {name: np.atleast_1d(np.asarray(binaries[name], dtype=np.float64)) for name in PRECESSING}
    radius_1, radius_2 = value["chi_1_in_plane"], value["chi_2_in_plane"]
    spin_1 = _vector(radius_1, value["azimuth_1"], value["chi_1"])
    spin_2 = _vector(radius_2, value["azimuth_2"], value["chi_2"])
    cosine = value["cos_iota"].clip(-1.0, 1.0)
    sight = _vector(np.sqrt(1 - cosine**2), np.zeros_like(cosine), cosine)
    axes = _total_axes(spin_1, spin_2, value["chirp_mass"], value["mass_ratio"], reference_frequency)
    along, across, third = (np.sum(axis * sight, axis=-1) for axis in axes)
    return {
        **describe_spins(value),
        "phi_jl": np.mod(np.arctan2(across, third), 2 * np.pi),
        "theta_jn": np.arctan2(np.hypot(across, third), along),
    }


def describe_spins(binaries: Mapping[str, ArrayLike]) -> Samples:
    """Magnitudes, tilts and relative azimuth of the spins.

    Args:
        binaries: the spins among the nine numbers by name, each (n,) or a float; further keys are ignored.

    Returns:
        `a_1`, `a_2`, `tilt_1`, `tilt_2` (rad) and `phi_12` (rad, in [0, 2 pi)) by name, each (n,).
    """
    radius = {body: np.atleast_1d(np.asarray(binaries[f"chi_{body}_in_plane"], dtype=np.float64)) for body in (1, 2)}
    along = {body: np.asarray(binaries[f"chi_{body}"], dtype=np.float64) for body in (1, 2)}
    turn = np.asarray(binaries["azimuth_2"], dtype=np.float64) - np.asarray(binaries["azimuth_1"], dtype=np.float64)
    return {
        **{f"a_{body}": np.hypot(radius[body], along[body]) for body in (1, 2)},
        **{f"tilt_{body}": np.arctan2(radius[body], along[body]) for body in (1, 2)},
        "phi_12": np.mod(np.atleast_1d(turn), 2 * np.pi),
    }


def from_spin_angles(binaries: Mapping[str, ArrayLike], reference_frequency: float) -> Samples:
    """Inverse of `to_spin_angles`.

    Args:
        binaries: chirp_mass (detector frame, solar masses), mass_ratio and `SPIN_ANGLES` by name, each (n,) or a float;
            further keys are ignored.
        reference_frequency: frequency at which spins and inclination are given, Hz.

    Returns:
        The nine numbers by name, each (n,).
    """
    names = ("chirp_mass", "mass_ratio", *SPIN_ANGLES)
    value = {name: np.atleast_1d(np.asarray(binaries[name], dtype=np.float64)) for name in names}
    (radius_1, chi_1), (radius_2, chi_2) = (_tilt(value[f"a_{body}"], value[f"tilt_{body}"]) for body in (1, 2))
    # The frame whose x axis is the in-plane part of the first spin.
    spin_1 = _vector(radius_1, np.zeros_like(radius_1), chi_1)
    spin_2 = _vector(radius_2, value["phi_12"], chi_2)
    axes = _total_axes(spin_1, spin_2, value["chirp_mass"], value["mass_ratio"], reference_frequency)
    sine = np.sin(value["theta_jn"])
    parts = (np.cos(value["theta_jn"]), sine * np.sin(value["phi_jl"]), sine * np.cos(value["phi_jl"]))
    sight = sum((part[..., None] * axis for part, axis in zip(parts, axes, strict=True)), np.zeros(3))
    azimuth = np.arctan2(sight[..., 1], sight[..., 0])
    return {
        "chirp_mass": value["chirp_mass"],
        "mass_ratio": value["mass_ratio"],
        "chi_1": chi_1,
        "chi_2": chi_2,
        "chi_1_in_plane": radius_1,
        "azimuth_1": np.mod(-azimuth, 2 * np.pi),
        "chi_2_in_plane": radius_2,
        "azimuth_2": np.mod(value["phi_12"] - azimuth, 2 * np.pi),
        "cos_iota": sight[..., 2].clip(-1.0, 1.0),
    }


def to_components(binaries: Mapping[str, ArrayLike], phase: ArrayLike = 0.0) -> Samples:
    """Spins and inclination as LALSimulation takes them, with x along the line between the bodies.

    Args:
        binaries: the spins among the nine numbers and `cos_iota`, each (n,) or a float; in-plane spins that are missing
            are zero. Further keys are ignored.
        phase: orbital phase at the reference frequency, rad, broadcasts with them.

    Returns:
        `spin_1x` ... `spin_2z` and `iota` (rad) by name, each (n,).
    """
    phase = np.asarray(phase, dtype=np.float64)
    found = {}
    for body in (1, 2):
        radius = np.asarray(binaries.get(f"chi_{body}_in_plane", 0.0), dtype=np.float64)
        azimuth = np.asarray(binaries.get(f"azimuth_{body}", 0.0), dtype=np.float64) + np.pi / 2 - phase
        found[f"spin_{body}x"], found[f"spin_{body}y"] = radius * np.cos(azimuth), radius * np.sin(azimuth)
        found[f"spin_{body}z"] = np.asarray(binaries[f"chi_{body}"], dtype=np.float64)
    found["iota"] = np.arccos(np.asarray(binaries["cos_iota"], dtype=np.float64).clip(-1.0, 1.0))
    columns = np.broadcast_arrays(*(np.atleast_1d(column) for column in found.values()))
    return dict(zip(found, columns, strict=True))


def chi_p(mass_ratio: ArrayLike, chi_1_in_plane: ArrayLike, chi_2_in_plane: ArrayLike) -> Array:
    """Effective precession spin (arXiv:1408.1810, eq. 3.4).

    Args:
        mass_ratio: m_2 / m_1, any shape; the others broadcast with it.
        chi_1_in_plane: in-plane spin of the heavier body.
        chi_2_in_plane: the same of the lighter body.

    Returns:
        max(chi_1_in_plane, q (4 q + 3) / (4 + 3 q) chi_2_in_plane), of the broadcast shape, in [0, 1].

    Example:
        >>> float(chi_p(1.0, 0.2, 0.6))
        0.6
    """
    q = np.asarray(mass_ratio, dtype=np.float64)
    return np.maximum(chi_1_in_plane, q * (4 * q + 3) / (4 + 3 * q) * np.asarray(chi_2_in_plane, dtype=np.float64))


def _tilt(magnitude: Array, tilt: Array) -> tuple[Array, Array]:
    """In-plane length, exactly zero at a tilt of pi, and component along L."""
    return np.where(tilt == np.pi, 0.0, magnitude * np.sin(tilt)), magnitude * np.cos(tilt)


def _vector(radius: Array, azimuth: Array, z: Array) -> Array:
    """Vectors (n, 3) by cylindrical coordinates."""
    return np.stack(np.broadcast_arrays(radius * np.cos(azimuth), radius * np.sin(azimuth), z), axis=-1)


def _total_axes(
    spin_1: Array, spin_2: Array, chirp_mass: Array, mass_ratio: Array, reference_frequency: float
) -> tuple[Array, Array, Array]:
    """Unit vectors along J, along the part of L across J, and along J x L, each (n, 3); L is the z axis."""
    mass_1, mass_2 = component_masses(chirp_mass, mass_ratio)
    total, eta = mass_1 + mass_2, symmetric_mass_ratio(mass_ratio)
    v = np.cbrt(np.pi * SOLAR_MASS_SECONDS * total * reference_frequency)
    orbital = eta * total**2 / v * (1 + v**2 * (1.5 + eta / 6))
    momentum = mass_1[:, None] ** 2 * spin_1 + mass_2[:, None] ** 2 * spin_2
    momentum[:, 2] += orbital
    # Without spins in the plane, theta_jn is the inclination of L by bilby's convention, also where J is opposite to L.
    still = (spin_1[:, :2] == 0).all(axis=1) & (spin_2[:, :2] == 0).all(axis=1)
    momentum[still, 2] = orbital[still]
    along = momentum / np.linalg.norm(momentum, axis=-1, keepdims=True)
    # Written with angles, so that the axes have a limit for spins along L.
    azimuth, sine = np.arctan2(along[:, 1], along[:, 0]), np.hypot(along[:, 0], along[:, 1])
    across = _vector(-along[:, 2], azimuth, sine)
    return along, across, np.cross(along, across)
