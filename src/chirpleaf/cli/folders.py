"""Output folders: made when new, refused when they hold something, unless the user says otherwise."""

import os
from pathlib import Path

from chirpleaf.errors import InputError


def check_folder(path: Path, *, overwrite: bool) -> None:
    """Whether a folder may take output; asked before anything is computed, and nothing is made.

    Args:
        path: where.
        overwrite: whether files in it may be replaced; those with other names stay.

    Raises:
        InputError: it holds files and `overwrite` is False, or it is a file, or it cannot be made or written to.
    """
    if path.is_file():
        raise InputError(f"expected a folder for --out; got the file {path}: name another")
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        raise InputError(f"expected a new or empty folder for --out; got {path}, which holds files: add --overwrite")
    standing = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    if not standing.is_dir() or not os.access(standing, os.W_OK):
        raise InputError(f"expected a folder for --out that can be written to; got {path}: name another")


def new_folder(path: Path, *, overwrite: bool) -> Path:
    """Makes a folder for output.

    Args:
        path: where.
        overwrite: as for `check_folder`.

    Raises:
        InputError: as `check_folder`.
    """
    check_folder(path, overwrite=overwrite)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"expected a folder that can be made for --out; got {path} ({error}): name another") from error
    return path
