"""Files of a catalogue: an event is finished as long as its files are there; another run in the folder removes them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_results import certified_posterior

from chirpleaf.catalog.files import write_tables
from chirpleaf.catalog.outcome import Outcome, read_outcome
from chirpleaf.catalog.run import CatalogRun, open_run
from chirpleaf.inference import Request
from chirpleaf.system.products import RECORD, read_products, replace_products

GOOD = Outcome.of_result("GW150914", certified_posterior())
PRODUCTS = ("posterior.hdf5", "report.html", "summary.json")


def write_products(folder: Path, *, recorded: bool = True) -> dict[str, str]:
    """The files of an event, as `analyse_entry` writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PRODUCTS:
        (folder / name).write_text(f"{name} of {folder.name}")
    if recorded:
        replace_products(folder, [folder / name for name in PRODUCTS])
    return read_products(folder)


@pytest.mark.parametrize("former", [False, True], ids=["of now", "of a former version"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text(path.read_text()[:-1]),
        lambda path: path.write_text(path.read_text().swapcase()),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["deleted", "truncated", "other content", "a folder"],
)
def test_an_event_is_unfinished_where_its_files_are_not_those_that_were_written(
    tmp_path: Path, spoil: Callable[[Path], object], former: bool
) -> None:
    for number, name in enumerate(PRODUCTS):
        folder = tmp_path / str(number)
        outcome = replace(GOOD, files=write_products(folder))
        outcome.write(folder, {})
        if former:
            document = json.loads((folder / "outcome.json").read_text())
            assert set(document["outcome"].pop("files")) == set(PRODUCTS)
            (folder / "outcome.json").write_text(json.dumps(document))
        (folder / "notes.txt").write_text("mine")
        assert read_outcome(folder, {}) == outcome
        spoil(folder / name)
        assert read_outcome(folder, {}) is None


def test_an_outcome_of_a_former_version_without_any_record_is_unfinished(tmp_path: Path) -> None:
    outcome = replace(GOOD, files=write_products(tmp_path, recorded=False)).to_json()
    del outcome["files"]
    (tmp_path / "outcome.json").write_text(json.dumps({"made_of": {}, "outcome": outcome}))
    assert read_outcome(tmp_path, {}) is None


def list_files(folder: Path) -> set[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return {name for name in found if not name.endswith(RECORD)}


def begin_anew(folder: Path, place: Path, *names: str) -> CatalogRun:
    """As `catalog --overwrite`, with a list of names."""
    path = place / "list.txt"
    path.write_text("\n".join(names))
    run = open_run(str(path), folder, Request(samples=100, certify=False), resume=False, overwrite=True, offline=True)
    run.forget()
    run.begin()
    return run


def finish_with_files(run: CatalogRun, failing: str = "") -> None:
    def mapper(tasks: list[tuple[Any, ...]]) -> Any:
        for number, (entry, _, folder) in enumerate(tasks):
            if entry.name == failing:
                yield number, Outcome.of_failure(entry.name, 2, "expected a file; got none")
            else:
                yield number, replace(GOOD, name=entry.name, files=write_products(folder))

    write_tables(run, list(run.analyse(run.entries, mapper)))


def test_another_run_in_the_folder_removes_the_catalogue_and_nothing_of_the_user(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    finish_with_files(begin_anew(folder, tmp_path, "one", "two", "three"), failing="three")
    (folder / "events" / "two" / "notes.txt").write_text("mine")
    (folder / "events" / "two" / "report.html").write_text("my own")
    foreign = folder / "other"
    write_products(foreign)
    (folder / "summary.json").write_text("{}")
    replace_products(folder, [folder / "summary.json"])  # as `infer --overwrite` ends
    own = {"other", *(f"other/{name}" for name in PRODUCTS)}
    mine = {"events", "events/two", "events/two/notes.txt", "events/two/report.html"}
    assert list_files(folder) == {"summary.json", *own, *mine}


def test_a_catalogue_in_the_folder_of_another_run_removes_the_other(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write_products(folder)
    (folder / "notes.txt").write_text("mine")
    finish_with_files(begin_anew(folder, tmp_path, "one", "two"))
    tables = {"run.json", "catalog.csv", "catalog.html", "catalog.json", "events", "notes.txt"}
    files = (*PRODUCTS, "outcome.json")
    one, two = ({f"events/{name}", *(f"events/{name}/{file}" for file in files)} for name in ("one", "two"))
    assert list_files(folder) == tables | one | two
    run = begin_anew(folder, tmp_path, "two", "new")  # killed at once, files of `two` stay
    assert list_files(folder) == {"run.json", "events", "notes.txt", *two} - {"events/two/outcome.json"}
    finish_with_files(run, failing="two")  # and are not left beside a failure
    new = {"events/new", *(f"events/new/{file}" for file in files)}
    assert list_files(folder) == tables | new | {"events/two", "events/two/outcome.json"}
