"""A catalogue run that is killed at any moment and resumed: no event lost, none doubled, whole files."""

import csv
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from chirpleaf.system.products import RECORD

PROGRAM = Path(__file__).parents[1] / "catalog_program.py"
NAMES = [f"event-{number}" for number in range(12)]


def start(folder: Path, *, workers: int = 2, seconds: float = 0.1) -> "subprocess.Popen[str]":
    command = [sys.executable, str(PROGRAM), str(folder / "list.txt"), str(folder / "out"), str(workers), str(seconds)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def read_log(folder: Path) -> list[str]:
    log = folder / "log"
    return log.read_text().split() if log.exists() else []


def wait_for(folder: Path, begun: int, process: "subprocess.Popen[str]") -> None:
    while len(read_log(folder)) < begun:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)


def list_finished(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in (folder / "out" / "events").glob("*/outcome.json"))


def test_a_run_that_is_killed_twice_and_resumed_has_each_event_once(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# name\n" + "\n".join(NAMES))
    finished: list[list[str]] = []
    for begun in (3, 9):
        process = start(tmp_path)
        wait_for(tmp_path, begun, process)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        finished.append(list_finished(tmp_path))
    assert 0 < len(finished[0]) < len(finished[1]) < len(NAMES)
    before = {name: (tmp_path / "out" / "events" / name / "outcome.json").stat().st_mtime_ns for name in finished[1]}
    process = start(tmp_path)
    assert (process.communicate(timeout=120)[1], process.returncode) == ("", 0)
    with (tmp_path / "out" / "catalog.csv").open() as file:
        assert [row["name"] for row in csv.DictReader(file)] == NAMES
    for name, at in before.items():
        assert (tmp_path / "out" / "events" / name / "outcome.json").stat().st_mtime_ns == at
    # What was finished was not begun again; of the rest at most one begin for each worker and kill was in vain.
    begins = Counter(read_log(tmp_path))
    assert set(begins) == set(NAMES)
    assert sum(begins.values()) <= len(NAMES) + 2 * 2
    for name in NAMES:
        summary = tmp_path / "out" / "events" / name / "summary.json"
        assert json.loads(summary.read_text()) == {"event": name}
    hidden = {path.name for path in (tmp_path / "out").rglob(".chirpleaf*")}
    assert hidden == {RECORD}


def test_one_event_that_kills_its_process_or_fails_does_not_end_the_others(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("event-0\ndies\nfails\nevent-1\nevent-2\n")
    process = start(tmp_path, workers=1, seconds=0.0)
    assert (process.communicate(timeout=120)[1], process.returncode) == ("", 0)
    document = json.loads((tmp_path / "out" / "catalog.json").read_text())
    codes = {one["name"]: one["exit_code"] for one in document["events"]}
    assert codes == {"event-0": 0, "dies": 1, "fails": 2, "event-1": 0, "event-2": 0}
    assert "signal 9" in document["events"][1]["reasons"][0]
    assert document["exit_code"] == 1
    # A resumed run tries those without an answer again, and no other.
    process = start(tmp_path, workers=1, seconds=0.0)
    assert (process.communicate(timeout=120)[1], process.returncode) == ("", 0)
    assert Counter(read_log(tmp_path)) == {"event-0": 1, "event-1": 1, "event-2": 1, "dies": 2, "fails": 2}
