"""Jobs, their folders, and the bounds on both: a queue that refuses when it is full, expiry, and a bound on the disk.

Names of jobs are random, so that nobody can guess another's. A name from a client is only looked up in a table; the
folder that belongs to it is never made of the name.
"""

import os
import secrets
import shutil
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from chirpleaf.server.settings import ServerSettings
from chirpleaf.server.tasks import Document, Task
from chirpleaf.system.limits import show_bytes

FIRST_RETRY = 10.0
"""Seconds that a job is assumed to take before the first one has ended; it decides when refused clients come again."""


class JobState(StrEnum):
    """Where a job stands."""

    RECEIVING = "receiving"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


ENDED = (JobState.DONE, JobState.FAILED)
WAITING = (JobState.RECEIVING, JobState.QUEUED)


class BusyError(Exception):
    """There is no room for another job now.

    Attributes:
        reason: what is full.
        retry_after: seconds after which there may be room.
    """

    def __init__(self, reason: str, retry_after: int) -> None:
        super().__init__(reason)
        self.reason, self.retry_after = reason, retry_after


@dataclass(eq=False)
class Job:
    """An analysis that a client asked for. Only `JobStore` changes it.

    Attributes:
        name: random name, by which clients ask for it.
        folder: its folder.
        state: where it stands.
        task: what is asked; None while it is received.
        stage: stage of the analysis.
        percent: share of the time that has usually passed.
        created: when it came, seconds since 1970.
        started: when a worker began, the same; None before.
        ended: when it ended, the same; None before.
        size: bytes of its folder.
        summary: verdict and main numbers of a job that is done.
        code: kind of failure: "input", "internal", "time_limit" or "worker_lost"; empty without one.
        message: the failure in one line.
        cancelled: whether the client does not want it any more.
    """

    name: str
    folder: Path
    state: JobState = JobState.RECEIVING
    task: Task | None = None
    stage: str = "waiting"
    percent: int = 0
    created: float = field(default_factory=time.time)
    started: float | None = None
    ended: float | None = None
    size: int = 0
    summary: Document | None = None
    code: str = ""
    message: str = ""
    cancelled: bool = False


