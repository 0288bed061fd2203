"""`chirpleaf catalog`: exit codes, interruption and resumption, JSON, refusals. Events are analysed in this process."""

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from made_results import certified_posterior
from refusals import assert_refused

import chirpleaf as package
from chirpleaf.catalog.entries import Entry
from chirpleaf.catalog.outcome import Outcome
from chirpleaf.catalog.work import analyse_entry
from chirpleaf.errors import InputError

Command = Callable[..., Any]
Analysis = Callable[[Entry, Any, Path], Outcome]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Analysis], None]:
    """Has the command analyse events by a function, in this process."""

    def choose(analysis: Analysis) -> None:
        def mapper(tasks: list[tuple[Any, ...]]) -> Iterator[tuple[int, Outcome]]:
            for number, task in enumerate(tasks):
                yield number, analysis(*task)

        monkeypatch.setattr(import_module("chirpleaf.cli.catalog"), "_choose_mapper", lambda *_: mapper)

    return choose


def answer(entry: Entry, _request: object, _folder: Path) -> Outcome:
    """Trusted events, but for those whose name says otherwise."""
    if entry.name.startswith("untrusted"):
        return Outcome.of_result(entry.name, certified_posterior())
    if entry.name.startswith("wrong"):
        return Outcome.of_failure(entry.name, 2, "expected a file; got none: correct the name")
    return Outcome(entry.name, 0, "trusted", "PASS", (), 1.0)


def write_list(folder: Path, *names: str) -> Path:
    path = folder / "list.txt"
    path.write_text("\n".join(names) + "\n")
    return path


@pytest.mark.parametrize(
    ("names", "code"), [(("a", "b"), 0), (("a", "untrusted"), 3), (("a", "untrusted", "wrong"), 2)]
)
def test_the_exit_code_follows_from_the_events(
    chirpleaf: Command, use: Callable[[Analysis], None], tmp_path: Path, names: tuple[str, ...], code: int
) -> None:
    use(answer)
    ran = chirpleaf("catalog", write_list(tmp_path, *names), "--out", tmp_path / "out", "--json")
    assert ran.status == code
    document = json.loads(ran.stdout)
    assert document == json.loads((tmp_path / "out" / "catalog.json").read_text())
    assert [one["name"] for one in document["events"]] == list(names)
    assert document["exit_code"] == code
    assert ("events without an answer, first wrong: expected a file" in ran.stderr) == (code == 2)


def test_an_event_under_two_names_is_refused_once_its_strain_is_read(
    chirpleaf: Command, use: Callable[[Analysis], None], tmp_path: Path
) -> None:
    use(lambda entry, *_: Outcome(entry.name, 0, "trusted", "PASS", (), 1.0, trigger_time=5.0))
    ran = chirpleaf("catalog", write_list(tmp_path, "GW200129", "GW200129_065458"), "--out", tmp_path / "out")
    assert ran.status == 2
    assert "1 of 2 events without an answer, first GW200129_065458: expected each event once" in ran.stderr
    assert "2 events: 1 trusted, 1 wrong input" in ran.stdout
    assert json.loads((tmp_path / "out" / "catalog.json").read_text())["exit_code"] == 2


@pytest.mark.parametrize(
    "options", [("--samples", 50, "--no-certify"), ("--certify", "--f-min", "H1=25", "--f-min", "L1=30")]
)
def test_an_interrupted_run_says_how_to_go_on_and_goes_on(
    chirpleaf: Command, use: Callable[[Analysis], None], tmp_path: Path, options: tuple[Any, ...]
) -> None:
    def interrupt(entry: Entry, request: object, folder: Path) -> Outcome:
        if entry.name == "b":
            raise KeyboardInterrupt
        return answer(entry, request, folder)

    use(interrupt)
    path, out = write_list(tmp_path, "a", "b", "c"), tmp_path / "out"
    ran = chirpleaf("catalog", path, "--out", out, *options)
    words = " ".join(map(str, ("chirpleaf", "catalog", path, "--out", out, *options, "--resume")))
    assert (ran.status, ran.stdout) == (130, "")
    assert ran.stderr == f"stopped: go on with `{words}`\n"
    document = json.loads((out / "catalog.json").read_text())
    assert (document["n_finished"], document["n_events"]) == (1, 3)
    assert "1 of 3 events; the run was stopped" in (out / "catalog.html").read_text()
    begun: list[str] = []

    def note(entry: Entry, request: object, folder: Path) -> Outcome:
        begun.append(entry.name)
        return answer(entry, request, folder)

    use(note)
    ran = chirpleaf(*words.split()[1:])
    assert (ran.status, begun) == (0, ["b", "c"])
    assert "1 of 3 events are finished" in ran.stderr
    assert "3 events: 3 trusted" in ran.stdout
    assert chirpleaf("catalog", path, "--out", out, *options, "--overwrite").status == 0
    assert begun == ["b", "c", "a", "b", "c"]


