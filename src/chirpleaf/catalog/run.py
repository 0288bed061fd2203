"""A catalogue run in a folder: what is asked, what is finished, what is left.

    OUT/run.json                    catalogue, settings, entries: written first
    OUT/events/NAME/...             files of the result, as `chirpleaf infer` writes them
    OUT/events/NAME/outcome.json    written last: the event is finished, as long as the files that it names are there
    OUT/catalog.csv, .json, .html   made of the outcomes

Each event is one folder and finished or not, so that a run that was killed loses and doubles none.
"""

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chirpleaf.catalog.entries import Entry, list_entries
from chirpleaf.catalog.outcome import ANSWERED, FAILED, FILE_NAME, Outcome, read_outcome
from chirpleaf.catalog.processes import Death
from chirpleaf.catalog.work import TRACEBACK
from chirpleaf.errors import InputError
from chirpleaf.result.json_files import write_json
from chirpleaf.system.documents import parse_json
from chirpleaf.system.files import remove_stale_files, write_atomically
from chirpleaf.system.products import add_products, replace_products

if TYPE_CHECKING:
    from chirpleaf.inference import Request

RECORD, EVENTS = "run.json", "events"

_OWN = ("event", "strain", "trigger_time", "workers")
"""Fields of a request that differ from event to event, or do not change the answer."""

Mapper = Callable[[list[tuple[Any, ...]]], Generator[tuple[int, Outcome | Death], None, None]]
"""Analyses entries, and yields their numbers and outcomes in the order in which they end."""


@dataclass(frozen=True)
class CatalogRun:
    """A run.

    Attributes:
        folder: the output folder.
        catalogue: name of the catalogue or of the file.
        entries: all events, in the order of the table.
        template: what is asked alike of all events.
    """

    folder: Path
    catalogue: str
    entries: tuple[Entry, ...]
    template: "Request"

    def locate(self, entry: Entry) -> Path:
        """Folder of an event.

        Args:
            entry: the event.
        """
        return self.folder / EVENTS / entry.name

    def begin(self) -> None:
        """Records what is asked, before any event is analysed."""
        document = {
            "catalogue": self.catalogue,
            "settings": describe_settings(self.template),
            "entries": [asdict(entry) for entry in self.entries],
        }
        with write_atomically(self.folder / RECORD, durable=True) as scratch:
            write_json(lambda: document, scratch, indented=True)
        add_products(self.folder, [self.folder / RECORD], map(self.locate, self.entries))

    def forget(self) -> None:
        """Makes all events unfinished, and removes what the former run wrote, a catalogue or another one.

        Files of events that are listed again stay until others replace them.
        """
        for path in (self.folder / EVENTS).glob(f"*/{FILE_NAME}"):
            path.unlink()
        replace_products(self.folder, [self.folder / RECORD], map(self.locate, self.entries))

    def find_finished(self) -> dict[str, Outcome]:
        """Outcomes by name of the entry: those that were answered with this input and these settings."""
        found = {entry.name: read_outcome(self.locate(entry), self._describe(entry)) for entry in self.entries}
        return {name: one for name, one in found.items() if one is not None and one.exit_code in ANSWERED}

    def analyse(self, entries: Iterable[Entry], mapper: Mapper) -> Generator[Outcome, None, None]:
        """Analyses events and records their outcomes.

        Args:
            entries: the events that are left.
            mapper: shares them among processes.

        Yields:
            Each outcome, when it is recorded.
        """
        left = list(entries)
        made_of = [self._describe(entry) for entry in left]
        for entry in left:
            (self.locate(entry) / FILE_NAME).unlink(missing_ok=True)
        with closing(mapper([(entry, self.template, self.locate(entry)) for entry in left])) as ended:
            for number, found in ended:
                name, folder = left[number].name, self.locate(left[number])
                outcome = Outcome.of_failure(name, FAILED, found.reason) if isinstance(found, Death) else found
                folder.mkdir(parents=True, exist_ok=True)
                outcome.write(folder, made_of[number])
                _record_files(folder, outcome)
                yield outcome

    def clean(self) -> None:
        """Removes what processes that were killed left behind."""
        for entry in self.entries:
            folder = self.locate(entry)
            if folder.is_dir():
                remove_stale_files(folder)
                with suppress(OSError):  # one with files stays
                    folder.rmdir()

    def _describe(self, entry: Entry) -> dict[str, Any]:
        return {"input": entry.describe_input(), "settings": describe_settings(self.template)}


