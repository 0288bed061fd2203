"""A FITS file with columns of numbers, as sky maps need it.

The file holds an empty primary header and a binary table (FITS standard 4.0, https://fits.gsfc.nasa.gov). It is byte
for byte the file that `astropy.io.fits` writes; importing astropy would take half a second of `chirpleaf infer`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from chirpleaf.errors import InputError

_BLOCK = 2880
"""Bytes in the units of which headers and data are written."""

Value = bool | int | float | str


class Column(NamedTuple):
    """A column of a binary table.

    Attributes:
        name: its name.
        values: int64 or float64, shape (n,).
        unit: its unit, as FITS writes it; none if empty.
    """

    name: str
    values: np.ndarray
    unit: str = ""


def write_column(
    path: Path, values: Float64[np.ndarray, " n"], *, name: str, unit: str, header: Mapping[str, Value]
) -> None:
    """Writes a binary table of one column of float64.

    Args:
        path: file name; an existing file is replaced.
        values: the column, shape (n,).
        name: name of the column.
        unit: unit of the column, as FITS writes it.
        header: keywords of the table, at most eight capital letters or digits each, in this order.

    Raises:
        InputError: a text has other characters than printable ASCII, or is longer than 68.
    """
    write_columns(path, [Column(name, values, unit)], header)


def write_columns(path: Path, columns: Sequence[Column], header: Mapping[str, Value]) -> None:
    """Writes a binary table of numbers.

    Args:
        path: file name; an existing file is replaced.
        columns: columns of one length.
        header: keywords of the table, at most eight capital letters, digits or hyphens each, in this order.

    Raises:
        InputError: a text has other characters than printable ASCII, or is longer than 68.
    """
    rows = np.empty(
        len(columns[0].values), [(column.name, column.values.dtype.newbyteorder(">")) for column in columns]
    )
    for column in columns:
        rows[column.name] = column.values
    primary = [
        _format_card("SIMPLE", True, "conforms to FITS standard"),
        _format_card("BITPIX", 8, "array data type"),
        _format_card("NAXIS", 0, "number of array dimensions"),
        _format_card("EXTEND", True),
    ]
    table = [
        _format_card("XTENSION", "BINTABLE", "binary table extension"),
        _format_card("BITPIX", 8, "array data type"),
        _format_card("NAXIS", 2, "number of array dimensions"),
        _format_card("NAXIS1", rows.itemsize, "length of dimension 1"),
        _format_card("NAXIS2", len(rows), "length of dimension 2"),
        _format_card("PCOUNT", 0, "number of group parameters"),
        _format_card("GCOUNT", 1, "number of groups"),
        _format_card("TFIELDS", len(columns), "number of table fields"),
        *(card for place, column in enumerate(columns, 1) for card in _describe_column(place, column)),
        *(_format_card(keyword, value) for keyword, value in header.items()),
    ]
    data = rows.tobytes()
    path.write_bytes(_pad_header(primary) + _pad_header(table) + data + b"\0" * (-len(data) % _BLOCK))


def _describe_column(place: int, column: Column) -> list[str]:
    """Name, format and unit of a column."""
    cards = [
        _format_card(f"TTYPE{place}", column.name),
        _format_card(f"TFORM{place}", "K" if column.values.dtype.kind == "i" else "D"),
    ]
    return [*cards, _format_card(f"TUNIT{place}", column.unit)] if column.unit else cards


def _format_card(keyword: str, value: Value, comment: str = "") -> str:
    """One line of 80 characters: numbers end and texts begin in fixed columns."""
    if isinstance(value, str):
        if not (value.isascii() and value.isprintable()) or len(value) > 68:
            raise InputError(f"expected at most 68 printable ASCII characters for {keyword}; got {value!r}: shorten it")
        quoted = value.replace("'", "''")
        text = f"'{quoted:8}'"
        text = f"{text:20}" if comment else text
    elif isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    else:
        text = f"{str(value).upper():>20}"
    return f"{keyword:8}= {text}{f' / {comment}' if comment else ''}"[:80].ljust(80)


def _pad_header(cards: list[str]) -> bytes:
    """The lines of a header with its end, padded to whole blocks."""
    text = "".join((*cards, "END".ljust(80)))
    return (text + " " * (-len(text) % _BLOCK)).encode("ascii")
