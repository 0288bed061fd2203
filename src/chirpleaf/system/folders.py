"""Output folders: a new one is created, one that holds files is refused unless the user allows it."""

import os
from pathlib import Path

from chirpleaf.errors import InputError
from chirpleaf.system.files import is_stale, remove_stale_files

LOCK = ".chirpleaf.lock"
"""Name of the hidden file that a run locks in its output folder (`system.claims`)."""


def check_folder(path: Path, *, overwrite: bool) -> None:
    """Checks that a folder may take output. Verbs call it before they compute anything; it creates nothing.

    Args:
        path: the folder.
        overwrite: whether files in it may be replaced; what chirpleaf did not write stays (`system.products`).

    Raises:
        InputError: the folder holds files and `overwrite` is False, `path` is a file, or nobody can write there.
    """
    if path.is_file():
        raise InputError(f"expected a folder for --out; got the file {path}: name another")
    if path.is_dir() and not all(map(_is_left_over, path.iterdir())) and not overwrite:
        raise InputError(f"expected a new or empty folder for --out; got {path}, which holds files: add --overwrite")
    existing = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise InputError(f"expected a folder for --out that can be written to; got {path}: name another")


def new_folder(path: Path, *, overwrite: bool) -> Path:
    """Creates a folder for output, with its parents, and removes what killed processes left in it.

    Args:
        path: the folder.
        overwrite: as for `check_folder`.

    Returns:
        The path.

    Raises:
        InputError: as `check_folder`, or the folder cannot be created.
    """
    check_folder(path, overwrite=overwrite)
    try:
        path.mkdir(parents=True, exist_ok=True)
        remove_stale_files(path)
    except OSError as error:
        raise InputError(f"expected a folder that can be made for --out; got {path} ({error}): name another") from error
    return path


def _is_left_over(path: Path) -> bool:
    """Whether a file is the lock or the unfinished file of a run that was killed."""
    return path.name == LOCK or is_stale(path)