def test_what_would_mix_or_replace_runs_is_refused(
    chirpleaf: Command, use: Callable[[Analysis], None], tmp_path: Path
) -> None:
    use(answer)
    path, out = write_list(tmp_path, "a"), tmp_path / "out"
    assert chirpleaf("catalog", path, "--out", out).status == 0
    before = (out / "catalog.json").read_bytes()
    for options, parts in (
        ((), ("expected a new folder for --out", "a run: add --resume")),
        (("--resume", "--overwrite"), ("expected --resume or --overwrite", "leave one out")),
        (("--resume", "--seed", 4), ("settings of the run", "seed 0; got 4", "the same options")),
        (("--resume", "--samples", 0), ("expected --samples to be a whole number",)),
    ):
        ran = chirpleaf("catalog", path, "--out", out, *options)
        assert_refused(ran.status, ran.stdout, ran.stderr, *parts)
    ran = chirpleaf("catalog", tmp_path / "no.txt", "--out", tmp_path / "new")
    assert_refused(ran.status, ran.stdout, ran.stderr, "expected a text file of events", "does not exist")
    assert not (tmp_path / "new").exists()
    assert (out / "catalog.json").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--model", "nope"), ("expected a shipped model", "'nope'", "chirpleaf models")),
        (("--model", "masses", "--certify"), ("expected a model of all parameters to certify", "masses")),
        (("--no-certify", "--budget", 10), ("expected certification with effective samples, a budget",)),
        (("--no-certify", "--f-max", 100), ("expected certification with a duration, --f-min or --f-max",)),
        (("--approximant", "NoSuchThing"), ("NoSuchThing",)),
        (("--scheduler", "tcp://127.0.0.1:9"), ("expected a Dask scheduler; got none: start it",)),
        (("--scheduler", "tcp://127.0.0.1:9", "--workers", 1), ("--workers for processes", "got --scheduler")),
    ],
)
def test_what_no_event_can_be_analysed_with_is_refused_before_anything_is_written(
    chirpleaf: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[Any, ...],
    parts: tuple[str, ...],
) -> None:
    def refuse(_address: str) -> None:
        raise InputError("expected a Dask scheduler; got none: start it")

    monkeypatch.setattr("chirpleaf.system.dask_cluster.check_scheduler", refuse)
    path, former = write_list(tmp_path, "GW150914"), tmp_path / "former"
    former.mkdir()
    (former / "summary.json").write_text("{}")
    for arguments in (("--out", tmp_path / "new"), ("--out", former, "--overwrite")):
        ran = chirpleaf("catalog", path, *arguments, *options)
        assert_refused(ran.status, ran.stdout, ran.stderr, *parts)
    assert {path.name for path in tmp_path.rglob("*")} == {"list.txt", "former", "summary.json"}


def test_a_catalogue_of_the_archive_that_is_not_cached_is_refused_offline(
    chirpleaf: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIRPLEAF_CACHE", str(tmp_path / "cache"))
    ran = chirpleaf("catalog", "GWTC-3", "--offline", "--out", tmp_path / "out")
    assert_refused(ran.status, ran.stdout, ran.stderr, "list of catalogue GWTC-3", "run once without --offline")
    assert not (tmp_path / "out").exists()


def test_an_event_has_its_report_and_a_failing_one_its_reason(
    chirpleaf: Command, use: Callable[[Analysis], None], model_file: Path, tmp_path: Path
) -> None:
    use(analyse_entry)
    path, out = write_list(tmp_path, "GW150914", "own 1126259462.4 H1=no.hdf5"), tmp_path / "out"
    ran = chirpleaf("catalog", path, "--out", out, "--model", model_file, "--no-certify", "--samples", 50)
    assert ran.status == 2
    page = (out / "catalog.html").read_text()
    assert 'href="events/GW150914/report.html"' in page
    assert "no.hdf5, which does not exist" in page
    summary = json.loads((out / "events" / "GW150914" / "summary.json").read_text())
    row = json.loads((out / "catalog.json").read_text())["events"][0]
    assert row["parameters"]["chirp_mass"] == summary["parameters"]["chirp_mass"]
    assert row["trigger_time"] == summary["trigger_time"]
    posterior = out / "events" / "GW150914" / "posterior.hdf5"
    posterior.write_bytes(posterior.read_bytes()[:1000])
    path.write_text("GW150914\n")
    resumed = chirpleaf(
        "catalog", path, "--out", out, "--model", model_file, "--no-certify", "--samples", 50, "--resume"
    )
    assert (resumed.status, "are finished" in resumed.stderr) == (0, False)
    assert len(package.read(posterior)) == 50
