"""Tables of numbers in text files, as many tools write them.

Text may be compressed by gzip, begin with a byte-order mark (UTF-8 or UTF-16), separate columns by white space, commas
or semicolons, hold comments that start with #, % or //, and name its columns in the first line.
"""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from chirpleaf.errors import InputError
from chirpleaf.system.bounded_text import open_text
from chirpleaf.system.limits import LIMITS, LoadLimits

COMMENTS = ("#", "%", "//")
HEADER_LINES = 40
"""Lines at the top of a file among which header lines are searched."""


class TextTable(NamedTuple):
    """Numbers of a text file.

    Attributes:
        header: comments and names of columns at the top, a line each.
        values: shape (row, column).
    """

    header: tuple[str, ...]
    values: Float64[np.ndarray, "row column"]


def read_table(path: Path, limits: LoadLimits = LIMITS) -> TextTable:
    """Reads a table from a text file, in parts: the text as a whole would take several times the memory of its numbers.

    Args:
        path: a regular file (`system.limits.find_fault`), possibly compressed by gzip.
        limits: limits of size and time.

    Raises:
        InputError: the text is larger than the limits.
        OSError: it cannot be read, or is cut short.
        ValueError: it is not text, a line is not of numbers, or lines differ in their number of columns.
    """
    with open_text(path, limits) as text:
        top = list(islice(text, HEADER_LINES))
    header, skipped = _split_top(top)
    if skipped == len(top) < HEADER_LINES:
        raise ValueError("no line of numbers")
    first = top[skipped].strip() if skipped < len(top) else ""
    delimiter = next((sign for sign in ",;" if sign in first), None)
    most = limits.values // max(len(_split_line(first)), 1)
    with open_text(path, limits) as text:
        values = np.loadtxt(
            text, comments=COMMENTS, delimiter=delimiter, skiprows=skipped, ndmin=2, max_rows=most + 1, dtype=np.float64
        )
    if len(values) > most:
        raise InputError(
            f"{path}: expected at most {most:,} lines of numbers; got more; cut it to the seconds or frequencies that "
            "are needed"
        )
    return TextTable(header, values)


def _split_top(lines: list[str]) -> tuple[tuple[str, ...], int]:
    """Header lines among the first lines of a file, and the number of lines before the numbers."""
    header: list[str] = []
    skipped = 0
    for line in map(str.strip, lines):
        if line and not line.startswith(COMMENTS):
            if _is_numeric(line) or any(not one.startswith(COMMENTS) for one in header):
                break
            header.append(line)  # one line may name the columns
        elif line:
            header.append(line)
        skipped += 1
    return tuple(header), skipped


def _split_line(line: str) -> list[str]:
    """Entries of a line."""
    return re.split(r"[\s,;]+", line.strip(" ,;"))


def _is_numeric(line: str) -> bool:
    """Whether all entries of a line are numbers."""
    try:
        return bool([float(entry) for entry in _split_line(line)])
    except ValueError:
        return False
