"""Jobs of the server: the queue refuses when it is full, results expire, and the disk is bounded."""

import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import pytest
from made_workers import run_made_worker

from chirpleaf.errors import InputError
from chirpleaf.server.jobs import BusyError, Job, JobState, JobStore
from chirpleaf.server.pool import WorkerPool
from chirpleaf.server.schemas import EventQuery
from chirpleaf.server.settings import ServerSettings
from chirpleaf.server.tasks import Choices, Task
from chirpleaf.server.uploads import make_event_task
from chirpleaf.server.worker import hide_paths, make_request

SETTINGS = ServerSettings(workers=1, queue=2, jobs=4, disk_bytes=1000, keep_seconds=60.0, job_seconds=20.0)
SECONDS = 60.0
"""How long a test waits on a busy machine."""


def make_store(tmp_path: Path, settings: ServerSettings = SETTINGS) -> JobStore:
    root = tmp_path / "jobs"
    root.mkdir()
    return JobStore(root, settings)


def start(store: JobStore, event: str = "GW150914") -> Job:
    job = store.open_job()
    store.enqueue(job, Task(str(job.folder), Choices(), event=event))
    return job


def run_at_once(store: JobStore, size: int = 10) -> Job:
    job = start(store)
    assert store.take(0.0) is job
    (job.folder / "report.html").write_bytes(b"x" * size)
    store.finish(job, {})
    return job


