"""Products of a run: which files of a folder chirpleaf wrote, so that a later run can remove them and nothing else.

Each run records the names of its files and the hashes of their contents in the hidden file `.chirpleaf-files.json`.
When a run replaces another, files that the former one recorded and the new one did not write are removed, such as the
sky map of another event. A file that is not recorded, or whose content has changed since, is the user's and stays.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from chirpleaf.system.files import write_atomically

RECORD = ".chirpleaf-files.json"
"""Name of the record."""


def replace_products(folder: Path, written: Iterable[Path]) -> tuple[str, ...]:
    """Removes what a former run wrote and this one did not, and records what this one wrote.

    Args:
        folder: the output folder.
        written: the files of this run; those outside the folder are ignored.

    Returns:
        Names of the files that were removed.
    """
    names = {path.name for path in written if path.parent == folder and path.is_file()}
    removed = []
    for name, content in _read_record(folder).items():
        path = folder / name
        if name not in names and path.is_file() and _hash(path) == content:
            path.unlink()
            removed.append(name)
    document = {"files": {name: _hash(folder / name) for name in sorted(names)}}
    with write_atomically(folder / RECORD) as scratch:
        scratch.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return tuple(removed)


def _read_record(folder: Path) -> dict[str, str]:
    """Names and hashes that the former run recorded; empty if there is no readable record."""
    try:
        files = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
        # A name with a folder in it is not one of ours: nothing outside of the folder is ever removed.
        return {name: content for name, content in files.items() if Path(name).name == name}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
