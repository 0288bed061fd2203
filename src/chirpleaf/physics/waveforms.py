"""Polarisations of binary black holes on any frequency grid, from LALSimulation.

`polarizations` calls `SimInspiralChooseFDWaveformSequence`, so that the grid need not be uniform: it follows the
representation. Approximants of the time domain come from `physics.time_domain`. The Fourier convention is
h(f) = integral of h(t) exp(-2 pi i f t) dt, and the merger lies near t = 0.

Spins are given either along the orbital angular momentum (`chi_1`, `chi_2`) or by their Cartesian components at the
reference frequency in the frame of LALSimulation, whose z axis is the orbital angular momentum (`spin_1x` ...
`spin_2z`, bilby's names). With spins in the orbital plane, the inclination is that of the orbital angular momentum,
`iota`; of aligned spins it equals `theta_jn`, the inclination of the total angular momentum.
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
from chirpleaf.physics.time_domain import EXTERNAL, on_grid

Array: TypeAlias = NDArray[np.float64]
ComplexArray: TypeAlias = NDArray[np.complex128]

DEFAULT_APPROXIMANT = "IMRPhenomXAS"
ALIGNED_SPINS = ("chi_1", "chi_2")
IN_PLANE_SPINS = ("spin_1x", "spin_1y", "spin_2x", "spin_2y")
SPIN_COMPONENTS = ("spin_1x", "spin_1y", "spin_1z", "spin_2x", "spin_2y", "spin_2z")
WAVEFORM_PARAMETERS = (
    *("mass_1", "mass_2", *ALIGNED_SPINS, *SPIN_COMPONENTS),
    *("luminosity_distance", "theta_jn", "iota", "phase"),
)
"""The parameters that `polarizations` reads, where they are given."""

_COLUMNS = ("mass_1", "mass_2", *SPIN_COMPONENTS, "luminosity_distance", "inclination", "phase")
"""The parameters of one waveform in the order of LALSimulation's arguments."""
_SI_UNITS = np.array([lal.MSUN_SI, lal.MSUN_SI, *[1.0] * 6, 1e6 * lal.PC_SI, 1.0, 1.0])
_LARGEST_MASS_RATIO = 1000.0
_CHUNKS_PER_WORKER = 4


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
        parameters: `mass_1`, `mass_2` (detector frame, solar masses), `luminosity_distance` (Mpc), `theta_jn` or
            `iota`, `phase` (rad), and spins: `chi_1`, `chi_2` along the orbital angular momentum, or the components
            `spin_1x`, `spin_1y`, `spin_1z`, `spin_2x`, `spin_2y`, `spin_2z`, of which missing ones are zero. Each (n,)
            or a float; further keys are ignored.
        frequencies: increasing and positive (F,), Hz.
        approximant: name of an approximant of LALSimulation, or of pyseobnr (`physics.time_domain`).
        reference_frequency: where `phase` and the spins are defined, Hz.
        workers: number of processes that share the work; the result does not depend on it. More than one pays from some
            ten thousand waveforms on, and needs the `if __name__ == "__main__"` guard in a script.

    Returns:
        `(hp, hc)`, each (n, F) complex128, strain/Hz; zero above the highest frequency of an approximant that has one
        (IMRPhenomXAS ends at G M f / c^3 = 0.3).

    Raises:
        InputError: a name, a parameter or the grid is wrong, or the approximant cannot precess and the spins do.

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
    if np.any(table[:, [2, 3, 5, 6]]) and not can_precess(approximant):
        raise InputError(
            f"expected spins along the orbital angular momentum for {approximant}; got spins in the orbital plane: "
            "choose an approximant that precesses, such as IMRPhenomXPHM"
        )
    if workers <= 1 or len(table) <= 1:
        return _evaluate(table, grid, approximant, reference_frequency)
    hp, hc = (np.empty((len(table), len(grid)), dtype=np.complex128) for _ in range(2))
    chunks = np.array_split(np.arange(len(table)), min(len(table), workers * _CHUNKS_PER_WORKER))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_evaluate, table[rows], grid, approximant, reference_frequency) for rows in chunks]
        for rows, future in zip(chunks, futures, strict=True):
            hp[rows], hc[rows] = future.result()
    return hp, hc


def check_approximant(name: str) -> None:
    """Checks that an approximant exists.

    Args:
        name: of an approximant of LALSimulation or pyseobnr.

    Raises:
        InputError: the name is unknown; the message suggests the nearest names.
    """
    known = {**_approximants(frequency_domain=True), **_approximants(frequency_domain=False)}
    if name not in known and name not in EXTERNAL:
        near = get_close_matches(name, [*known, *EXTERNAL], n=3, cutoff=0.5) or [DEFAULT_APPROXIMANT]
        raise InputError(f"expected an approximant; got {name!r}: did you mean {', '.join(near)}?")


