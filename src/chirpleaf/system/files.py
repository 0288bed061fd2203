"""Atomic writes: a file is written completely or not at all.

A file is written under a hidden name in the same folder, then renamed. Readers therefore find either the whole new
file or the former one, also when the disk is full or the process is stopped.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def write_atomically(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Gives a temporary name to write to, which is renamed to `path` at the end and removed after an error.

    Args:
        path: the file that is wanted. One that exists is kept until the new one is complete.
        durable: whether to wait until the data are on the disk before renaming, so that a crash of the machine
            cannot leave an empty file either.

    Yields:
        The temporary file name, in the folder of `path`.
    """
    scratch = path.with_name(f".{os.getpid()}-{threading.get_native_id()}.{path.name}")
    try:
        yield scratch
        if durable:
            with scratch.open("rb") as file:
                os.fsync(file.fileno())
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def write_files(writers: Mapping[str, Callable[[Path], object]], folder: Path) -> tuple[Path, ...]:
    """Writes several files, each with `write_atomically`.

    Args:
        writers: file name to a function that writes this file under the name it is given.
        folder: an existing folder. Files of these names are replaced.

    Returns:
        The paths of the files, in the order of `writers`.
    """
    for name, write in writers.items():
        with write_atomically(folder / name) as scratch:
            write(scratch)
    return tuple(folder / name for name in writers)
