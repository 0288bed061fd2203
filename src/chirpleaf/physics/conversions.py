"""Conversions between masses, mass ratios and spins.

All functions use arithmetic operators only, so they accept floats, numpy arrays and torch tensors, broadcast, and can
be differentiated. Component masses are ordered, m_1 >= m_2, and the mass ratio is q = m_2 / m_1 <= 1.

    chirp mass              M_c = (m_1 m_2)^(3/5) / (m_1 + m_2)^(1/5)
    symmetric mass ratio    eta = m_1 m_2 / (m_1 + m_2)^2 = q / (1 + q)^2
    effective spin          chi_eff = (m_1 chi_1 + m_2 chi_2) / (m_1 + m_2)        (arXiv:0909.2867)
"""

from typing import Any, TypeAlias

Real: TypeAlias = Any
"""A float, a numpy array or a torch tensor."""


def component_masses(chirp_mass: Real, mass_ratio: Real) -> tuple[Real, Real]:
    """Component masses of a binary.

    Args:
        chirp_mass: chirp mass, any shape, any unit of mass.
        mass_ratio: m_2 / m_1 in (0, 1], same shape.

    Returns:
        `(mass_1, mass_2)`, the larger first, in the unit of `chirp_mass`.
    """
    mass_1 = chirp_mass * (1.0 + mass_ratio) ** 0.2 * mass_ratio**-0.6
    return mass_1, mass_ratio * mass_1


def chirp_mass(mass_1: Real, mass_2: Real) -> Real:
    """Chirp mass of two component masses (same shape and unit as they)."""
    return (mass_1 * mass_2) ** 0.6 * (mass_1 + mass_2) ** -0.2


def mass_ratio(mass_1: Real, mass_2: Real) -> Real:
    """Mass ratio q = m_2 / m_1, at most one when `mass_1` is the larger mass."""
    return mass_2 / mass_1


def symmetric_mass_ratio(mass_ratio: Real) -> Real:
    """Symmetric mass ratio eta = q / (1 + q)^2, at most 1/4 (the same for q and 1/q)."""
    return mass_ratio / (1.0 + mass_ratio) ** 2


def chi_eff(mass_ratio: Real, chi_1: Real, chi_2: Real) -> Real:
    """Effective spin: the mean of the aligned spins weighted by mass.

    Args:
        mass_ratio: m_2 / m_1, any shape.
        chi_1: dimensionless spin of the heavier body along the orbital angular momentum.
        chi_2: the same of the lighter body.

    Returns:
        chi_eff in [-1, 1], same shape.
    """
    return (chi_1 + mass_ratio * chi_2) / (1.0 + mass_ratio)