@lru_cache
def can_precess(approximant: str) -> bool:
    """Whether an approximant takes spins in the orbital plane.

    Args:
        approximant: its name, of LALSimulation or pyseobnr.
    """
    if approximant in EXTERNAL:
        return approximant.endswith("PHM")
    number = lalsimulation.GetApproximantFromString(approximant)
    support = lalsimulation.SimInspiralGetSpinSupportFromApproximant(number)
    return bool(support == lalsimulation.SIM_INSPIRAL_PRECESSINGSPIN)


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
    """One call of LALSimulation or pyseobnr per row of `table` (columns as `_COLUMNS`)."""
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
                f"expected what {approximant} can do on a free frequency grid; got {_describe(table[row])}:"
                f" choose {DEFAULT_APPROXIMANT} or other parameters (LALSimulation says: {error})"
            ) from error
    return hp, hc


def _on_sequence(
    binary: Sequence[float], frequencies: Any, approximant: int, reference_frequency: float
) -> tuple[ComplexArray, ComplexArray]:
    mass_1, mass_2, *spins, distance, inclination, phase = binary
    plus, cross = lalsimulation.SimInspiralChooseFDWaveformSequence(
        phase, mass_1, mass_2, *spins, reference_frequency, distance, inclination, None, approximant, frequencies
    )
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
    """The waveform parameters as (n, 11), refused where LALSimulation would fail.

    LALSimulation is never asked for what it would refuse, because IMRPhenomXAS of version 7.26 then corrupts memory.
    """
    given = _complete(parameters)
    columns = [np.atleast_1d(np.asarray(given[name], dtype=np.float64)) for name in _COLUMNS]
    lengths = {column.size for column in columns} - {1}
    if len(lengths) > 1 or any(column.ndim > 1 for column in columns):
        shapes = ", ".join(f"{name} {np.shape(parameters[name])}" for name in WAVEFORM_PARAMETERS if name in parameters)
        raise InputError(f"expected parameters (n,) or floats; got {shapes}: give them one length")
    table = np.stack(np.broadcast_arrays(*columns), axis=-1)
    mass_1, mass_2, distance = table[:, 0], table[:, 1], table[:, 8]
    valid = np.isfinite(table).all(axis=1) & (mass_1 > 0.0) & (mass_2 > 0.0) & (distance > 0.0)
    valid &= (np.square(table[:, 2:5]).sum(axis=1) <= 1.0) & (np.square(table[:, 5:8]).sum(axis=1) <= 1.0)
    valid &= (mass_1 < _LARGEST_MASS_RATIO * mass_2) & (mass_2 < _LARGEST_MASS_RATIO * mass_1)
    if not valid.all():
        row = int(np.argmin(valid))
        raise InputError(
            f"expected finite parameters, positive masses (ratio below {_LARGEST_MASS_RATIO:g}) and distance, spins in"
            f" [-1, 1]; got {_describe(table[row])} in row {row}: mend it"
        )
    return table


def _complete(parameters: Mapping[str, ArrayLike]) -> dict[str, ArrayLike]:
    """The columns of a waveform by name: aligned spins as z components, missing components as zero."""
    precessing = any(np.any(parameters[name]) for name in IN_PLANE_SPINS if name in parameters)
    inclination = "iota" if precessing or "theta_jn" not in parameters else "theta_jn"
    spins = {name: name for name in SPIN_COMPONENTS if name in parameters}
    some = bool(spins)
    for component, chi in zip(("spin_1z", "spin_2z"), ALIGNED_SPINS, strict=True):
        if component not in spins and (chi in parameters or not some):
            spins[component] = chi
    names = {**{name: name for name in _COLUMNS if name not in SPIN_COMPONENTS}, **spins, "inclination": inclination}
    missing = [name for name in names.values() if name not in parameters]
    if missing:
        wanted = ", ".join(names[name] for name in _COLUMNS if name in names)
        raise InputError(f"expected {wanted}; {', '.join(missing)} missing: add them")
    return {**dict.fromkeys(SPIN_COMPONENTS, 0.0), **{column: parameters[name] for column, name in names.items()}}


def _describe(row: Array) -> str:
    return ", ".join(
        f"{name} {value:g}" for name, value in zip(_COLUMNS, row, strict=True) if value or "spin" not in name
    )
