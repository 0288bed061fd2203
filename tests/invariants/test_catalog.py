"""Catalogues: lists of events, outcomes, tables, the page, and what a resumed run accepts."""

import csv
import io
import json
import os
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from made_results import certified_posterior, network_posterior

from chirpleaf.catalog.entries import Entry, list_entries, read_entries
from chirpleaf.catalog.files import write_tables
from chirpleaf.catalog.outcome import Outcome, Row, read_outcome, refuse_repeated, worst_code
from chirpleaf.catalog.page import render_page
from chirpleaf.catalog.run import CatalogRun, open_run
from chirpleaf.catalog.table import write_csv
from chirpleaf.catalog.work import analyse_entry
from chirpleaf.errors import InputError
from chirpleaf.inference import Request

TEMPLATE = Request(samples=100, certify=False)
GOOD = Outcome.of_result("GW150914", certified_posterior())
BAD = Outcome.of_failure("GW<b>", 2, "expected a file;\n got none")


def write_list(folder: Path, text: str) -> Path:
    path = folder / "list.txt"
    path.write_text(text)
    return path


def test_a_list_holds_names_times_and_files(tmp_path: Path) -> None:
    text = """\ufeff# events
    GW150914

    gw200129_065458-v1   # a version
    1264316116.4
    2015-09-14T09:50:45.4 h1=a.hdf5 L1="b c.hdf5" L1=/data/d.hdf5
    own 1126259462.4 H1=a.hdf5
    """
    first, second, third, fourth, fifth = read_entries(write_list(tmp_path, text))
    assert first == Entry("GW150914", "GW150914")
    assert second == Entry("gw200129_065458-v1", "gw200129_065458-v1")
    assert third == Entry("GPS1264316116.4", "1264316116.4")
    files = (("H1", f"{tmp_path}/a.hdf5"), ("L1", f"{tmp_path}/b c.hdf5"), ("L1", "/data/d.hdf5"))
    assert fourth == Entry("GPS1126259462.4", "", 1126259462.4, files)
    assert fifth == Entry("own", "", 1126259462.4, files[:1])
    request = fourth.make_request(TEMPLATE)
    assert (request.event, request.trigger_time, request.samples) == (None, 1126259462.4, 100)
    assert request.strain == {"H1": [files[0][1]], "L1": [files[1][1], files[2][1]]}
    assert third.make_request(TEMPLATE).event == "1264316116.4"


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("GW150914 H1=a.hdf5", r"line 1: expected NAME, GPS, or \[NAME\] GPS H1=FILE"),
        ("a b c", "line 1: expected NAME"),
        ("own 1126259462.4", "line 1: expected NAME"),
        ("../up 1126259462.4 H1=a", "line 1: expected NAME"),
        (".hidden", "line 1: expected NAME"),
        ("inf H1=a", "line 1: expected NAME"),
        ('own 1126259462.4 H1="a', "No closing quotation"),
        ("GW150914\ngw150914", "line 2: expected gw150914 once; got the same event in line 1"),
        ("gw150914\nGW170814\nGW150914_095045", "line 3: expected GW150914_095045 once; got the same event in line 1"),
        ("GW150914\nGW150914_095045-V3", "line 2: expected GW150914_095045-V3 once; got the same event in line 1"),
        ("GW200129_065458-v1\ngw200129_065458", "line 2: expected gw200129_065458 once"),
        (
            "a 1.0 H1=x.hdf5 L1=y.hdf5\nb 1.0 L1=y.hdf5 H1=x.hdf5",
            "line 2: expected b once; got the same event in line 1",
        ),
        ("# nothing", "expected events in .*; got none"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str, pattern: str) -> None:
    with pytest.raises(InputError, match=pattern) as caught:
        read_entries(write_list(tmp_path, line))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "no.txt", tmp_path):
        with pytest.raises(InputError, match="expected a text file of events"):
            list_entries(str(path))
    binary = tmp_path / "binary.txt"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="write it in UTF-8"):
        list_entries(str(binary))


