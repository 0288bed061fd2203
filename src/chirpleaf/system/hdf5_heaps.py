"""The heaps of an HDF5 file, checked before the library reads them.

A global heap holds the texts of a file. Its objects stand one after another, each with its size, and the HDF5 library
(2.0.0 and before) trusts these sizes: at a size of zero it reads the same object for ever, and no signal that Python
handles can end it. So the sizes are added up here first.

Source: "HDF5 File Format Specification", version 3.0, section III.E, Disk Format: Level 1E - Global Heap.
"""

from __future__ import annotations

import mmap
from pathlib import Path

_SUPERBLOCK = b"\x89HDF\r\n\x1a\n"
_HEAP = b"GCOL\1\0\0\0"
"""Signature, version and reserved bytes. The library itself refuses other versions."""

_PREFIX = 8
"""Bytes before a size: of `_HEAP`, and of the number and count of an object."""


def find_heap_fault(path: Path) -> str | None:
    """What is wrong with the global heaps of a file; None if the library can read them.

    Args:
        path: an HDF5 file, which may be damaged.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if not file.seek(0, 2):
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            width = _read_width(content)
            place = _find(content, _HEAP)
            while place >= 0:
                if not _is_sound(content, place, width):
                    return f"has a damaged heap of texts at byte {place}"
                place = _find(content, _HEAP, place + len(_HEAP))
    return None


def _find(content: mmap.mmap, signature: bytes, start: int = 0) -> int:
    """Place of a signature from `start` on; -1 if there is none.

    The last byte is not searched: Python before 3.11.5 reads the byte after those that it searches, and where a file of
    whole pages ends, this ends the process (https://github.com/python/cpython/issues/105235). A signature in the last
    bytes has nothing behind it, so it is no heap.
    """
    return content.find(signature, start, len(content) - 1)


def _read_width(content: mmap.mmap) -> int:
    """Bytes of a size, which the superblock states; 8 in all files but a few."""
    start = max(_find(content, _SUPERBLOCK), 0) + len(_SUPERBLOCK)
    place = start + (6 if content[start : start + 1] < b"\x02" else 2)
    stated = content[place : place + 1]
    return stated[0] if stated in (b"\x02", b"\x04") else 8


def _is_sound(content: mmap.mmap, start: int, width: int) -> bool:
    """Whether each object of a heap lies between the one before it and the end of the heap."""

    def read_size(place: int) -> int:
        return int.from_bytes(content[place : place + width], "little")

    header = _PREFIX + width
    place, end = start + _align(header), start + read_size(start + _PREFIX)
    while place + _align(header) <= end <= len(content):
        size = read_size(place + _PREFIX)
        is_free = content[place : place + 2] == b"\0\0"
        extent = size if is_free else _align(header) + _align(size)
        if not _align(header) <= extent <= end - place:
            return False
        place += extent
    return end <= len(content)


def _align(size: int) -> int:
    """The next multiple of eight."""
    return -(-size // 8) * 8
