"""Entries of a catalogue: from the Open Science Center, or from a text file with an event or a time on each line.

# name or time         strain of one's own
GW150914
GW200129_065458-v1
1264316116.4                                     # open data around a GPS time
1126259462.4           H1=a.hdf5 L1=b.hdf5       # files, relative to the folder of the list
candidate-7 1126259462.4  H1="my file.hdf5"      # with a name
"""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chirpleaf.errors import InputError
from chirpleaf.strain.events import find_event
from chirpleaf.strain.times import parse_time
from chirpleaf.system.limits import LIMITS, expand_user, find_fault, show_bytes

if TYPE_CHECKING:
    from chirpleaf.inference import Request

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]*")
"""Names of entries are names of folders, too."""

_VERSION = re.compile(r"-v\d+$", re.IGNORECASE)
"""End of the name of a release of an event."""

_FILE = re.compile(r"([A-Za-z][A-Za-z0-9])=(.+)")


@dataclass(frozen=True)
class Entry:
    """An event to analyse.

    Attributes:
        name: its name in the table, and of its folder.
        event: name of an embedded event or of one in the open catalogues, or a GPS time; empty with files of strain.
        trigger_time: GPS time of the merger, seconds; None if the event says it.
        strain: detector names and their files, in any order.
    """

    name: str
    event: str
    trigger_time: float | None = None
    strain: tuple[tuple[str, str], ...] = ()

    def make_request(self, template: "Request") -> "Request":
        """The analysis of this event.

        Args:
            template: everything that is asked alike of all events.
        """
        files: dict[str, list[str]] = {}
        for detector, file in self.strain:
            files.setdefault(detector, []).append(file)
        return replace(template, event=self.event or None, strain=files or None, trigger_time=self.trigger_time)

    def describe_input(self) -> dict[str, object]:
        """What the analysis reads, as JSON values: a file that changes has another size or time."""
        return {
            "event": self.event,
            "trigger_time": self.trigger_time,
            "strain": [[detector, file, *_describe_file(Path(file))] for detector, file in self.strain],
        }


def list_entries(catalogue: str, *, offline: bool = False) -> tuple[str, tuple[Entry, ...]]:
    """The events of a catalogue of the Open Science Center, or of a text file.

    Args:
        catalogue: name of the catalogue in any case, such as GWTC-3; or a text file.
        offline: whether the list of the catalogue comes from the cache alone.

    Returns:
        Exact name of the catalogue or name of the file, and at least one entry.

    Raises:
        InputError: there is neither, or a line cannot be read.
    """
    path = expand_user(catalogue)
    if path.exists() or "/" in catalogue or path.suffix == ".txt":
        return path.name, read_entries(path)
    from chirpleaf.strain.gwosc import fetch_catalogue  # noqa: PLC0415 - files do not need it

    exact, found = fetch_catalogue(catalogue, offline=offline)
    # The embedded strain is the release that the catalogue refers to.
    entries = [Entry(one.name, one.name if find_event(one.name) else one.version) for one in found]
    return exact, tuple(_check_names(enumerate(entries, 1), exact))


def read_entries(path: Path) -> tuple[Entry, ...]:
    """Reads a text file with an event or a time on each line.

    Args:
        path: the file; relative names of strain files are relative to its folder.

    Raises:
        InputError: it cannot be read, a line is not understood, a name occurs twice, or there are no lines.
    """
    fault = find_fault(path, LIMITS.document_bytes)
    if fault:
        raise InputError(
            f"expected a text file of events of at most {show_bytes(LIMITS.document_bytes)}, or the name of a "
            f"catalogue; got {path}, which {fault}: correct the name"
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"expected a text file of events; got {path} ({error}): write it in UTF-8") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise _describe_line(path, number, f"{line.strip()!r} ({error})") from error
        if words:
            found.append((number, _parse_line(words, path, number)))
    if not found:
        raise InputError(f"expected events in {path}; got none: write a name or a GPS time on each line")
    return tuple(_check_names(found, str(path)))


def _parse_line(words: Sequence[str], path: Path, number: int) -> Entry:
    """Name, time and files of a line."""
    named = [found for word in words if (found := _FILE.fullmatch(word))]
    strain = tuple((found[1].upper(), str(path.absolute().parent / expand_user(found[2]))) for found in named)
    plain = [word for word in words if not _FILE.fullmatch(word)]
    if not 1 <= len(plain) <= 2 or (len(plain) == 2 and not strain):
        raise _describe_line(path, number, " ".join(words))
    *name, last = plain
    try:
        time = parse_time(last)
    except InputError as error:
        if strain or not _NAME.fullmatch(last):
            raise _describe_line(path, number, " ".join(words)) from error
        return Entry(last, last)
    label = name[0] if name else f"GPS{time:.3f}".rstrip("0").rstrip(".")
    if not _NAME.fullmatch(label):
        raise _describe_line(path, number, " ".join(words))
    return Entry(label, "", time, strain) if strain else Entry(label, f"{time}")


def _describe_line(path: Path, number: int, text: str) -> InputError:
    return InputError(
        f"{path}, line {number}: expected NAME, GPS, or [NAME] GPS H1=FILE L1=FILE; got {text[:80]}: correct the line"
    )


def _check_names(entries: Iterable[tuple[int, Entry]], where: str) -> Iterable[Entry]:
    """The entries, which must be different events of different names, also on file systems that ignore case.

    Other names of an event are known when its strain is read: `outcome.refuse_repeated`.
    """
    lines: dict[object, int] = {}
    for number, entry in entries:
        plain = _VERSION.sub("", entry.event)
        embedded = find_event(plain)
        event = embedded.name if embedded else plain
        for key in {entry.name.casefold(), event.casefold() or (entry.trigger_time, frozenset(entry.strain))}:
            first = lines.setdefault(key, number)
            if first != number:
                raise InputError(
                    f"{where}, line {number}: expected {entry.name} once; got the same event in line {first}: leave "
                    "one out"
                )
        yield entry


def _describe_file(path: Path) -> tuple[int, int]:
    """Size and time of the last change, ns; zeros for a file that is missing."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return 0, 0
    return found.st_size, found.st_mtime_ns
