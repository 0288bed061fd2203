"""Output folders: made when new, refused when they hold something, unless the user says otherwise."""

from pathlib import Path

from chirpleaf.errors import InputError


def new_folder(path: Path, *, overwrite: bool) -> Path:
    """Makes a folder for output.

    Args:
        path: where.
        overwrite: whether files in it may be replaced; those with other names stay.

    Raises:
        InputError: it holds files and `overwrite` is False, or it is a file, or it cannot be made.
    """
    if path.is_file():
        raise InputError(f"expected a folder for --out; got the file {path}: name another")
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        raise InputError(f"expected a new or empty folder for --out; got {path}, which holds files: add --overwrite")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"expected a folder that can be made for --out; got {path} ({error}): name another") from error
    return path
