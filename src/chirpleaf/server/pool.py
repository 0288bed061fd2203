"""The pool of worker processes: a thread for each worker gives it jobs, and replaces it when it ends.

A worker that crashes loses its job only. A job that takes too long, or that its client does not want any more, is ended
with its worker; a new worker loads the models again, in a few seconds.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from chirpleaf.server.jobs import Job, JobStore
from chirpleaf.server.settings import ServerSettings
from chirpleaf.server.tasks import Done, Entered, Failed, Inventory, Message, Ready, receive_message, send
from chirpleaf.server.worker import run_worker
from chirpleaf.system.processes import NewInterpreters

LOGGER = logging.getLogger(__name__)

POLL_SECONDS = 0.1
"""Seconds between checks for the time limit and for cancellation. Fewer end jobs sooner, and wake more often."""

PAUSES = (0.0, 1.0, 5.0, 30.0)
"""Seconds before a worker is started again that has ended this often without being ready."""


@dataclass(frozen=True)
class Worker:
    """A worker process.

    Attributes:
        process: the process.
        connection: the server's end of the pipe to it.
    """

    process: SpawnProcess
    connection: Connection

    def listen(self, seconds: float) -> Message | None:
        """What the worker says; None if it says nothing for some seconds.

        Args:
            seconds: the time.

        Raises:
            EOFError: the worker has ended.
        """
        if not wait([self.connection, self.process.sentinel], seconds):
            return None
        if self.connection.poll():  # what was said before the end counts
            try:
                return receive_message(self.connection)
            except (OSError, ValueError, KeyError, TypeError) as error:  # cut off in the middle
                raise EOFError from error
        raise EOFError

    def end(self) -> None:
        """Kills the process and what it has started, and waits for its end; may be called again."""
        if self.process.exitcode is None:
            assert self.process.pid is not None
            with suppress(ProcessLookupError, PermissionError):
                if os.getpgid(self.process.pid) == self.process.pid:
                    os.killpg(self.process.pid, signal.SIGKILL)
            self.process.kill()
            self.process.join()
        self.connection.close()

    def describe_end(self) -> str:
        """How the process ended, for a message."""
        self.process.join(1.0)
        code = self.process.exitcode
        if code is None:
            return "without a word"
        return f"by signal {-code}" if code < 0 else f"with exit code {code}"


class WorkerPool:
    """Worker processes that analyse the jobs of a store.

    Args:
        jobs: the store.
        settings: number of workers and limits of time.
        target: what a worker process runs, with its end of a pipe.
    """

    def __init__(
        self, jobs: JobStore, settings: ServerSettings, target: Callable[[Connection], object] = run_worker
    ) -> None:
        self._jobs, self._settings, self._target = jobs, settings, target
        self._stopping = threading.Event()
        self._ready: set[int] = set()
        self._inventory: Inventory | None = None
        self._context = NewInterpreters()
        self._threads = [
            threading.Thread(target=self._supervise, args=(place,), name=f"worker {place}", daemon=True)
            for place in range(settings.workers)
        ]

    @property
    def inventory(self) -> Inventory | None:
        """Models and events; None before the first worker has loaded them."""
        return self._inventory

    @property
    def n_ready(self) -> int:
        """Number of workers that have loaded their models."""
        return len(self._ready)

    def start(self) -> None:
        """Starts the workers."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends all workers and their jobs; may be called again."""
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _supervise(self, place: int) -> None:
        """Keeps one worker at work until the pool is stopped."""
        failures = 0
        while not self._stopping.is_set():
            worker = self._start_worker()
            try:
                if self._wait_until_ready(worker):
                    failures = 0
                    self._ready.add(place)
                    self._give_jobs(worker)
                else:
                    failures += 1
            except EOFError:
                failures += 1
                LOGGER.warning("a worker ended %s", worker.describe_end())
            finally:
                self._ready.discard(place)
                worker.end()
            self._stopping.wait(PAUSES[min(failures, len(PAUSES) - 1)])

    def _start_worker(self) -> Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=self._target, args=(theirs,), name="chirpleaf worker", daemon=True)
        process.start()
        theirs.close()
        return Worker(process, ours)

    def _wait_until_ready(self, worker: Worker) -> bool:
        deadline = time.monotonic() + self._settings.start_seconds
        while not self._stopping.is_set() and time.monotonic() < deadline:
            message = worker.listen(POLL_SECONDS)
            if isinstance(message, Ready):
                self._inventory = message.inventory
                return True
        return False

    def _give_jobs(self, worker: Worker) -> None:
        """Gives jobs to a worker as long as it lives."""
        while not self._stopping.is_set():
            job = self._jobs.take(POLL_SECONDS)
            if job is not None and not self._follow(worker, job):
                return
            if job is None and not worker.process.is_alive():
                raise EOFError

    def _follow(self, worker: Worker, job: Job) -> bool:
        """Gives one job to a worker and waits for its end.

        Returns:
            Whether the worker can take another job.
        """
        assert job.task is not None
        limit = self._settings.job_seconds
        deadline = time.monotonic() + limit
        try:
            send(worker.connection, job.task)
            while True:
                match worker.listen(POLL_SECONDS):
                    case Entered(stage, percent):
                        self._jobs.report(job, stage, percent)
                    case Done(summary):
                        self._jobs.finish(job, summary)
                        return True
                    case Failed(code, message):
                        self._jobs.fail(job, code, message)
                        return True
                if self._stopping.is_set() or job.cancelled:
                    code, message = "cancelled", "the job was ended before it was done"
                elif time.monotonic() > deadline:
                    code, message = "time_limit", f"the job was ended after {limit:g} s, the limit of this server"
                else:
                    continue
                worker.end()
                self._jobs.fail(job, code, message)
                return False
        except (EOFError, OSError):
            end = worker.describe_end()
            LOGGER.warning("a worker ended %s during a job", end)
            self._jobs.fail(
                job, "worker_lost", f"the process that analysed it ended {end}: try again, or fewer samples"
            )
            return False
