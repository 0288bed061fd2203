"""Tables of numbers in text files, as many tools write them.

Text may be compressed by gzip, begin with a byte-order mark (UTF-8 or UTF-16), separate columns by white space, commas
or semicolons, hold comments that start with #, % or //, and name its columns in the first line.
"""

from __future__ import annotations

import codecs
import gzip
import re
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

GZIP_SIGNATURE = b"\x1f\x8b"
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


def read_text(path: Path) -> str:
    """The text of a file, decompressed and decoded.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be read, or is cut short.
        ValueError: it is not text.
    """
    content = path.read_bytes()
    if content.startswith(GZIP_SIGNATURE):
        try:
            content = gzip.decompress(content)
        except EOFError as error:
            raise OSError("compressed file cut short") from error
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = content.decode("utf-16" if wide else "utf-8-sig")
    if "\0" in text:
        raise ValueError("binary content")
    return text


def parse_table(text: str) -> TextTable:
    """Parses the text of a table.

    Args:
        text: the content of a file.

    Raises:
        ValueError: a line is not of numbers, or lines differ in their number of columns.
    """
    top, skipped = text.split("\n", HEADER_LINES)[:HEADER_LINES], 0
    header: list[str] = []
    for line in map(str.strip, top):
        if line and not line.startswith(COMMENTS):
            if _is_numeric(line) or any(not one.startswith(COMMENTS) for one in header):
                break
            header.append(line)  # one line may name the columns
        elif line:
            header.append(line)
        skipped += 1
    if skipped == len(top) < HEADER_LINES:
        raise ValueError("no line of numbers")
    first = top[skipped] if skipped < len(top) else ""
    delimiter = next((sign for sign in ",;" if sign in first), None)
    values = np.loadtxt(StringIO(text), comments=COMMENTS, delimiter=delimiter, skiprows=skipped, ndmin=2)
    return TextTable(tuple(header), np.asarray(values, dtype=np.float64))


def _is_numeric(line: str) -> bool:
    """Whether all entries of a line are numbers."""
    try:
        return bool([float(entry) for entry in re.split(r"[\s,;]+", line.strip(" ,;"))])
    except ValueError:
        return False
