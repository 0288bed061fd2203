"""Waveforms of aligned-spin binaries on any frequency grid, from LALSimulation.

`polarizations` calls `SimInspiralChooseFDWaveformSequence`, so that the grid need not be uniform: it follows the
representation. Approximants of the time domain come by `physics.time_domain`. The Fourier convention is h(f) = integral
of h(t) exp(-2 pi i f t) dt, and the merger lies near t = 0.

For approximants with the (2, +-2) modes alone (IMRPhenomD, IMRPhenomXAS) and aligned spins, inclination and phase
enter as two complex factors of one series, with the signs of LALSimulation:

    h_plus(f; theta_jn, phase)  = (1 + cos^2 theta_jn) / 2  exp(2 i phase)  h_plus(f; 0, 0),
    h_cross(f; theta_jn, phase) = -i cos theta_jn           exp(2 i phase)  h_plus(f; 0, 0).

`inclination_factors` gives them. Approximants with further modes (IMRPhenomXHM, IMRPhenomXPHM) do not factor so.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from difflib import get_close_matches
from functools import lru_cache
from multiprocessing import get_context
from typing import Any, TypeAlias

import lal
import lalsimulation
import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.time_domain import EXTERNAL, on_grid

Array: TypeAlias = NDArray[np.float64]
ComplexArray: TypeAlias = NDArray[np.complex128]

DEFAULT_APPROXIMANT = "IMRPhenomXAS"
WAVEFORM_PARAMETERS = ("mass_1", "mass_2", "chi_1", "chi_2", "luminosity_distance", "theta_jn", "phase")
"""What `polarizations` reads of its parameters."""

_SI_UNITS = np.array([lal.MSUN_SI, lal.MSUN_SI, 1.0, 1.0, 1e6 * lal.PC_SI, 1.0, 1.0])
_LARGEST_MASS_RATIO = 1000.0
_CHUNKS_PER_WORKER = 4
_SAME = 1e-3
"""Relative difference of waveforms that are the same but for conditioning; with further modes it is some hundredths."""


def polarizations(
    parameters: Mapping[str, ArrayLike],
    frequencies: ArrayLike,
    approximant: str = DEFAULT_APPROXIMANT,
    reference_frequency: float = 20.0,
    *,
    workers: int = 1,
) -> tuple[ComplexArray, ComplexArray]:
    """Plus and cross polarisation of binaries.

    Args:
        parameters: `mass_1`, `mass_2` (detector frame, solar masses), `chi_1`, `chi_2` (aligned), `luminosity_distance`
            (Mpc), `theta_jn`, `phase` (rad), each (n,) or a float; further keys are ignored.
        frequencies: increasing and positive (F,), Hz.
        approximant: name of an approximant of LALSimulation, or of pyseobnr (`physics.time_domain`).
        reference_frequency: where `phase` is defined, Hz.
        workers: processes to share the work; the result does not depend on it. More than one pays from some ten
            thousand waveforms on, and needs the `if __name__ == "__main__"` guard in a script.

    Returns:
        `(hp, hc)`, each (n, F) complex128, strain/Hz; zero above the highest frequency of an approximant that has one
        (IMRPhenomXAS ends at G M f / c^3 = 0.3).

    Raises:
        InputError: when a name, a parameter or the grid is wrong.

    Example:
        >>> binary = dict(mass_1=36.0, mass_2=29.0, chi_1=0.0, chi_2=0.0)
        >>> binary |= dict(luminosity_distance=400.0, theta_jn=0.0, phase=0.0)
        >>> hp, hc = polarizations(binary, [20.0, 30.0, 50.0])
        >>> hp.shape, bool(abs(hp[0, 0]) > abs(hp[0, 2]))
        ((1, 3), True)
    """
    grid = _checked_grid(frequencies, reference_frequency)
    table = _checked_table(parameters)
    check_approximant(approximant)
    if workers <= 1 or len(table) <= 1:
        return _evaluate(table, grid, approximant, reference_frequency)
    hp, hc = (np.empty((len(table), len(grid)), dtype=np.complex128) for _ in range(2))
    chunks = np.array_split(np.arange(len(table)), min(len(table), workers * _CHUNKS_PER_WORKER))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_evaluate, table[rows], grid, approximant, reference_frequency) for rows in chunks]
        for rows, future in zip(chunks, futures, strict=True):
            hp[rows], hc[rows] = future.result()
    return hp, hc


def face_on(
    intrinsic: Mapping[str, ArrayLike],
    frequencies: ArrayLike,
    approximant: str = DEFAULT_APPROXIMANT,
    *,
    workers: int = 1,
) -> ComplexArray:
    """Plus polarisation seen face-on at 1 Mpc with phase zero: all there is of a (2, 2)-only waveform.

    Args:
        intrinsic: `chirp_mass` (detector frame, solar masses), `mass_ratio`, `chi_1`, `chi_2` (aligned), each (n,) or a
            float; further keys are ignored.
        frequencies: increasing and positive (F,), Hz.
        approximant: as for `polarizations`.
        workers: as for `polarizations`.

    Returns:
        (n, F) complex128, strain/Hz.

    Raises:
        InputError: as `polarizations`.
    """
    masses = (np.asarray(intrinsic[name], dtype=np.float64) for name in ("chirp_mass", "mass_ratio"))
    mass_1, mass_2 = component_masses(*masses)
    binary = {"mass_1": mass_1, "mass_2": mass_2, "chi_1": intrinsic["chi_1"], "chi_2": intrinsic["chi_2"]}
    place = {"luminosity_distance": 1.0, "theta_jn": 0.0, "phase": 0.0}
    return polarizations({**binary, **place}, frequencies, approximant, workers=workers)[0]


def inclination_factors(theta_jn: ArrayLike, phase: ArrayLike) -> tuple[ComplexArray, ComplexArray]:
    """What inclination and phase make of a (2, 2)-only waveform (the equations above).

    Args:
        theta_jn: inclination, rad, any shape.
        phase: phase at the reference frequency, rad, broadcasts with it.

    Returns:
        `(a_plus, a_cross)`: hp(theta_jn, phase) = a_plus hp(0, 0) and hc(theta_jn, phase) = a_cross hp(0, 0).
    """
    cosine = np.cos(np.asarray(theta_jn, dtype=np.float64))
    rotation = np.exp(2j * np.asarray(phase, dtype=np.float64))
    return np.asarray(0.5 * (1.0 + cosine**2) * rotation), np.asarray(-1j * cosine * rotation)


@lru_cache
def quadrupole_alone(approximant: str) -> bool:
    """Whether an approximant has the (2, +-2) modes alone, so that `inclination_factors` hold for it.

    Args:
        approximant: its name.

    Raises:
        InputError: when there is no such approximant.
    """
    binary = {"mass_1": 40.0, "mass_2": 20.0, "chi_1": 0.3, "chi_2": -0.2, "luminosity_distance": 400.0}
    grid = np.geomspace(20.0, 100.0, 8)
    face_on, _ = polarizations({**binary, "theta_jn": 0.0, "phase": 0.0}, grid, approximant)
    plus, cross = inclination_factors(1.1, 0.7)
    hp, hc = polarizations({**binary, "theta_jn": 1.1, "phase": 0.7}, grid, approximant)
    scale = np.abs(face_on).max()
    worst = max(np.abs(hp - plus * face_on).max(), np.abs(hc - cross * face_on).max())
    return bool(worst < _SAME * scale)


def check_approximant(name: str) -> None:
    """Whether there is an approximant of a name.

    Args:
        name: of an approximant of LALSimulation or pyseobnr.

    Raises:
        InputError: when there is none, with the names nearest to it.
    """
    known = {**_approximants(frequency_domain=True), **_approximants(frequency_domain=False)}
    if name not in known and name not in EXTERNAL:
        near = get_close_matches(name, [*known, *EXTERNAL], n=3, cutoff=0.5) or [DEFAULT_APPROXIMANT]
        raise InputError(f"expected an approximant; got {name!r}: did you mean {', '.join(near)}?")


@lru_cache(maxsize=2)
def _approximants(*, frequency_domain: bool) -> dict[str, int]:
    implemented = (
        lalsimulation.SimInspiralImplementedFDApproximants
        if frequency_domain
        else lalsimulation.SimInspiralImplementedTDApproximants
    )
    numbers = range(lalsimulation.NumApproximants)
    return {lalsimulation.GetStringFromApproximant(number): number for number in numbers if implemented(number)}


def _evaluate(
    table: Array, grid: Array, approximant: str, reference_frequency: float
) -> tuple[ComplexArray, ComplexArray]:
    """One call of LALSimulation or pyseobnr per row of `table` (columns in the order of `WAVEFORM_PARAMETERS`)."""
    hp, hc = (np.empty((len(table), len(grid)), dtype=np.complex128) for _ in range(2))
    number = _approximants(frequency_domain=True).get(approximant)
    sequence = lal.CreateREAL8Sequence(len(grid))
    sequence.data = grid
    for row, binary in enumerate((table * _SI_UNITS).tolist()):
        try:
            if number is None:
                hp[row], hc[row] = on_grid(tuple(binary), grid, approximant, reference_frequency)
            else:
                hp[row], hc[row] = _on_sequence(binary, sequence, number, reference_frequency)
        except RuntimeError as error:
            raise InputError(
                f"expected what {approximant} can do on a free frequency grid; got {_described(table[row])}:"
                f" choose {DEFAULT_APPROXIMANT} or other parameters (LALSimulation says: {error})"
            ) from error
    return hp, hc


def _on_sequence(
    binary: Sequence[float], frequencies: Any, approximant: int, reference_frequency: float
) -> tuple[ComplexArray, ComplexArray]:
    mass_1, mass_2, chi_1, chi_2, distance, theta_jn, phase = binary
    plus, cross = lalsimulation.SimInspiralChooseFDWaveformSequence(
        phase, mass_1, mass_2, 0.0, 0.0, chi_1, 0.0, 0.0, chi_2,
        reference_frequency, distance, theta_jn, None, approximant, frequencies,
    )  # fmt: skip
    return plus.data.data, cross.data.data


def _checked_grid(frequencies: ArrayLike, reference_frequency: float) -> Array:
    grid = np.ascontiguousarray(frequencies, dtype=np.float64)
    increasing = grid.ndim == 1 and grid.size > 0 and bool(np.all(np.diff(grid, prepend=0.0) > 0.0))
    if not increasing or not np.isfinite(grid[-1]):
        values = f" from {grid.flat[0]:g} to {grid.flat[-1]:g}" if grid.size else ""
        raise InputError(
            f"expected frequencies (F,) in Hz, positive and increasing; got shape {grid.shape}{values}:"
            " leave out zero and sort them"
        )
    if not 0.0 < reference_frequency < np.inf:
        raise InputError(f"expected reference_frequency > 0 Hz; got {reference_frequency}: 20 is usual")
    return grid


def _checked_table(parameters: Mapping[str, ArrayLike]) -> Array:
    """The waveform parameters as (n, 7), refused where LALSimulation would fail.

    It is asked nothing that it would refuse, for IMRPhenomXAS in LALSimulation 7.26 corrupts memory on its way out.
    """
    missing = [name for name in WAVEFORM_PARAMETERS if name not in parameters]
    if missing:
        raise InputError(f"expected {', '.join(WAVEFORM_PARAMETERS)}; {', '.join(missing)} missing: add them")
    columns = [np.atleast_1d(np.asarray(parameters[name], dtype=np.float64)) for name in WAVEFORM_PARAMETERS]
    lengths = {column.size for column in columns} - {1}
    if len(lengths) > 1 or any(column.ndim > 1 for column in columns):
        shapes = ", ".join(f"{name} {np.shape(parameters[name])}" for name in WAVEFORM_PARAMETERS)
        raise InputError(f"expected parameters (n,) or floats; got {shapes}: give them one length")
    table = np.stack(np.broadcast_arrays(*columns), axis=-1)
    mass_1, mass_2, chi_1, chi_2, distance = table.T[:5]
    fine = np.isfinite(table).all(axis=1) & (mass_1 > 0.0) & (mass_2 > 0.0) & (distance > 0.0)
    fine &= (np.abs(chi_1) <= 1.0) & (np.abs(chi_2) <= 1.0)
    fine &= (mass_1 < _LARGEST_MASS_RATIO * mass_2) & (mass_2 < _LARGEST_MASS_RATIO * mass_1)
    if not fine.all():
        row = int(np.argmin(fine))
        raise InputError(
            f"expected finite parameters, positive masses (ratio below {_LARGEST_MASS_RATIO:g}) and distance, spins in"
            f" [-1, 1]; got {_described(table[row])} in row {row}: mend it"
        )
    return table


def _described(row: Array) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in zip(WAVEFORM_PARAMETERS, row, strict=True))
