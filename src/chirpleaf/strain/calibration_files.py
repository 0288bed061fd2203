"""Files of calibration envelopes: text of seven columns, as GWOSC releases them and LALInference and bilby read them.

    frequency (Hz), median amplitude, median phase (rad), -1 sigma amplitude, -1 sigma phase, +1 sigma amplitude, +1
    sigma phase

Columns of another order are sorted by the header, if it names all seven. Amplitudes are factors near one.
"""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Float64

from chirpleaf.errors import InputError
from chirpleaf.strain.calibration import CalibrationEnvelope, CorrectionType
from chirpleaf.strain.text_tables import read_table
from chirpleaf.system.limits import SPECTRUM_LIMITS, expand_user, find_fault

AMPLITUDES = (0.5, 2.0)
"""Range of the amplitudes of an envelope. Outside, the numbers are percents, decibels or relative errors."""

GREATEST_PHASE = 0.8
"""Greatest phase of an envelope, rad. Detectors have at most some tenths; larger ones are degrees."""

COLUMNS = ("frequency", "amplitude", "phase", "-amplitude", "-phase", "+amplitude", "+phase")
"""Order of the columns; signs stand for one standard deviation below and above the median."""

_NAMES = re.compile(r"([-+]1\s*sigma)?\s*(?:median\s*)?(freq|mag|amp|phase)\w*", re.IGNORECASE)


def read_envelope(path: str | Path, correction: CorrectionType) -> CalibrationEnvelope:
    """Reads a calibration envelope.

    Args:
        path: text of seven columns.
        correction: what the factors of the file correct.

    Returns:
        The envelope of the factor of the templates.

    Raises:
        InputError: the file is missing, or holds no calibration envelope.
    """
    path = expand_user(path)
    if fault := find_fault(path):
        raise InputError(f"calibration envelope: expected a file; got {path}, which {fault}; check the path")
    if h5py.is_hdf5(path):
        raise InputError(
            f"{path}: expected a calibration envelope as text of seven columns; got HDF5; write it as text"
        )
    try:
        table = read_table(path, SPECTRUM_LIMITS)
    except InputError:
        raise
    except (ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(
            f"{path}: expected a calibration envelope as text of seven columns; got a file that cannot be read as such "
            f"({reason}); correct the file"
        ) from error
    if table.values.shape[1] != len(COLUMNS) or len(table.values) < 2:
        rows, columns = table.values.shape
        raise InputError(
            f"{path}: expected seven columns, frequency and amplitude and phase of the median, of -1 and of +1 sigma, "
            f"and at least two lines; got {columns} columns and {rows} lines; check that it is a calibration envelope"
        )
    columns = table.values.T[sort_columns(table.header)]
    check_columns(path, columns)
    return CalibrationEnvelope.from_columns(columns, correction)


def sort_columns(header: tuple[str, ...]) -> list[int]:
    """Indices of the columns in the order of `COLUMNS`.

    Args:
        header: lines at the top of the file.

    Returns:
        The order that a line names, or that of the file.

    Example:
        >>> sort_columns(
        ...     ("# Frequency, Median Mag, Phase (Rad), -1 Sigma Mag, -1 Sigma Phase, +1 Sigma Mag, +1 Sigma Phase",)
        ... )
        [0, 1, 2, 3, 4, 5, 6]
        >>> sort_columns(("# freq amp -1 sigma amp +1 sigma amp phase -1 sigma phase +1 sigma phase",))
        [0, 1, 4, 2, 5, 3, 6]
    """
    for line in reversed(header):
        names = []
        for sign, what in _NAMES.findall(line):
            kind = {"freq": "frequency", "phase": "phase"}.get(what.lower(), "amplitude")
            names.append(f"{sign[:1]}{kind}")
        if sorted(names) == sorted(COLUMNS):
            return [names.index(name) for name in COLUMNS]
    return list(range(len(COLUMNS)))


def check_columns(path: Path, columns: Float64[np.ndarray, "7 frequency"]) -> None:
    """Refuses columns that are no calibration envelope.

    Args:
        path: the file, for the message.
        columns: in the order of `COLUMNS`.

    Raises:
        InputError: numbers are not finite, frequencies do not increase, amplitudes are no factors near one, phases are
            no radians, the median does not lie between the two bounds, or there is no error at all.
    """
    frequencies, amplitudes, phases = columns[0], columns[1::2], columns[2::2]
    fault = ""
    if not np.isfinite(columns).all():
        fault = f"expected finite numbers; got others in line {1 + int(np.argmin(np.isfinite(columns).all(axis=0)))}"
    elif frequencies[0] <= 0 or (np.diff(frequencies) <= 0).any():
        fault = "expected increasing frequencies above 0 Hz; got others; sort them"
    elif not ((amplitudes > AMPLITUDES[0]) & (amplitudes < AMPLITUDES[1])).all():
        fault = (
            f"expected amplitudes as factors near 1; got {amplitudes.min():g} to {amplitudes.max():g}; write 1.02 for "
            "an error of 2 %"
        )
    elif np.abs(phases).max() > GREATEST_PHASE:
        fault = f"expected phases in rad, of at most {GREATEST_PHASE:g}; got {np.abs(phases).max():g}; convert degrees"
    elif not all(_is_between(values) for values in (amplitudes, phases)):
        fault = (
            "expected medians between -1 and +1 sigma; got others; order the columns as frequency, median amplitude, "
            "median phase, -1 sigma amplitude, -1 sigma phase, +1 sigma amplitude, +1 sigma phase"
        )
    elif not np.ptp(amplitudes, axis=0).any() and not np.ptp(phases, axis=0).any():
        fault = "expected errors; got bounds equal to the median; leave the envelope out"
    if fault:
        raise InputError(f"{path}: calibration envelope: {fault}")


def _is_between(values: Float64[np.ndarray, "3 frequency"]) -> bool:
    """Whether the median lies between the bounds, in either order, at nearly all frequencies.

    Statistical envelopes are noisy: a median may lie beyond a bound at some of their frequencies.
    """
    median, one, other = values
    inside = (np.minimum(one, other) <= median) & (median <= np.maximum(one, other))
    return bool(np.mean(inside) > 0.9)
