"""Text files of any size, read in parts within the limits of `system.limits`: decompressed, decoded, and timed."""

from __future__ import annotations

import codecs
import gzip
import io
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from chirpleaf.errors import InputError
from chirpleaf.system.limits import LIMITS, LoadLimits, show_bytes

Source: TypeAlias = gzip.GzipFile | io.BufferedReader
"""A file, decompressed or as it is."""

GZIP_SIGNATURE = b"\x1f\x8b"

_PART = 2**20
"""Bytes that are read at once."""

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_WIDE_SHARE = 32
"""Factor by which UTF-16 may be shorter, as its lines are not bounded. Spreadsheets write it, for short tables."""


class BoundedReader(io.RawIOBase):
    """A stream of bytes that ends with an error where a limit is passed.

    Args:
        source: the stream, decompressed.
        path: the file, for messages.
        limits: limits of size, lines and time.
        is_text: whether lines are bounded, and bytes of zero refused.

    Raises:
        InputError: on reading, there are too many bytes, or it takes too long.
        ValueError: on reading, a line is too long or the content is binary.
        OSError: on reading, compressed data are damaged or cut short.
    """

    def __init__(self, source: Source, path: Path, limits: LoadLimits = LIMITS, *, is_text: bool = True) -> None:
        self._source, self._path, self._limits, self._is_text = source, path, limits, is_text
        self._left, self._line = limits.text_bytes, 0
        self._end = time.process_time() + limits.seconds

    def readable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Reads the next bytes into a buffer; returns their number."""
        try:
            part = self._source.read(min(len(buffer), _PART))
        except EOFError as error:
            raise OSError("compressed file cut short") from error
        except zlib.error as error:
            raise OSError(f"compressed file damaged: {error}") from error
        self._left -= len(part)
        if self._left < 0:
            raise InputError(
                f"{self._path}: expected at most {show_bytes(self._limits.text_bytes)} of text; got more; cut it to "
                "the seconds or frequencies that are needed, or take HDF5"
            )
        if time.process_time() > self._end:
            raise InputError(
                f"{self._path}: expected text that can be read in {self._limits.seconds:g} s; got more; cut it to the "
                "seconds that are needed, or take HDF5"
            )
        if self._is_text:
            self._check_lines(part)
        buffer[: len(part)] = part
        return len(part)

    def _check_lines(self, part: bytes) -> None:
        """Refuses binary content and long lines."""
        if b"\0" in part:
            raise ValueError("binary content")
        last = max(part.rfind(b"\n"), part.rfind(b"\r"))
        self._line = self._line + len(part) if last < 0 else len(part) - 1 - last
        if self._line > max(self._limits.line_bytes, _PART):
            raise ValueError("a line without end")


@contextmanager
def open_text(path: Path, limits: LoadLimits = LIMITS) -> Iterator[io.TextIOWrapper]:
    """Opens a text file for reading.

    Args:
        path: a regular file (`find_fault`), possibly compressed by gzip, in UTF-8 or UTF-16 with a byte-order mark.
        limits: limits of size, lines and time.

    Yields:
        The text. Reading it raises the errors of `BoundedReader`, and UnicodeDecodeError where it is no text.
    """
    with path.open("rb") as file:
        compressed = file.read(2) == GZIP_SIGNATURE
        file.seek(0)
        source: Source = gzip.GzipFile(fileobj=file) if compressed else file
        wide = _starts_wide(source)
        source.seek(0)
        bounds = replace(limits, text_bytes=limits.text_bytes // _WIDE_SHARE) if wide else limits
        raw = BoundedReader(source, path, bounds, is_text=not wide)
        encoding = "utf-16" if wide else "utf-8-sig"
        with io.TextIOWrapper(io.BufferedReader(raw, _PART), encoding=encoding) as text:
            yield text


def read_bytes(path: Path, most: int = LIMITS.document_bytes) -> bytes:
    """The content of a file, decompressed if it is gzipped.

    Args:
        path: a regular file.
        most: largest number of bytes, decompressed.

    Raises:
        InputError: it is larger.
        OSError: it cannot be read, is damaged or cut short.
    """
    with path.open("rb") as file:
        compressed = file.read(2) == GZIP_SIGNATURE
        file.seek(0)
        source: Source = gzip.GzipFile(fileobj=file) if compressed else file
        bounds = replace(LIMITS, text_bytes=most)
        return io.BufferedReader(BoundedReader(source, path, bounds, is_text=False), _PART).read()


def _starts_wide(source: Source) -> bool:
    """Whether text begins with the mark of UTF-16."""
    try:
        return source.read(2) in _WIDE
    except EOFError as error:
        raise OSError("compressed file cut short") from error
    except zlib.error as error:
        raise OSError(f"compressed file damaged: {error}") from error