def test_the_queue_refuses_when_it_is_full_and_says_when_to_come_again(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    first, second = start(store), store.open_job()  # one that is still received holds a place as well
    with pytest.raises(BusyError, match="2 jobs wait") as caught:
        store.open_job()
    assert 1 <= caught.value.retry_after <= 60
    assert store.take(0.0) is first
    start(store)  # the first one runs, so there is a place
    assert store.find(second.name) is None  # nobody knows its name yet
    assert store.count_waiting() == (2, 1)


def test_jobs_are_taken_in_their_order(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    first, second = start(store), start(store)
    assert [store.count_before(job) for job in (first, second)] == [0, 1]
    assert [store.take(0.0), store.take(0.0), store.take(0.0)] == [first, second, None]


def test_folders_are_private_and_have_names_that_nobody_guesses(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    names = {start(store).name, start(store).name}
    assert all(len(name) == 32 and (tmp_path / "jobs" / name).stat().st_mode & 0o077 == 0 for name in names)
    assert len(names) == 2


def test_results_expire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store(tmp_path)
    old, waiting = run_at_once(store), start(store)
    store.sweep()
    assert store.find(old.name) is old
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61.0)
    store.sweep()
    assert store.find(old.name) is None
    assert not old.folder.exists()
    assert store.find(waiting.name) is waiting


def test_the_oldest_results_make_room(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    first, second = run_at_once(store, 400), run_at_once(store, 400)
    third = run_at_once(store, 400)
    assert [store.find(job.name) for job in (first, second, third)] == [None, second, third]
    assert not first.folder.exists()


def test_an_upload_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    store.open_job(900)  # it is being received, and may become as large
    with pytest.raises(BusyError, match="of the disk"):
        store.open_job(200)
    store.open_job(100)


def test_the_number_of_jobs_is_bounded(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    done = [run_at_once(store, 0) for _ in range(6)]
    assert [store.find(job.name) is not None for job in done] == [False, False, True, True, True, True]


def test_jobs_that_are_not_done_make_no_room(tmp_path: Path) -> None:
    store = make_store(tmp_path, replace(SETTINGS, queue=9))
    for _ in range(4):
        start(store)
    with pytest.raises(BusyError, match="4 jobs are kept, none of which has ended"):
        store.open_job()


def test_a_removed_job_leaves_nothing(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    waiting, running = start(store), start(store)
    store.remove(waiting)
    assert store.take(0.0) is running
    store.remove(running)
    assert store.find(running.name) is None
    assert running.folder.exists()  # its worker still writes there
    store.fail(running, "cancelled", "x")
    assert list((tmp_path / "jobs").iterdir()) == []


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="workers"):
        ServerSettings(workers=0)


def test_messages_name_no_path_of_the_server() -> None:
    task = Task("/tmp/x/job", Choices(), labels={"/tmp/x/job/uploads/strain-H1-0": "the file of strain_H1"})
    message = "expected strain; got /tmp/x/job/uploads/strain-H1-0 in /tmp/x/job: give --strain"
    assert hide_paths(message, task) == "expected strain; got the file of strain_H1 in the job: give strain"
    message = "expected H1 at 1/2 Hz in /root/.cache/x; got none, see https://gwosc.org/eventapi/x or 4 /5"
    assert hide_paths(message, task) == message.replace("/root/.cache/x", "a file of the server")


def test_a_server_that_is_offline_asks_nobody(tmp_path: Path) -> None:
    query = EventQuery(event="GW190521")
    assert make_event_task(query, tmp_path, offline=True).offline
    assert make_request(make_event_task(query, tmp_path, offline=True)).settings.offline
    assert not make_request(make_event_task(query, tmp_path, offline=False)).settings.offline


@pytest.mark.parametrize(("model", "prior"), [("/etc/passwd", None), ("x.safetensors", None), (None, "/etc/passwd")])
def test_a_worker_takes_no_file_for_a_name(model: str | None, prior: str | None, tmp_path: Path) -> None:
    task = Task(str(tmp_path), Choices(model=model, prior=prior), event="GW150914")
    with pytest.raises(InputError, match="among"):
        make_request(task)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pool")


@pytest.fixture(scope="module")
def served(root: Path) -> Iterator[tuple[JobStore, WorkerPool]]:
    """A store with one worker that answers at once."""
    settings = replace(SETTINGS, queue=20, job_seconds=1.0, disk_bytes=10**6, jobs=100)
    store = make_store(root, settings)
    pool = WorkerPool(store, settings, run_made_worker)
    pool.start()
    yield store, pool
    pool.stop()
    assert not [child for child in active_children() if child.name == "chirpleaf worker"]


def wait_for_end(job: Job) -> None:
    deadline = time.monotonic() + SECONDS
    while job.ended is None or job.state not in (JobState.DONE, JobState.FAILED):
        assert time.monotonic() < deadline, job
        time.sleep(0.01)


def test_a_job_is_done(served: tuple[JobStore, WorkerPool]) -> None:
    job = start(served[0])
    wait_for_end(job)
    assert (job.state, job.percent, job.stage) == (JobState.DONE, 100, "done")
    assert job.summary is not None
    assert job.summary["event"] == "GW150914"
    assert served[1].inventory is not None


@pytest.mark.parametrize(
    ("event", "code", "message"),
    [
        ("FAULT", "input", "got the job/strain: give strain"),
        ("BUG", "internal", "an error of the program (ValueError)"),
        ("CRASH", "worker_lost", "by signal 9"),
        ("SLOW", "time_limit", "after 1 s"),
    ],
)
def test_a_job_that_fails_does_not_harm_the_next(
    event: str, code: str, message: str, served: tuple[JobStore, WorkerPool]
) -> None:
    failing, next_one = start(served[0], event), start(served[0])
    wait_for_end(failing)
    assert failing.code == code
    assert message in failing.message
    assert str(failing.folder) not in failing.message
    wait_for_end(next_one)
    assert next_one.state is JobState.DONE


def test_a_running_job_can_be_removed(served: tuple[JobStore, WorkerPool]) -> None:
    store, _ = served
    job = start(store, "SLOW")
    deadline = time.monotonic() + SECONDS
    while job.state is JobState.QUEUED:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    store.remove(job)
    wait_for_end(job)
    deadline = time.monotonic() + SECONDS
    while job.folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
