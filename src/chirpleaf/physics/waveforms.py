"""Polarisations of binary black holes on any frequency grid, from LALSimulation.

`polarizations` calls `SimInspiralChooseFDWaveformSequence`, so that the grid need not be uniform: it follows the
representation. Approximants of the time domain come from `physics.time_domain`. The Fourier convention is
h(f) = integral of h(t) exp(-2 pi i f t) dt, and the merger lies near t = 0.

Spins are given either along the orbital angular momentum (`chi_1`, `chi_2`) or by their Cartesian components at the
reference frequency in the frame of LALSimulation, whose z axis is the orbital angular momentum (`spin_1x` ...
`spin_2z`, bilby's names). With spins in the orbital plane, the inclination is that of the orbital angular momentum,
`iota`; of aligned spins it equals `theta_jn`, the inclination of the total angular momentum.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import lal
import lalsimulation
import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.approximants import DEFAULT_APPROXIMANT, can_precess, lal_approximants, resolve_approximant
from chirpleaf.physics.time_domain import on_grid
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.system.lal_messages import capture_lal, silence_lal
from chirpleaf.system.processes import worker_pool

Array: TypeAlias = NDArray[np.float64]
ComplexArray: TypeAlias = NDArray[np.complex128]

ALIGNED_SPINS = ("chi_1", "chi_2")
IN_PLANE_SPINS = ("spin_1x", "spin_1y", "spin_2x", "spin_2y")
SPIN_COMPONENTS = ("spin_1x", "spin_1y", "spin_1z", "spin_2x", "spin_2y", "spin_2z")
WAVEFORM_PARAMETERS = (
    *("mass_1", "mass_2", *ALIGNED_SPINS, *SPIN_COMPONENTS),
    *("luminosity_distance", "theta_jn", "iota", "phase"),
)
"""Parameters that `polarizations` reads if they are given."""

_COLUMNS = ("mass_1", "mass_2", *SPIN_COMPONENTS, "luminosity_distance", "inclination", "phase")
"""The parameters of one waveform in the order of LALSimulation's arguments."""
_SI_UNITS = np.array([lal.MSUN_SI, lal.MSUN_SI, *[1.0] * 6, 1e6 * lal.PC_SI, 1.0, 1.0])
_LARGEST_MASS_RATIO = 1000.0
DATA_FILES = "https://zenodo.org/records/14999310"
"""Where the data files of LALSimulation's approximants can be downloaded (lalsuite-waveform-data)."""
_NO_DATA = ("LAL_DATA_PATH", "Unable to resolve data file", "Error loading surrogate data")
"""What LALSimulation says when data files are missing; it names the file only the first time."""
_REASON = re.compile(r"XLAL Error - [^\n]*?\): ([^\n]+)")
Compute: TypeAlias = Callable[[Sequence[float]], tuple[ComplexArray, ComplexArray]]
_CHUNKS_PER_WORKER = 4


