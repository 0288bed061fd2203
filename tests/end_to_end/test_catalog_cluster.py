"""A catalogue run on a Dask cluster of processes of this machine: workers that die, a scheduler that goes away."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import distributed
import pytest
from catalog_program import Template, analyse
from distributed.comm.core import CommClosedError
from waiting import SECONDS, wait_until

from chirpleaf.catalog.cluster import map_on_cluster
from chirpleaf.catalog.files import write_tables
from chirpleaf.catalog.run import CatalogRun, open_run
from chirpleaf.errors import InputError
from chirpleaf.system import dask_cluster
from chirpleaf.system.products import RECORD

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]


class Cluster:
    """A scheduler and two workers without nannies, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes = folder, list[subprocess.Popen[bytes]]()
        file = folder / "scheduler.json"
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", file)
        wait_until(lambda: file.exists() and file.read_text().strip(), "no scheduler")
        self.address = json.loads(file.read_text())["address"]
        self.workers = [self.start_worker() for _ in range(2)]

    def start(self, kind: str, *arguments: object) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard", *map(str, arguments)]
        paths = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": paths}
        with (self.folder / f"{kind}.log").open("ab") as log:
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))
        return self.processes[-1]

    def start_worker(self) -> "subprocess.Popen[bytes]":
        return self.start("worker", self.address, "--nthreads", 1, "--no-nanny", "--local-directory", self.folder)

    @property
    def scheduler(self) -> "subprocess.Popen[bytes]":
        return self.processes[0]

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr(dask_cluster, "_TIMEOUT", SECONDS)  # workers start slowly on a busy machine
    (tmp_path / "dask").mkdir()
    cluster = Cluster(tmp_path / "dask")
    try:
        yield cluster
    finally:
        cluster.end()


def make_run(folder: Path, names: list[str], seconds: float) -> CatalogRun:
    """A run of analyses that note their beginning in a log, and take some time."""
    (folder / "list.txt").write_text("\n".join(names))
    (folder / "out").mkdir(exist_ok=True)
    template: Any = Template(seconds, folder / "log")
    run = open_run(str(folder / "list.txt"), folder / "out", template, resume=True, overwrite=False, offline=True)
    run.begin()
    return run


def go_on(run: CatalogRun, cluster: Cluster, on_outcome: Callable[[int], object] = lambda _: None) -> None:
    """Analyses what is left, as the command does."""
    finished = run.find_finished()
    left = [entry for entry in run.entries if entry.name not in finished]
    try:
        for outcome in run.analyse(left, partial(map_on_cluster, analyse, scheduler=cluster.address)):
            finished[outcome.name] = outcome
            on_outcome(len(finished))
    finally:
        run.clean()
        write_tables(run, [finished[entry.name] for entry in run.entries if entry.name in finished])


def read_names(folder: Path) -> list[str]:
    with (folder / "out" / "catalog.csv").open() as file:
        return [row["name"] for row in csv.DictReader(file)]


def read_log(folder: Path) -> list[str]:
    return (folder / "log").read_text().split() if (folder / "log").exists() else []


NAMES = [f"event-{number}" for number in range(12)]


def test_workers_share_the_events_and_one_may_be_killed(cluster: Cluster, tmp_path: Path) -> None:
    """The events of the killed worker are analysed by the other one; none is lost, none recorded twice."""
    run = make_run(tmp_path, NAMES, 0.2)

    def kill(finished: int) -> None:
        if finished == 4:
            cluster.workers[0].send_signal(signal.SIGKILL)

    go_on(run, cluster, kill)
    assert read_names(tmp_path) == NAMES
    begins = Counter(read_log(tmp_path))
    assert set(begins) == set(NAMES)
    assert sum(begins.values()) <= len(NAMES) + 2  # what the killed one was at
    assert {one.exit_code for one in run.find_finished().values()} == {0}
    assert {path.name for path in (tmp_path / "out").rglob(".chirpleaf*")} == {RECORD}


