"""A FITS file with one column of numbers, as sky maps need it.

The file holds an empty primary header and a binary table (FITS standard 4.0, https://fits.gsfc.nasa.gov). It is byte
for byte the file that `astropy.io.fits` writes; importing astropy would take half a second of `chirpleaf infer`.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from chirpleaf.errors import InputError

_BLOCK = 2880
"""Bytes in the units of which headers and data are written."""

Value = bool | int | float | str


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
        _format_card("NAXIS1", 8, "length of dimension 1"),
        _format_card("NAXIS2", len(values), "length of dimension 2"),
        _format_card("PCOUNT", 0, "number of group parameters"),
        _format_card("GCOUNT", 1, "number of groups"),
        _format_card("TFIELDS", 1, "number of table fields"),
        _format_card("TTYPE1", name),
        _format_card("TFORM1", "D"),
        _format_card("TUNIT1", unit),
        *(_format_card(keyword, value) for keyword, value in header.items()),
    ]
    data = values.astype(">f8").tobytes()
    path.write_bytes(_pad_header(primary) + _pad_header(table) + data + b"\0" * (-len(data) % _BLOCK))


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
