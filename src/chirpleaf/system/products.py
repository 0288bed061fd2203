"""Products of a run: which files of a folder chirpleaf wrote, so that a later run can remove them and nothing else.

Each run records the names of its files and the hashes of their contents in the hidden file `.chirpleaf-files.json`.
When a run replaces another, files that the former one recorded and the new one did not write are removed, such as the
sky map of another event. A file that is not recorded, or whose content has changed since, is the user's and stays.
Folders within the folder, such as those of the events of a catalogue, have records of their own.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from chirpleaf.system.files import hash_file, write_atomically

RECORD = ".chirpleaf-files.json"
"""Name of the record."""


@dataclass(frozen=True)
class _Record:
    """Content of a record: names of files with their hashes, and names of folders within the folder."""

    files: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()


def replace_products(folder: Path, written: Iterable[Path], inner: Iterable[Path] = ()) -> tuple[str, ...]:
    """Removes what a former run wrote and this one did not, and records what this one wrote.

    Args:
        folder: the output folder.
        written: the files of this run; those outside the folder are ignored.
        inner: folders within the folder, which need not exist yet, whose own records are of this run.

    Returns:
        Names of the files that were removed.
    """
    former, new = _read_record(folder), _make_record(folder, written, inner)
    removed = [name for name in former.files if name not in new.files and _remove(folder / name, former.files[name])]
    for name in former.folders:
        if name not in new.folders:
            removed += [f"{name}/{one}" for one in _clear(folder, folder / name)]
    _write_record(folder, new)
    return tuple(removed)


def add_products(folder: Path, written: Iterable[Path], inner: Iterable[Path] = ()) -> None:
    """Records further files of a run, and removes nothing.

    Args:
        folder: the output folder.
        written: as for `replace_products`.
        inner: the same.
    """
    former, new = _read_record(folder), _make_record(folder, written, inner)
    folders = tuple(dict.fromkeys((*former.folders, *new.folders)))
    _write_record(folder, _Record({**former.files, **new.files}, folders))


def read_products(folder: Path) -> dict[str, str]:
    """Names and SHA-256 of the files that are recorded in a folder; empty if there is no readable record.

    Args:
        folder: the output folder.
    """
    return dict(_read_record(folder).files)


def find_changed(folder: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """Names of files that are missing, or whose content is another one.

    Args:
        folder: their folder.
        files: name to SHA-256, as from `read_products`.
    """
    return tuple(name for name, content in files.items() if not _is_unchanged(folder / name, content))


def _is_unchanged(path: Path, content: str) -> bool:
    try:
        return path.is_file() and hash_file(path) == content
    except OSError:
        return False


def _remove(path: Path, content: str) -> bool:
    """Removes a file if it has the content; whether it did."""
    found = _is_unchanged(path, content)
    if found:
        path.unlink()
    return found


def _clear(folder: Path, inner: Path) -> tuple[str, ...]:
    """Removes the products of a folder within a folder, and the folders that are empty then."""
    if not inner.is_dir():
        return ()
    removed = replace_products(inner, ())
    (inner / RECORD).unlink(missing_ok=True)
    with suppress(OSError):  # one with files of the user stays
        while inner != folder:
            inner.rmdir()
            inner = inner.parent
    return removed


def _make_record(folder: Path, written: Iterable[Path], inner: Iterable[Path]) -> _Record:
    names = {path.name for path in written if path.parent == folder and path.is_file()}
    files = {name: hash_file(folder / name) for name in sorted(names)}
    return _Record(files, tuple(path.relative_to(folder).as_posix() for path in inner))


def _write_record(folder: Path, record: _Record) -> None:
    document = {"files": record.files, **({"folders": record.folders} if record.folders else {})}
    with write_atomically(folder / RECORD) as scratch:
        scratch.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _read_record(folder: Path) -> _Record:
    """What the former run recorded; empty if there is no readable record."""
    try:
        document = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        # A name with a folder in it is not one of ours: nothing outside of the folder is ever removed.
        files = {name: content for name, content in document["files"].items() if Path(name).name == name}
        folders = tuple(name for name in document.get("folders", ()) if _is_within(folder, folder / name))
        return _Record(files, folders)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return _Record()


def _is_within(folder: Path, inner: Path) -> bool:
    """Whether a folder lies within another one, wherever links lead."""
    own, found = folder.resolve(), inner.resolve()
    return found != own and found.is_relative_to(own)