class FailedWaveformError(InputError):
    """An approximant cannot compute the waveform of a binary.

    Args:
        message: the message.
        reason: what LALSimulation or pyseobnr says.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def polarizations(
    parameters: Mapping[str, ArrayLike],
    frequencies: ArrayLike,
    waveform: str | WaveformSettings = DEFAULT_APPROXIMANT,
    *,
    workers: int = 1,
    skip_failures: bool = False,
) -> tuple[ComplexArray, ComplexArray]:
    """Plus and cross polarisation of binaries.

    Args:
        parameters: `mass_1`, `mass_2` (detector frame, solar masses), `luminosity_distance` (Mpc), `theta_jn` or
            `iota`, `phase` (rad), and spins: `chi_1`, `chi_2` along the orbital angular momentum, or the components
            `spin_1x`, `spin_1y`, `spin_1z`, `spin_2x`, `spin_2y`, `spin_2z`, of which missing ones are zero. Each (n,)
            or a float; further keys are ignored.
        frequencies: increasing and positive (F,), Hz.
        waveform: name of an approximant of LALSimulation, or of pyseobnr (`physics.time_domain`), in upper or lower
            case; or settings with the reference frequency, where `phase` and the spins are defined, and further
            arguments of LALSimulation.
        workers: number of processes that share the work; the result does not depend on it. More than one pays from some
            ten thousand waveforms on, and needs the `if __name__ == "__main__"` guard in a script.
        skip_failures: whether binaries whose waveform the approximant cannot compute become rows of NaN; otherwise they
            are an error.

    Returns:
        `(hp, hc)`, each (n, F) complex128, strain/Hz; zero above the highest frequency of an approximant that has one
        (IMRPhenomXAS ends at G M f / c^3 = 0.3).

    Raises:
        InputError: a name, a parameter or the grid is wrong, the approximant cannot precess and the spins do, it cannot
            compute a waveform, or it needs data files that are not installed.

    Example:
        >>> binary = dict(mass_1=36.0, mass_2=29.0, chi_1=0.0, chi_2=0.0)
        >>> binary |= dict(luminosity_distance=400.0, theta_jn=0.0, phase=0.0)
        >>> hp, hc = polarizations(binary, [20.0, 30.0, 50.0])
        >>> hp.shape, bool(abs(hp[0, 0]) > abs(hp[0, 2]))
        ((1, 3), True)
    """
    grid = _checked_grid(frequencies)
    table = _checked_table(parameters)
    settings = WaveformSettings.of(waveform)
    settings = replace(settings, approximant=resolve_approximant(settings.approximant))
    approximant = settings.approximant
    if np.any(table[:, [2, 3, 5, 6]]) and not can_precess(approximant):
        raise InputError(
            f"expected spins along the orbital angular momentum for {approximant}; got spins in the orbital plane: "
            "choose an approximant that precesses, such as IMRPhenomXPHM"
        )
    evaluate = partial(_evaluate, grid=grid, settings=settings)
    if workers <= 1 or len(table) <= 1:
        hp, hc = evaluate(table, stop_at_failure=not skip_failures)
    else:
        hp, hc = (np.empty((len(table), len(grid)), dtype=np.complex128) for _ in range(2))
        chunks = np.array_split(np.arange(len(table)), min(len(table), workers * _CHUNKS_PER_WORKER))
        with worker_pool(workers) as pool:
            futures = [pool.submit(evaluate, table[rows], stop_at_failure=not skip_failures) for rows in chunks]
            for rows, future in zip(chunks, futures, strict=True):
                hp[rows], hc[rows] = future.result()
    failed = np.isnan(hp[:, 0])
    if failed.any() and not skip_failures:
        raise _explain_failure(table[int(failed.argmax())], grid, settings)
    return hp, hc


def _evaluate(
    table: Array, grid: Array, settings: WaveformSettings, *, stop_at_failure: bool
) -> tuple[ComplexArray, ComplexArray]:
    """One call of LALSimulation or pyseobnr per row of `table` (columns as `_COLUMNS`); NaN where it fails."""
    hp, hc = (np.empty((len(table), len(grid)), dtype=np.complex128) for _ in range(2))
    compute = _prepare(grid, settings)
    with silence_lal():
        for row, binary in enumerate((table * _SI_UNITS).tolist()):
            try:
                hp[row], hc[row] = compute(binary)
            except RuntimeError:
                failed = slice(row, None if stop_at_failure else row + 1)
                hp[failed], hc[failed] = np.nan, np.nan
                if stop_at_failure:
                    break
    return hp, hc


def _prepare(grid: Array, settings: WaveformSettings) -> Compute:
    """The function that computes one waveform from its parameters in SI units."""
    number = lal_approximants(frequency_domain=True).get(settings.approximant)
    if number is None:
        return lambda binary: on_grid(tuple(binary), grid, settings)
    sequence = lal.CreateREAL8Sequence(len(grid))
    sequence.data = grid
    arguments = settings.make_lal_dict()
    return lambda binary: _on_sequence(binary, sequence, number, settings.reference_frequency, arguments)


def _explain_failure(row: Array, grid: Array, settings: WaveformSettings) -> InputError:
    """The error of a binary whose waveform cannot be computed, which is tried again to hear the reason."""
    compute = _prepare(grid, settings)
    messages = capture_lal(lambda: compute((row * _SI_UNITS).tolist()))
    if any(sign in messages for sign in _NO_DATA):
        return InputError(
            f"expected the data files of {settings.approximant} in the folders of LAL_DATA_PATH; got none: download "
            f"them from {DATA_FILES} and set LAL_DATA_PATH to their folder, or choose {DEFAULT_APPROXIMANT}"
        )
    found = _REASON.search(messages)
    reason = found.group(1) if found else " ".join(messages.split())
    return FailedWaveformError(
        f"expected what {settings.approximant} can do on a free frequency grid; got {_describe(row)}:"
        f" choose {DEFAULT_APPROXIMANT} or other parameters (the reason: {reason[:160]})",
        reason[:160],
    )


def _on_sequence(
    binary: Sequence[float], frequencies: Any, approximant: int, reference_frequency: float, arguments: Any
) -> tuple[ComplexArray, ComplexArray]:
    mass_1, mass_2, *spins, distance, inclination, phase = binary
    plus, cross = lalsimulation.SimInspiralChooseFDWaveformSequence(
        phase, mass_1, mass_2, *spins, reference_frequency, distance, inclination, arguments, approximant, frequencies
    )
    return plus.data.data, cross.data.data


def _checked_grid(frequencies: ArrayLike) -> Array:
    grid = np.ascontiguousarray(frequencies, dtype=np.float64)
    increasing = grid.ndim == 1 and grid.size > 0 and bool(np.all(np.diff(grid, prepend=0.0) > 0.0))
    if not increasing or not np.isfinite(grid[-1]):
        values = f" from {grid.flat[0]:g} to {grid.flat[-1]:g}" if grid.size else ""
        raise InputError(
            f"expected frequencies (F,) in Hz, positive and increasing; got shape {grid.shape}{values}:"
            " leave out zero and sort them"
        )
    return grid


def _checked_table(parameters: Mapping[str, ArrayLike]) -> Array:
    """The waveform parameters as (n, 11); checked, because LALSimulation would fail.

    Parameters that LALSimulation would refuse never reach it, because IMRPhenomXAS of version 7.26 then corrupts
    memory.
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
