"""Atomic writes: files are written completely or not at all.

A file is written under a hidden name in the same folder, then renamed. Readers therefore find either the whole new
file or the former one, also when the disk is full or the process is stopped. The hidden name tells machine and process,
so that what a process left behind when it was killed is known, and `remove_stale_files` removes it.
"""

import hashlib
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chirpleaf.system.processes import is_running

_SCRATCH = re.compile(r"\.chirpleaf-(?P<host>.+)-(?P<process>\d+)-\d+\..+")
_ERROR_NUMBER = re.compile(r"errno = (\d+)")


@contextmanager
def write_atomically(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Gives a temporary name to write to, which is renamed to `path` at the end and removed after an error.

    Args:
        path: the file that is wanted. One that exists is kept until the new one is complete.
        durable: whether to wait until the data are on the disk before renaming, so that a crash of the machine
            cannot leave an empty file either.

    Yields:
        The temporary file name, in the folder of `path`.

    Raises:
        OSError: the file cannot be written, for instance on a full disk; the error names `path`.
    """
    scratch = path.with_name(f".chirpleaf-{socket.gethostname()}-{os.getpid()}-{threading.get_native_id()}.{path.name}")
    try:
        yield scratch
        if durable:
            with scratch.open("rb") as file:
                os.fsync(file.fileno())
        os.replace(scratch, path)
    except OSError as error:
        named = _name_file(error, scratch, path)
        if named is error:
            raise
        raise named from error
    finally:
        scratch.unlink(missing_ok=True)


def write_files(writers: Mapping[str, Callable[[Path], object]], folder: Path) -> tuple[Path, ...]:
    """Writes several files that belong together: none replaces its former version before all of them are complete.

    Args:
        writers: file name to a function that writes this file under the name it is given.
        folder: an existing folder. Files of these names are replaced.

    Returns:
        The paths of the files, in the order of `writers`.

    Raises:
        OSError: a file cannot be written, for instance on a full disk; all former files are kept.
    """
    with ExitStack() as renames:
        for name, write in writers.items():
            scratch = renames.enter_context(write_atomically(folder / name))
            try:
                write(scratch)
            except OSError as error:  # here, because the error passes through the files that are complete too
                named = _name_file(error, scratch, folder / name)
                if named is error:
                    raise
                raise named from error
    return tuple(folder / name for name in writers)


def is_stale(path: Path) -> bool:
    """Whether a file is the unfinished one of a process of this machine that no longer runs."""
    found = _SCRATCH.fullmatch(path.name)
    if found is None or found["host"] != socket.gethostname():
        return False
    return not is_running(int(found["process"]))


def remove_stale_files(folder: Path) -> tuple[str, ...]:
    """Removes the unfinished files of processes that were killed.

    Args:
        folder: an existing folder.

    Returns:
        Names of the files that were removed.
    """
    stale = [path for path in folder.iterdir() if path.is_file() and is_stale(path)]
    for path in stale:
        path.unlink(missing_ok=True)
    return tuple(path.name for path in stale)


def hash_file(path: str | Path) -> str:
    """SHA-256 of a file.

    Args:
        path: the file.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name_file(error: OSError, scratch: Path, path: Path) -> OSError:
    """The error in one short line with the name of the file that is wanted, where it concerns the temporary one.

    h5py has the number of the system's error in the middle of a long text; some errors of writing name no file.
    """
    found = _ERROR_NUMBER.search(str(error))
    number = error.errno or (int(found[1]) if found else None)
    if number is None or error.filename not in (None, str(scratch), scratch):
        return error
    return OSError(number, os.strerror(number), str(path))