def test_an_outcome_survives_its_file(tmp_path: Path) -> None:
    for one in (GOOD, BAD, Outcome.of_result("x", network_posterior())):
        one.write(tmp_path, {"seed": 1})
        assert read_outcome(tmp_path, {"seed": 1}) == one
        assert read_outcome(tmp_path, {"seed": 2}) is None
    assert GOOD.exit_code == 3
    assert GOOD.parameters["chirp_mass"].lower < GOOD.parameters["chirp_mass"].median
    assert BAD.reasons == ("expected a file; got none",)
    for text in ("", "{", "[]", '{"outcome": {}, "made_of": {"seed": 1}}', '{"outcome": {"reasons": 1}}'):
        (tmp_path / "outcome.json").write_text(text)
        assert read_outcome(tmp_path, {"seed": 1}) is None


def test_the_exit_code_of_a_catalogue_is_the_worst() -> None:
    assert [worst_code(codes) for codes in ({0}, {0, 3}, {0, 2, 3}, {0, 1, 2, 3}, set())] == [0, 3, 2, 1, 0]


def test_an_event_under_two_names_counts_once() -> None:
    """The names of open data are known when the strain is read; files of the user may be of any event."""
    times = {"GW190521": 1242442967.4, "GPS1242442967.5": 1242442967.5, "own": 1242442967.4, "x": 5.0}
    first, again, own, other = (
        Outcome(name, 0, "trusted", "PASS", (), 1.0, trigger_time=time) for name, time in times.items()
    )
    failed = Outcome.of_failure("GW1", 2, "expected an event")
    found = refuse_repeated([own, first, again, failed, other, again], {"own"})
    assert [one.exit_code for one in found] == [0, 0, 2, 2, 0, 2]
    assert found[2].reasons == (
        "expected each event once; got GPS1242442967.5, which is GW190521 by its time, GPS 1242442967.5: leave one out",
    )
    assert found[3] is failed


def test_the_table_holds_every_event() -> None:
    rows = list(csv.DictReader(io.StringIO(write_csv([GOOD, BAD]))))
    assert [row["name"] for row in rows] == ["GW150914", "GW<b>"]
    assert float(rows[0]["chirp_mass_median"]) == pytest.approx(GOOD.parameters["chirp_mass"].median)
    assert (rows[0]["verdict"], rows[0]["exit_code"], rows[0]["detectors"]) == ("untrusted", "3", "H1 L1")
    assert (rows[1]["chirp_mass_median"], rows[1]["reasons"]) == ("", "expected a file; got none")


