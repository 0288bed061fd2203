"""Waveforms of precessing binaries at the spin components that LALSimulation takes."""

import lal
import lalsimulation
import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from chirpleaf.errors import InputError

Spin = tuple[float, float, float]


def precessing_polarizations(
    mass_1: float,
    mass_2: float,
    spin_1: Spin,
    spin_2: Spin,
    frequencies: Float64[np.ndarray, " frequency"],
    *,
    theta_jn: float,
    phase: float,
    distance: float = 1.0,
    reference_frequency: float = 20.0,
    approximant: str = "IMRPhenomXPHM",
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Both polarisations of one binary; its spins are those of LALSimulation at the reference frequency.

    Args:
        mass_1: larger mass, detector frame, solar masses.
        mass_2: smaller mass, solar masses.
        spin_1: dimensionless components (x, y, z); z is along the orbital angular momentum.
        spin_2: the same of the smaller mass.
        frequencies: increasing and positive, shape (F,), Hz.
        theta_jn: inclination of the orbital angular momentum at the reference frequency, rad.
        phase: orbital phase at the reference frequency, rad.
        distance: luminosity distance, Mpc.
        reference_frequency: Hz.
        approximant: of LALSimulation, in the frequency domain.

    Returns:
        hp and hc, shape (F,), 1/Hz.

    Raises:
        InputError: the waveform cannot be computed.

    Example:
        >>> hp, hc = precessing_polarizations(
        ...     40.0, 30.0, (0.5, 0.0, 0.1), (0.0, 0.0, 0.0), np.array([20.0, 30.0]), theta_jn=0.5, phase=0.0
        ... )
        >>> hp.shape
        (2,)
    """
    grid = lal.CreateREAL8Vector(len(frequencies))
    grid.data = frequencies
    masses, metres = (mass_1 * lal.MSUN_SI, mass_2 * lal.MSUN_SI), distance * 1e6 * lal.PC_SI
    model = lalsimulation.GetApproximantFromString(approximant)
    try:
        plus, cross = lalsimulation.SimInspiralChooseFDWaveformSequence(
            phase, *masses, *spin_1, *spin_2, reference_frequency, metres, theta_jn, None, model, grid
        )
    except RuntimeError as error:
        raise InputError(
            f"expected spins that {approximant} can compute; got {spin_1}, {spin_2} ({error}): take smaller ones"
        ) from error
    return np.asarray(plus.data.data), np.asarray(cross.data.data)
