"""The remnant black hole: its mass, its spin, and its dominant quasi-normal mode.

Final mass and spin of aligned-spin binaries follow the fits to numerical relativity of Jimenez-Forteza et al.
(arXiv:1611.00332, "UIB2016"). With eta the symmetric mass ratio, S the effective spin (m_1^2 chi_1 + m_2^2 chi_2) /
(m_1^2 + m_2^2), d chi = chi_1 - chi_2 and delta = sqrt(1 - 4 eta),

    M_f / M = 1 - E_rad(eta, S, d chi)                                                   (eq. 28)
    chi_f   = (m_1^2 chi_1 + m_2^2 chi_2) / M^2 + L_orb(eta, S, d chi)                   (eq. 16).

The l = m = 2, n = 0 quasi-normal mode of the remnant is proportional to exp(-i (omega_r - i omega_i) t / M_f); its
frequency and damping time are f_220 = omega_r / (2 pi M_f) and tau_220 = M_f / omega_i. Negative final spin means that
the hole spins against the orbit. The table comes from `scripts/make_qnm_table.py`.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import as_file, files
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.conversions import symmetric_mass_ratio
from chirpleaf.physics.inspiral import SOLAR_MASS_SECONDS

Array: TypeAlias = NDArray[np.float64]

_DATA = files("chirpleaf.physics") / "data"


def final_mass(mass_1: ArrayLike, mass_2: ArrayLike, chi_1: ArrayLike, chi_2: ArrayLike) -> Array:
    """Mass of the remnant of an aligned-spin binary (arXiv:1611.00332, eq. 28).

    Args:
        mass_1: mass of one hole, any shape and unit; the others broadcast with it.
        mass_2: mass of the other, same unit.
        chi_1: dimensionless spin of the first along the orbital angular momentum, in [-1, 1].
        chi_2: the same of the second.

    Returns:
        Final mass, broadcast shape, in the unit (and frame) of the masses.

    Raises:
        InputError: when a mass is not positive or a spin exceeds one.

    Example:
        >>> round(float(final_mass(36.0, 29.0, 0.0, 0.0)), 2)
        61.92
    """
    binary = _binary(mass_1, mass_2, chi_1, chi_2)
    c, eta, spin = _coefficients("radiated_energy"), binary.eta, binary.effective_spin

    def at_eta(f0: float, f1: float) -> Array:
        """Quadratic in eta that is one at equal masses."""
        return f0 + f1 * eta + (16.0 - 16.0 * f0 - 4.0 * f1) * eta**2

    non_spinning = (1.0 - 2.0 / 3.0 * np.sqrt(2.0)) * eta + c["a2"] * eta**2 + c["a3"] * eta**3 + c["a4"] * eta**4
    numerator = (
        1.0
        + c["b10"] * c["b1"] * spin * at_eta(c["f10"], c["f11"])
        + c["b20"] * c["b2"] * spin**2 * at_eta(c["f20"], c["f21"])
        + c["b30"] * c["b3"] * spin**3 * at_eta(c["f30"], c["f31"])
    )
    denominator = 1.0 + c["b50"] * c["b5"] * spin * at_eta(c["f50"], c["f51"])
    unequal_spins = (
        c["d10"] * binary.delta * eta**2 * (1.0 + c["d11"] * eta) * binary.spin_difference
        + c["d30"] * spin * binary.delta * eta * (1.0 + c["d31"] * eta) * binary.spin_difference
        + c["d20"] * eta**3 * binary.spin_difference**2
    )
    radiated_energy = non_spinning * numerator / denominator + unequal_spins
    return np.asarray(binary.total_mass * (1.0 - radiated_energy))


def final_spin(mass_1: ArrayLike, mass_2: ArrayLike, chi_1: ArrayLike, chi_2: ArrayLike) -> Array:
    """Dimensionless spin of the remnant along the orbital angular momentum (arXiv:1611.00332, eq. 16).

    Args:
        mass_1: mass of one hole, any shape and unit; the others broadcast with it.
        mass_2: mass of the other, same unit.
        chi_1: dimensionless spin of the first along the orbital angular momentum, in [-1, 1].
        chi_2: the same of the second.

    Returns:
        Final spin, broadcast shape; negative when the hole spins against the orbit.

    Raises:
        InputError: when a mass is not positive or a spin exceeds one.

    Example:
        >>> round(float(final_spin(36.0, 29.0, 0.0, 0.0)), 3)
        0.68
    """
    binary = _binary(mass_1, mass_2, chi_1, chi_2)
    c, eta, spin = _coefficients("final_spin"), binary.eta, binary.effective_spin

    def at_eta(f1: float, f2: float) -> Array:
        """Cubic in eta without constant term that is one at equal masses."""
        return f1 * eta + f2 * eta**2 + (64.0 - 16.0 * f1 - 4.0 * f2) * eta**3

    non_spinning = (2.0 * np.sqrt(3.0) * eta + c["a20"] * c["a2"] * eta**2 + c["a30"] * c["a3"] * eta**3) / (
        1.0 + c["a50"] * c["a5"] * eta
    )
    numerator = (
        c["b10"] * c["b1"] * spin * at_eta(c["f11"], c["f12"])
        + c["b20"] * c["b2"] * spin**2 * at_eta(c["f21"], c["f22"])
        + c["b30"] * c["b3"] * spin**3 * at_eta(c["f31"], c["f32"])
    )
    f50, f51, f52 = c["f50"], c["f51"], c["f52"]
    cubic = f50 + f51 * eta + f52 * eta**2 + (64.0 - 64.0 * f50 - 16.0 * f51 - 4.0 * f52) * eta**3
    denominator = 1.0 + c["b50"] * c["b5"] * spin * cubic
    unequal_spins = (
        c["d10"] * binary.delta * eta**2 * (1.0 + c["d11"] * eta) * binary.spin_difference
        + c["d30"] * spin * binary.delta * eta**3 * (1.0 + c["d31"] * eta) * binary.spin_difference
        + c["d20"] * eta**3 * binary.spin_difference**2
    )
    return np.asarray(binary.total_spin + non_spinning + numerator / denominator + unequal_spins)


def in_plane_spin(
    mass_1: ArrayLike,
    mass_2: ArrayLike,
    chi_1: ArrayLike,
    azimuth_1: ArrayLike,
    chi_2: ArrayLike,
    azimuth_2: ArrayLike,
) -> Array:
    """Spin in the orbital plane, in units of the squared total mass.

    The final spin of a precessing binary is the root of the sum of its square and that of `final_spin`: the spin in the
    plane is assumed to be preserved (`SimIMRPhenomXPrecessingFinalSpin2017` of LALSimulation; LIGO-T1600168).

    Args:
        mass_1: mass of one hole, any shape and unit; the others broadcast with it.
        mass_2: mass of the other, same unit.
        chi_1: dimensionless in-plane spin of the first.
        azimuth_1: its azimuth, rad.
        chi_2: dimensionless in-plane spin of the second.
        azimuth_2: its azimuth, rad.

    Returns:
        |m_1^2 chi_1 + m_2^2 chi_2| / (m_1 + m_2)^2 as vectors, broadcast shape.
    """
    mass_1, mass_2 = np.asarray(mass_1, dtype=np.float64), np.asarray(mass_2, dtype=np.float64)
    first = mass_1**2 * chi_1 * np.exp(1j * np.asarray(azimuth_1, dtype=np.float64))
    second = mass_2**2 * chi_2 * np.exp(1j * np.asarray(azimuth_2, dtype=np.float64))
    return np.asarray(np.abs(first + second) / (mass_1 + mass_2) ** 2)


def quasi_normal_frequency(final_spin: ArrayLike) -> tuple[Array, Array]:
    """Dimensionless frequency of the l = m = 2, n = 0 quasi-normal mode, by cubic spline of a table.

    Args:
        final_spin: dimensionless spin, any shape; negative against the orbit.

    Returns:
        `(omega_r, omega_i)`, each of the same shape: M_f times the angular frequency and times the decay rate, both
        positive.

    Raises:
        InputError: when a spin lies outside the table, |final_spin| <= 0.999.

    Example:
        >>> omega_r, omega_i = quasi_normal_frequency(0.0)
        >>> round(float(omega_r), 6), round(float(omega_i), 6)
        (0.373672, 0.088962)
    """
    spin = np.asarray(final_spin, dtype=np.float64)
    table = _quasi_normal_spline()
    outside = ~(np.abs(spin) <= table.spin_max)
    if np.any(outside):
        raise InputError(
            f"expected |final_spin| <= {table.spin_max}; got {spin[outside].flat[0]}: leave such holes out"
        )
    omega = table(_smooth_coordinate(spin))
    return omega[..., 0], omega[..., 1]


def f_220(final_mass: ArrayLike, final_spin: ArrayLike) -> Array:
    """Ringdown frequency.

    Args:
        final_mass: mass of the remnant, any shape, solar masses (detector frame for the frequency as observed).
        final_spin: its dimensionless spin, broadcasts with the mass.

    Returns:
        omega_r / (2 pi G M_f / c^3), broadcast shape, Hz.
    """
    omega_r, _ = quasi_normal_frequency(final_spin)
    return np.asarray(omega_r / (2.0 * np.pi * SOLAR_MASS_SECONDS * np.asarray(final_mass, dtype=np.float64)))


def tau_220(final_mass: ArrayLike, final_spin: ArrayLike) -> Array:
    """Ringdown damping time.

    Args:
        final_mass: mass of the remnant, any shape, solar masses (detector frame for the time as observed).
        final_spin: its dimensionless spin, broadcasts with the mass.

    Returns:
        (G M_f / c^3) / omega_i, broadcast shape, milliseconds.
    """
    _, omega_i = quasi_normal_frequency(final_spin)
    return np.asarray(1e3 * SOLAR_MASS_SECONDS * np.asarray(final_mass, dtype=np.float64) / omega_i)


class _Binary(NamedTuple):
    """The combinations of masses and spins in which the fits are written (arXiv:1611.00332, section II)."""

    total_mass: Array
    eta: Array
    delta: Array
    total_spin: Array
    effective_spin: Array
    spin_difference: Array


def _binary(mass_1: ArrayLike, mass_2: ArrayLike, chi_1: ArrayLike, chi_2: ArrayLike) -> _Binary:
    mass_1, mass_2, chi_1, chi_2 = (np.asarray(value, dtype=np.float64) for value in (mass_1, mass_2, chi_1, chi_2))
    if not (np.all(mass_1 > 0.0) and np.all(mass_2 > 0.0)):
        raise InputError(f"expected positive masses; got at least {np.min(mass_1)} and {np.min(mass_2)}: mend them")
    if not (np.all(np.abs(chi_1) <= 1.0) and np.all(np.abs(chi_2) <= 1.0)):
        raise InputError(
            f"expected spins in [-1, 1]; got at most {np.max(np.abs(chi_1))} and {np.max(np.abs(chi_2))}: mend them"
        )
    total_mass = mass_1 + mass_2
    # Rounding may increase eta above 1/4, where delta would become imaginary.
    eta = np.minimum(symmetric_mass_ratio(mass_2 / mass_1), 0.25)
    spin = mass_1**2 * chi_1 + mass_2**2 * chi_2
    # The fits assume the heavier hole first; the sign makes them symmetric under exchange of the two.
    difference = np.where(mass_2 > mass_1, chi_2 - chi_1, chi_1 - chi_2)
    return _Binary(
        total_mass, eta, np.sqrt(1.0 - 4.0 * eta), spin / total_mass**2, spin / (mass_1**2 + mass_2**2), difference
    )


@lru_cache
def _coefficients(fit: str) -> Mapping[str, float]:
    coefficients: dict[str, Any] = json.loads((_DATA / "uib2016.json").read_text(encoding="utf-8"))
    return dict(coefficients[fit])


class _UniformSpline(NamedTuple):
    """Cubic spline on uniform nodes: coefficients (4, n, 2) of the powers 3 to 0 of the distance to the node before."""

    start: float
    step: float
    spin_max: float
    coefficients: Array

    def __call__(self, x: Array) -> Array:
        node = np.clip(((x - self.start) / self.step).astype(np.int64), 0, self.coefficients.shape[1] - 1)
        distance = (x - self.start - node * self.step)[..., None]
        cubic, square, linear, constant = self.coefficients[:, node]
        return np.asarray(((cubic * distance + square) * distance + linear) * distance + constant)


@lru_cache(maxsize=1)
def _quasi_normal_spline() -> _UniformSpline:
    with as_file(_DATA / "qnm_220.npz") as path, np.load(path) as table:
        start, step, spin_max = (float(table[name]) for name in ("start", "step", "spin_max"))
        return _UniformSpline(start, step, spin_max, table["coefficients"])


def _smooth_coordinate(spin: Array) -> Array:
    """Coordinate in which the frequency is smooth up to extreme spin, where it goes as sqrt(1 - spin)."""
    return np.asarray(-np.log1p(-spin))