class Parsed(HTMLParser):
    """Links, rows and tags of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def test_the_page_links_to_the_reports_and_to_nothing_else() -> None:
    html = render_page("GWTC-3 & more", [GOOD, BAD], 3)
    page = Parsed(html)
    assert page.links == ["data:,", "events/GW150914/report.html", "catalog.csv", "catalog.json"]
    assert "script" not in page.tags
    assert page.tags.count("tr") == 5
    assert "GW&lt;b&gt;" in html
    assert "2 of 3 events" in html
    assert "prefers-color-scheme: dark" in html


def test_the_page_has_no_empty_columns() -> None:
    row = Row(0.7, 0.6, 0.8, "")
    html = render_page("x", [replace(GOOD, parameters={"final_spin": row}), BAD], 2)
    assert html.count("<th ") == 6
    assert "d<sub>L</sub>" not in html
    assert render_page("x", [BAD], 1).count("<th ") == 5


def test_a_mass_bar_lies_on_the_axis() -> None:
    heavy = replace(GOOD, parameters={"mass_1_source": Row(30.0, 3.0, 100.0, "M_sun")})
    html = render_page("x", [heavy], 1)
    # ln 3 / ln 300 = 0.1926, ln 100 / ln 300 = 0.8074, ln 30 / ln 300 = 0.5963
    assert "left:19.26%;width:61.48%" in html
    assert "left:59.63%" in html


def begin(folder: Path, path: Path, template: Request = TEMPLATE, **options: Any) -> CatalogRun:
    run = open_run(str(path), folder, template, **{"resume": True, "overwrite": False, "offline": True, **options})
    run.begin()
    return run


def finish(run: CatalogRun, names: tuple[str, ...] = ()) -> list[str]:
    left = [one for one in run.entries if one.name not in run.find_finished() and (not names or one.name in names)]

    def mapper(tasks: list[tuple[Any, ...]]) -> Any:
        for number, (entry, _, _) in enumerate(tasks):
            yield number, replace(GOOD, name=entry.name)

    return [one.name for one in run.analyse(left, mapper)]


def test_a_resumed_run_analyses_what_is_left_and_what_changed(tmp_path: Path) -> None:
    folder, strain = tmp_path / "out", tmp_path / "a.hdf5"
    folder.mkdir()
    strain.write_bytes(b"1")
    path = write_list(tmp_path, "one\ntwo\nown 1126259462.4 H1=a.hdf5\n")
    assert finish(begin(folder, path), ("one", "own")) == ["one", "own"]
    assert finish(begin(folder, path)) == ["two"]
    assert finish(begin(folder, path)) == []
    os.utime(strain, ns=(1, 1))
    assert finish(begin(folder, path)) == ["own"]
    path = write_list(tmp_path, "new\ntwo\n")
    run = begin(folder, path)
    assert finish(run) == ["new"]
    assert [one.name for one in run.entries] == ["new", "two"]
    assert finish(begin(folder, path, overwrite=True, resume=False)) == []
    run.forget()
    assert finish(begin(folder, path)) == ["new", "two"]


def test_a_run_of_other_settings_or_another_catalogue_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    path = write_list(tmp_path, "one\n")
    finish(begin(folder, path))
    with pytest.raises(InputError, match=r"settings of the run in .*: seed 0; got 1: give the same options"):
        begin(folder, path, replace(TEMPLATE, seed=1))
    assert finish(begin(folder, path, replace(TEMPLATE, workers=4))) == []
    other = path.rename(tmp_path / "other.txt")
    with pytest.raises(InputError, match=r"expected catalogue list.txt, which .* holds; got other.txt"):
        begin(folder, other)
    (folder / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run.json to be readable; got .*: add --overwrite"):
        begin(folder, other)
    (folder / "run.json").unlink()
    with pytest.raises(InputError, match=r"without run.json: name another"):
        begin(folder, other)


def test_a_catalogue_keeps_the_list_of_the_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = (Entry("GW1", "GW1-v2"), Entry("own", "", 1.0, (("H1", "a"),)))
    CatalogRun(tmp_path, "GWTC-3-confident", entries, TEMPLATE).begin()
    monkeypatch.chdir(tmp_path)
    for name in ("gwtc-3", "GWTC-3-confident"):
        assert begin(tmp_path, Path(name)).entries == entries


def test_whatever_goes_wrong_with_an_event_is_its_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Entry("own", "", 1126259462.4, (("H1", str(tmp_path / "no.hdf5")),))
    outcome = analyse_entry(missing, TEMPLATE, tmp_path / "own")
    assert (outcome.exit_code, outcome.verdict) == (2, "wrong input")
    assert min(outcome.seconds, outcome.cpu_seconds) > 0.0
    assert "no.hdf5, which does not exist" in outcome.reasons[0]

    def raise_it(*_: object) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr("chirpleaf.report.analysis.write_analysis", raise_it)
    outcome = analyse_entry(missing, TEMPLATE, tmp_path / "own")
    assert (outcome.exit_code, outcome.reasons) == (1, ("ZeroDivisionError: by zero",))
    assert "raise_it" in (tmp_path / "own" / "traceback.txt").read_text()


def test_table_and_page_are_written_together(tmp_path: Path) -> None:
    run = CatalogRun(tmp_path, "some", (Entry("GW150914", "GW150914"),), TEMPLATE)
    written = write_tables(run, [GOOD])
    assert sorted(path.name for path in written) == ["catalog.csv", "catalog.html", "catalog.json"]
    document = json.loads((tmp_path / "catalog.json").read_text())
    assert (document["n_events"], document["exit_code"], document["verdicts"]) == (1, 3, {"untrusted": 1})
    assert document["events"][0]["parameters"]["chirp_mass"]["unit"] == "M_sun"