class JobStore:
    """All jobs of a server. Its methods may be called from any thread.

    Args:
        root: folder of the job folders, which only this user can read.
        settings: bounds.
    """

    def __init__(self, root: Path, settings: ServerSettings) -> None:
        self._root, self._settings = root, settings
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()
        self._mean_seconds = FIRST_RETRY

    def open_job(self, upload_bytes: int = 0) -> Job:
        """Makes a job and its folder: a place in the queue.

        Args:
            upload_bytes: room that its uploads may need on the disk.

        Raises:
            BusyError: the queue or the disk is full.
        """
        with self._changed:
            waiting = sum(job.state in WAITING for job in self._jobs.values())
            if waiting >= self._settings.queue:
                raise BusyError(f"{waiting} jobs wait already", self._estimate_wait())
            self._make_room(upload_bytes)
            name = secrets.token_hex(16)
            job = Job(name, self._root / name, size=upload_bytes)
            job.folder.mkdir(mode=0o700)
            self._jobs[name] = job
            return job

    def enqueue(self, job: Job, task: Task) -> None:
        """Puts a job that is received at the end of the queue.

        Args:
            job: the job.
            task: what is asked.
        """
        size = measure_folder(job.folder)
        with self._changed:
            job.task, job.state, job.size = task, JobState.QUEUED, size
            self._changed.notify()

    def take(self, seconds: float) -> Job | None:
        """The job that has waited longest, which runs from now on.

        Args:
            seconds: how long to wait for one.

        Returns:
            None if there is none.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._first() is not None, seconds)
            job = self._first()
            if job is not None:
                job.state, job.started, job.stage = JobState.RUNNING, time.time(), "starting"
            return job

    def report(self, job: Job, stage: str, percent: int) -> None:
        """Notes the progress of a running job."""
        with self._changed:
            job.stage, job.percent = stage, percent

    def finish(self, job: Job, summary: Document) -> None:
        """Ends a job with a result."""
        self._end(job, JobState.DONE, summary=summary)

    def fail(self, job: Job, code: str, message: str) -> None:
        """Ends a job without a result."""
        self._end(job, JobState.FAILED, code=code, message=message)

    def find(self, name: str) -> Job | None:
        """The job of a name; None if there is none (any more), or it is not received yet."""
        with self._changed:
            job = self._jobs.get(name)
            return None if job is None or job.cancelled or job.state is JobState.RECEIVING else job

    def remove(self, job: Job) -> None:
        """Forgets a job and removes its files; a running one when its worker has ended."""
        with self._changed:
            job.cancelled = True
            if job.state is JobState.RUNNING:
                return
            self._jobs.pop(job.name, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def count_waiting(self) -> tuple[int, int]:
        """Numbers of jobs that wait and that run."""
        with self._changed:
            states = [job.state for job in self._jobs.values()]
        return sum(state in WAITING for state in states), states.count(JobState.RUNNING)

    def count_before(self, job: Job) -> int:
        """Number of jobs that wait before this one."""
        with self._changed:
            others = [one for one in self._jobs.values() if one.state is JobState.QUEUED]
            return others.index(job) if job in others else 0

    def sweep(self) -> None:
        """Removes the jobs that have expired."""
        now = time.time()
        with self._changed:
            old = [job for job in self._jobs.values() if job.ended and now - job.ended > self._settings.keep_seconds]
            for job in old:
                del self._jobs[job.name]
        for job in old:
            shutil.rmtree(job.folder, ignore_errors=True)

    def close(self) -> None:
        """Forgets all jobs and removes their files."""
        with self._changed:
            self._jobs.clear()
        shutil.rmtree(self._root, ignore_errors=True)

    def _first(self) -> Job | None:
        return next((job for job in self._jobs.values() if job.state is JobState.QUEUED), None)

    def _end(
        self, job: Job, state: JobState, summary: Document | None = None, code: str = "", message: str = ""
    ) -> None:
        size = measure_folder(job.folder)
        with self._changed:
            job.ended, job.size, job.summary = time.time(), size, summary
            job.code, job.message = code, message
            if state is JobState.DONE:
                job.stage, job.percent = "done", 100
            seconds = job.ended - (job.started or job.ended)
            self._mean_seconds += 0.3 * (seconds - self._mean_seconds)
            job.state = state
            cancelled = job.cancelled
            if not cancelled:
                self._drop_oldest(0)
        if cancelled:
            self.remove(job)

    def _estimate_wait(self) -> int:
        """Seconds after which a place in the queue is likely to be free."""
        return max(1, round(self._mean_seconds / self._settings.workers))

    def _make_room(self, size: int) -> None:
        """Removes the oldest finished jobs until there is room for another one."""
        self._drop_oldest(size, others=1)
        used = sum(job.size for job in self._jobs.values())
        if used + size > self._settings.disk_bytes:
            reason = f"jobs hold {show_bytes(used)} of the disk, and {show_bytes(size)} more would be too much"
            raise BusyError(reason, self._estimate_wait())
        if len(self._jobs) >= self._settings.jobs:
            raise BusyError(f"{len(self._jobs)} jobs are kept, none of which has ended", self._estimate_wait())

    def _drop_oldest(self, size: int, others: int = 0) -> None:
        """Removes the oldest finished jobs until all fit with a new one of some size."""
        finished = sorted((job for job in self._jobs.values() if job.state in ENDED), key=lambda job: job.ended or 0.0)
        used = sum(job.size for job in self._jobs.values())
        for job in finished:
            if used + size <= self._settings.disk_bytes and len(self._jobs) + others <= self._settings.jobs:
                return
            used -= job.size
            del self._jobs[job.name]
            shutil.rmtree(job.folder, ignore_errors=True)


def measure_folder(folder: Path) -> int:
    """Bytes of all files in a folder.

    Args:
        folder: the folder; one that is gone has none.
    """
    return sum((Path(place) / name).lstat().st_size for place, _, files in os.walk(folder) for name in files)
