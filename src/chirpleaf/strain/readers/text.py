"""Text files of strain: of GWOSC (a header, one value a line), and of two columns (GPS time in s, strain)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.joining import LONGEST_GAP
from chirpleaf.strain.readers.headers import check_detector, check_length, find_prefix, make_read_error, round_rate
from chirpleaf.strain.strain import LATEST, Series, Strain
from chirpleaf.strain.text_tables import TextTable, read_table
from chirpleaf.system.limits import LIMITS

HEADER = {
    "samples per second": re.compile(r"\b([\d.]+) samples per second"),
    "GPS start": re.compile(r"starting GPS ([\d.]+)"),
    "duration": re.compile(r"\bduration ([\d.]+)"),
}
"""Patterns of the entries in the header of a GWOSC text file."""

OWNER = re.compile(r"\bfor ([A-Z]\d)\b")
FORMATS = "HDF5, GWF frames, GWOSC text, or text of two columns (GPS time in s, strain)"

TIME_TOLERANCE = 0.25
"""Largest difference of a time in a table from its sample, in samples. Rounded times differ by some hundredths."""


def read_text_file(path: Path, detector: str) -> Strain:
    """Read a text file.

    Args:
        path: the file, possibly gzipped.
        detector: prefix of the detector.

    Returns:
        Its strain.

    Raises:
        InputError: the file is truncated, of another format or detector, or contradicts itself.
    """
    try:
        table = read_table(path)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise make_read_error(path, FORMATS, error) from error
    columns = table.values.shape[1] if table.values.size else 0
    if columns == 1:
        return _read_gwosc(path, detector, table)
    if columns == 2:
        return _read_two_columns(path, detector, table)
    raise InputError(f"{path}: expected {FORMATS}; got text of {columns} columns; remove the others or download again")


def _read_gwosc(path: Path, detector: str, table: TextTable) -> Strain:
    """One value a line; the header gives the times."""
    header = " ".join(table.header)
    found = {name: pattern.search(header) for name, pattern in HEADER.items()}
    missing = [name for name, match in found.items() if match is None]
    if missing:
        raise InputError(
            f"{path}: expected {FORMATS}; got text of one column without {', '.join(missing)} in a header; add a "
            "column of GPS times or download it again"
        )
    try:
        rate, start, duration = (float(match.group(1).rstrip(".")) for match in found.values() if match is not None)
    except ValueError as error:
        raise make_read_error(path, FORMATS, error) from error
    owner = OWNER.search(header)
    check_detector(path, detector, owner.group(1) if owner else None)
    check_length(path, len(table.values), rate * duration, "duration")
    return Strain(detector, table.values[:, 0], start, rate)


def _read_two_columns(path: Path, detector: str, table: TextTable) -> Strain:
    """GPS times and strain; missing lines are gaps."""
    named = next((prefix for prefix in map(find_prefix, table.header) if prefix), None)
    check_detector(path, detector, named)
    times, values = table.values.T
    if len(times) < 2 or not ((np.abs(times) <= LATEST).all() and (np.diff(times) > 0).all()):
        raise InputError(f"{path}: expected increasing GPS times in the first column; got others; sort the lines")
    rate = round_rate((len(times) - 1) / (times[-1] - times[0]))
    if not _fits(times, rate):
        rate = round_rate(1.0 / float(np.median(np.diff(times))))
        if np.diff(times).max() > LONGEST_GAP or not _fits(times, rate):
            raise InputError(
                f"{path}: expected GPS times at a constant sampling rate in the first column; got steps from "
                f"{np.diff(times).min():g} to {np.diff(times).max():g} s; write the times with more digits"
            )
    if (times[-1] - times[0]) * rate > LIMITS.values:
        raise InputError(
            f"{path}: expected at most {LIMITS.values:,} samples from the first to the last GPS time; got "
            f"{times[-1] - times[0]:g} s at {rate:g} Hz; cut it to the seconds that are needed"
        )
    places = np.rint((times - times[0]) * rate).astype(int)
    filled: Series = np.full(places[-1] + 1, np.nan)
    filled[places] = values
    return Strain(detector, filled, float(times[0]), rate)


def _fits(times: Series, rate: float) -> bool:
    """Whether times lie on samples of a rate, each on another one."""
    samples = (times - times[0]) * rate
    places = np.rint(samples)
    return bool(np.abs(samples - places).max() <= TIME_TOLERANCE and (np.diff(places) > 0).all())