def _record_files(folder: Path, outcome: Outcome) -> None:
    """Records the files of an event; those of a former answer do not stay beside a failure."""
    own = (folder / FILE_NAME, folder / TRACEBACK)
    if outcome.exit_code in ANSWERED:
        add_products(folder, own)
    else:
        replace_products(folder, own)


def describe_settings(template: "Request") -> dict[str, Any]:
    """What is asked alike of all events, as JSON values, with the version of chirpleaf.

    Args:
        template: the request; its fields of a single event are left out.
    """
    plain = replace(template, settings=replace(template.settings, offline=False))
    values = {name: value for name, value in asdict(plain).items() if name not in _OWN}
    document: dict[str, Any] = json.loads(json.dumps({**values, "version": version("chirpleaf")}, default=str))
    return document


def open_run(
    catalogue: str, folder: Path, template: "Request", *, resume: bool, overwrite: bool, offline: bool
) -> CatalogRun:
    """Opens a new run, or one that was stopped.

    Args:
        catalogue: name of a catalogue, or a text file.
        folder: the output folder, which this process has claimed.
        template: what is asked alike of all events.
        resume: whether to go on with the run in the folder. A catalogue keeps the list of the first run, a file is
            read again.
        overwrite: whether to begin anew.
        offline: whether the list of a catalogue comes from the cache alone.

    Raises:
        InputError: there is no such catalogue; or the run in the folder has other settings or another catalogue.
    """
    former = None if overwrite else _read_record(folder)
    if former is None or not resume:
        if resume and not overwrite and any(path for path in folder.iterdir() if not path.name.startswith(".")):
            raise InputError(f"expected a folder of `chirpleaf catalog`; got {folder}, without {RECORD}: name another")
        return CatalogRun(folder, *list_entries(catalogue, offline=offline), template)
    _compare_settings(former["settings"], describe_settings(template), folder)
    if _is_listed(catalogue, former["catalogue"]):
        entries = tuple(Entry(**{**one, "strain": tuple(map(tuple, one["strain"]))}) for one in former["entries"])
        return CatalogRun(folder, former["catalogue"], entries, template)
    name, entries = list_entries(catalogue, offline=offline)
    if name != former["catalogue"]:
        raise InputError(
            f"expected catalogue {former['catalogue']}, which {folder} holds; got {name}: name another --out, or add "
            "--overwrite"
        )
    return CatalogRun(folder, name, entries, template)


def _is_listed(catalogue: str, former: str) -> bool:
    """Whether a catalogue of the Open Science Center is that of the former run; files are read again."""
    short, known = catalogue.casefold(), former.casefold()
    return not Path(catalogue).exists() and known in (short, f"{short}-confident")


def _read_record(folder: Path) -> dict[str, Any] | None:
    """The record of the run in a folder; None if there is none."""
    try:
        found = parse_json((folder / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"expected {folder / RECORD} to be readable; got {error}: add --overwrite") from error
    if not isinstance(found, dict) or not {"catalogue", "settings", "entries"} <= set(found):
        raise InputError(f"expected a record of a run in {folder / RECORD}; got another layout: add --overwrite")
    return found


def _compare_settings(former: Mapping[str, Any], asked: Mapping[str, Any], folder: Path) -> None:
    """Refuses to go on with other settings: the table would mix two analyses."""
    for name in (*former, *asked):
        if former.get(name) != asked.get(name):
            raise InputError(
                f"expected the settings of the run in {folder}: {name} {former.get(name)}; got {asked.get(name)}: give "
                "the same options, another --out, or --overwrite"
            )