def test_events_that_kill_their_workers_do_not_end_the_others(cluster: Cluster, tmp_path: Path) -> None:
    """Dask gives up a task after four workers; those that come back do the rest."""
    run = make_run(tmp_path, ["event-0", "dies", "event-1"], 0.0)
    done = threading.Event()

    def revive() -> None:
        """Starts another worker for each that has died, as a batch system does."""
        workers = list(cluster.workers)
        while not done.wait(0.1):
            for place, worker in enumerate(workers):
                if worker.poll() is not None:
                    workers[place] = cluster.start_worker()

    reviver = threading.Thread(target=revive)
    reviver.start()
    try:
        go_on(run, cluster)
    finally:
        done.set()
        reviver.join()
    document = json.loads((tmp_path / "out" / "catalog.json").read_text())
    assert {one["name"]: one["exit_code"] for one in document["events"]} == {"event-0": 0, "dies": 1, "event-1": 0}
    assert "KilledWorker" in document["events"][1]["reasons"][0]


def test_without_any_worker_the_run_ends_and_is_resumed(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "_PATIENCE", 0.5)
    monkeypatch.setattr(dask_cluster, "_POLL_SECONDS", 0.2)
    run = make_run(tmp_path, NAMES, 0.2)

    def kill(finished: int) -> None:
        if finished == 3:
            for worker in cluster.workers:
                worker.send_signal(signal.SIGKILL)

    with pytest.raises(InputError, match=r"got none for 0\.5 s.*go on with --resume"):
        go_on(run, cluster, kill)
    some = read_names(tmp_path)
    assert 3 <= len(some) < len(NAMES)
    cluster.start_worker()
    go_on(make_run(tmp_path, NAMES, 0.2), cluster)
    assert read_names(tmp_path) == NAMES
    assert all(Counter(read_log(tmp_path))[name] == 1 for name in some)


def test_a_scheduler_that_goes_away_ends_the_run(
    cluster: Cluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path, NAMES, 0.2)

    def kill(finished: int) -> None:
        if finished == 3:
            cluster.scheduler.send_signal(signal.SIGKILL)

    with pytest.raises(InputError, match=r"expected the Dask scheduler until.*go on with --resume"):
        go_on(run, cluster, kill)
    some = read_names(tmp_path)
    assert 3 <= len(some) < len(NAMES)
    assert set(run.find_finished()) == set(some)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("where", "done"), [("nthreads", 0), ("submit", 0), ("submit", 5), ("result", 0)])
def test_a_connection_that_ends_within_a_request_ends_the_run(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, done: int
) -> None:
    kind = distributed.Future if where == "result" else distributed.Client
    request, calls = getattr(kind, where), iter(range(10**6))

    def lose(*args: Any, **settings: Any) -> Any:
        if next(calls) >= done:
            raise CommClosedError("in <TCP (closed)>: ConnectionResetError: [Errno 104] Connection reset by peer")
        return request(*args, **settings)

    monkeypatch.setattr(kind, where, lose)
    with pytest.raises(InputError, match=r"expected the Dask scheduler until.*go on with --resume"):
        go_on(make_run(tmp_path, NAMES, 0.0), cluster)


def test_the_command_analyses_events_on_a_cluster(
    cluster: Cluster, tmp_path: Path, chirpleaf: Callable[..., Any]
) -> None:
    """A real analysis, and wrong input, which costs its event alone."""
    (tmp_path / "list.txt").write_text("GW150914\nwrong 1126259462.4 H1=nowhere.hdf5\n")
    few = ("--no-certify", "--samples", 200, "--offline")
    ran = chirpleaf("catalog", tmp_path / "list.txt", "--out", tmp_path / "out", "--scheduler", cluster.address, *few)
    assert ran.status == 2, ran.stderr
    document = json.loads((tmp_path / "out" / "catalog.json").read_text())
    assert [(one["name"], one["exit_code"]) for one in document["events"]] == [("GW150914", 0), ("wrong", 2)]
    assert (tmp_path / "out" / "events" / "GW150914" / "report.html").is_file()
