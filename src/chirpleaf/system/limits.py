"""Limits of what loaders read, and the checks that come before anything is opened or allocated.

A file may be damaged, or made to harm: a header of some bytes claims gigabytes, a compressed file unpacks to them, a
named pipe never ends. Each loader therefore checks the file by `find_fault` and the sizes that it claims against
`LIMITS` before it reads. The limits leave room for 4096 s of strain at 16384 Hz.

>>> find_fault(Path("/nowhere"))
'does not exist'
"""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LoadLimits:
    """Largest sizes that a loader accepts.

    Attributes:
        file_bytes: size of a file. A larger limit would admit frames of many channels, and takes longer to check.
        text_bytes: size of text, decompressed. A larger limit would admit longer text files, at 15 s for each gigabyte.
        document_bytes: size of a preset, prior file or JSON document. Those of the project have some kilobytes; YAML
            takes 10 s for a megabyte.
        values: numbers of all arrays that are read from a file; 4096 s at 16384 Hz are 67,108,864. Twice as many would
            take more than two gigabytes, as strain is copied once.
        entries: datasets, groups and attributes of an HDF5 file; releases of PESummary have some thousands.
        line_bytes: length of a line of text. A longer one is no table, and is parsed as a whole.
        depth: levels of nested lists and sections in a document, or of groups in an HDF5 file.
        seconds: processor time that reading may take where it cannot be told beforehand. Large text needs it.
    """

    file_bytes: int = 4 * 10**9
    text_bytes: int = 1_500_000_000
    document_bytes: int = 250_000
    values: int = 80_000_000
    entries: int = 20_000
    line_bytes: int = 65_536
    depth: int = 32
    seconds: float = 25.0


LIMITS = LoadLimits()
"""Limits of strain, models and results."""

SPECTRUM_LIMITS = LoadLimits(text_bytes=10**9, values=20_000_000)
"""Limits of noise spectra: 2048 Hz in steps of 1/4096 Hz are 8,388,608 numbers."""

_KINDS = (
    (stat.S_ISDIR, "is a folder"),
    (stat.S_ISFIFO, "is a named pipe"),
    (stat.S_ISSOCK, "is a socket"),
    (stat.S_ISCHR, "is a device"),
    (stat.S_ISBLK, "is a device"),
)


def find_fault(path: Path, largest: int = LIMITS.file_bytes) -> str:
    """Says why a path cannot be read as a file. Nothing is opened: a named pipe would wait for its writer.

    Args:
        path: the path; links are followed.
        largest: greatest size that is allowed, bytes.

    Returns:
        Predicate of a sentence, such as "does not exist" or "is a folder"; empty if nothing is wrong.
    """
    try:
        found = path.stat()
    except ValueError:  # a zero byte
        return "is no valid name"
    except OSError as error:
        return _explain(path, error)
    kind = next((text for is_kind, text in _KINDS if is_kind(found.st_mode)), "")
    if not kind and found.st_size > largest:
        return f"has {show_bytes(found.st_size)}, more than the {show_bytes(largest)} that are read"
    return kind or ("" if os.access(path, os.R_OK) else "cannot be read (Permission denied)")


def _explain(path: Path, error: OSError) -> str:
    """The predicate for a path that the system does not find."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "is a link to nothing" if path.is_symlink() else "does not exist"
    if error.errno == errno.ELOOP:
        return "is a loop of links"
    return f"cannot be read ({os.strerror(error.errno or errno.EIO)})"


def expand_user(path: str | Path) -> Path:
    """A path with a leading `~` replaced by the folder of the user; unchanged if there is no such user.

    Args:
        path: the path.
    """
    try:
        return Path(path).expanduser()
    except (RuntimeError, ValueError):
        return Path(path)


def show_bytes(size: int) -> str:
    """A size for messages, such as "2.1 GB".

    Args:
        size: bytes.
    """
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size} bytes"
