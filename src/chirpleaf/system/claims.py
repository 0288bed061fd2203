"""Output folders and files that one run has for itself: a second run into them is refused while the first one lives.

A claim is a lock of the system (`lockf`) on a hidden file. The system releases it when the process ends, also when it
is killed; the hidden file that is then left behind locks nobody out, and `check_folder` does not count it.
"""

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from chirpleaf.errors import InputError
from chirpleaf.system.files import remove_stale_files
from chirpleaf.system.folders import LOCK, check_folder

_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS)
"""Errors of file systems that have no locks. Two runs cannot be told apart there."""

_POLL_SECONDS = 0.2
"""Time between two attempts of `take_turns`, seconds: locks are held for seconds to minutes."""

_held: set[tuple[int, int]] = set()
"""Device and number of the files that this process has locked. A second lock of the same process would succeed."""


@contextmanager
def claim_folder(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Creates an output folder with its parents, and keeps other runs out of it until the end.

    What killed processes left in the folder is removed. If nothing was written in the end, as after wrong input, the
    folders that were made are removed again.

    Args:
        path: the folder.
        overwrite: as for `check_folder`.

    Yields:
        The path.

    Raises:
        InputError: as `check_folder`, or another run writes there.
    """
    check_folder(path, overwrite=overwrite)
    made = [parent for parent in (path, *path.absolute().parents) if not parent.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"expected a folder that can be made for --out; got {path} ({error}): name another") from error
    try:
        with _hold(path / LOCK, f"folder for --out that no other run writes to; got {path}"):
            check_folder(path, overwrite=overwrite)  # another run may have ended in the meantime
            remove_stale_files(path)
            yield path
    finally:
        with suppress(OSError):  # a folder with files stays
            for folder in made:
                folder.rmdir()


@contextmanager
def claim_file(path: Path) -> Iterator[Path]:
    """Keeps other runs from writing a file until the end.

    Args:
        path: the file, which need not exist, in an existing folder.

    Yields:
        The path.

    Raises:
        InputError: another run writes it, it is a folder, or its own folder does not exist.
    """
    if path.is_dir():
        raise InputError(f"expected a file for --out; got the folder {path}: name a file in it")
    if not path.parent.is_dir():
        raise InputError(f"expected a file in an existing folder; got {path}: create {path.parent} first")
    with _hold(path.with_name(f".{path.name}{LOCK}"), f"file that no other run writes; got {path}"):
        yield path


@contextmanager
def take_turns(folder: Path, patience: float) -> Iterator[None]:
    """Lets one process at a time work in a folder; the others wait for it.

    Args:
        folder: an existing folder.
        patience: greatest time to wait, seconds.

    Raises:
        InputError: the other process does not end in time, or the folder cannot be written to.
    """
    end = time.monotonic() + patience
    while True:
        with ExitStack() as stack:
            try:
                stack.enter_context(_hold(folder / LOCK, f"folder that no other process writes to; got {folder}"))
            except InputError:
                if time.monotonic() > end or not os.access(folder, os.W_OK):
                    raise
            else:
                yield
                return
        time.sleep(_POLL_SECONDS)


@contextmanager
def _hold(lock: Path, expected: str) -> Iterator[None]:
    """Holds the lock on a file, which is made for it and removed at the end."""
    descriptor = _open_locked(lock, expected)
    key = _identify(os.fstat(descriptor))
    _held.add(key)
    try:
        yield
    finally:
        with suppress(OSError):  # the folder may be gone
            lock.unlink()
        _held.discard(key)
        os.close(descriptor)


def _open_locked(lock: Path, expected: str) -> int:
    """Opens and locks a file; once more if its former owner removed it in between."""
    while True:
        with suppress(OSError):
            if _identify(lock.stat()) in _held:  # opening and closing it would give up the lock
                raise InputError(f"expected a {expected}, where this process does: wait for it, or name another")
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise InputError(
                f"expected a {expected} ({os.strerror(error.errno or errno.EIO)}): name another"
            ) from error
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _WITHOUT_LOCKS:
                owner = os.read(descriptor, 200).decode(errors="replace").strip()
                os.close(descriptor)
                who = f"process {owner}" if owner else "another process"
                raise InputError(f"expected a {expected}, where {who} does: wait for it, or name another") from error
        with suppress(OSError):
            if _identify(lock.stat()) == _identify(os.fstat(descriptor)):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, f"{os.getpid()} of {socket.gethostname()}\n".encode())
                return descriptor
        os.close(descriptor)


def _identify(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
