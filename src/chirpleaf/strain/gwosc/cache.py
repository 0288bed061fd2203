"""Cache of downloaded strain: files whose size and hash are recorded, and checked again on every use.

    CACHE/gwosc/GW190521/4096-32/H1.hdf5, L1.hdf5, V1.hdf5, event.json

The record, `event.json`, is written last, so that an event is complete or absent. A file that was damaged since is as
good as absent. `CACHE` is `$CHIRPLEAF_CACHE`, by default the user's folder for caches (`~/.cache/chirpleaf` on Linux,
`$XDG_CACHE_HOME` is respected). It can be deleted at any time.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from chirpleaf.errors import InputError
from chirpleaf.system.claims import take_turns
from chirpleaf.system.files import remove_stale_files, write_atomically

RECORD = "event.json"


@dataclass(frozen=True)
class CachedFile:
    """A file of the cache.

    Attributes:
        name: its name.
        url: where it came from.
        bytes: its size.
        sha256: hash of its content.
    """

    name: str
    url: str
    bytes: int
    sha256: str

    def find_fault(self, folder: Path) -> str:
        """What is wrong with the file; empty if it is as it was when it arrived.

        Args:
            folder: its folder.
        """
        try:
            with (folder / self.name).open("rb") as file:
                if os.fstat(file.fileno()).st_size != self.bytes:
                    return f"{self.name} has another size"
                changed = hashlib.file_digest(file, "sha256").hexdigest() != self.sha256
                return f"{self.name} has another content (SHA-256)" if changed else ""
        except OSError as error:
            return f"{self.name} cannot be read ({os.strerror(error.errno or 0)})"


@dataclass(frozen=True)
class CachedEvent:
    """The record of an event.

    Attributes:
        name: name of the event.
        trigger_time: GPS time, seconds.
        files: detector name to files of consecutive times.
    """

    name: str
    trigger_time: float
    files: Mapping[str, tuple[CachedFile, ...]]

    def write(self, folder: Path) -> None:
        """Writes the record.

        Args:
            folder: folder of the files.
        """
        with write_atomically(folder / RECORD) as scratch:
            scratch.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def find_folder(root: Path, name: str) -> Path:
    """The folder of an event, whose name may be in any case.

    Args:
        root: folder of all events, which need not exist.
        name: name of the event.
    """
    exact = root / name
    if exact.is_dir() or not root.is_dir():
        return exact
    return next((one for one in root.iterdir() if one.name.casefold() == name.casefold()), exact)


def read_record(folder: Path) -> tuple[CachedEvent | None, str]:
    """Reads the record of an event and checks its files.

    Args:
        folder: folder of the event.

    Returns:
        The record, None if the event is not complete; and what is wrong with it, empty if nothing is there at all.
    """
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        files = {str(name): tuple(CachedFile(**one) for one in own) for name, own in found["files"].items()}
        record = CachedEvent(str(found["name"]), float(found["trigger_time"]), files)
        faults = [fault for own in files.values() for one in own if (fault := one.find_fault(folder))]
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, f"{RECORD} cannot be read"
    if not files or not all(files.values()):
        return None, f"{RECORD} names no files"
    return (None, faults[0]) if faults else (record, "")


@contextmanager
def open_folder(folder: Path, patience: float) -> Iterator[Path]:
    """Makes a folder of the cache and lets one process at a time write to it.

    Args:
        folder: the folder.
        patience: time to wait for another process, seconds.

    Yields:
        The folder, without what killed processes left in it.

    Raises:
        InputError: it cannot be made or written to, or another process does not end.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"expected a cache folder that can be written to; got {folder} ({os.strerror(error.errno or 0)}): set "
            "CHIRPLEAF_CACHE to another one"
        ) from error
    with take_turns(folder, patience):
        remove_stale_files(folder)
        yield folder
