"""The parts of a server that live as long as it does: job folders, job store and worker pool."""

import shutil
import tempfile
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from chirpleaf.errors import InputError
from chirpleaf.server.jobs import JobStore
from chirpleaf.server.pool import WorkerPool
from chirpleaf.server.settings import ServerSettings
from chirpleaf.server.worker import run_worker


class Service:
    """Job store and worker pool.

    Args:
        settings: limits.
        target: what a worker process runs, with its end of a pipe.

    Raises:
        InputError: no folder can be made for the jobs.
    """

    def __init__(self, settings: ServerSettings, target: Callable[[Connection], object] = run_worker) -> None:
        self.settings = settings
        try:
            if settings.folder is not None:
                settings.folder.mkdir(parents=True, exist_ok=True)
            self._root = Path(tempfile.mkdtemp(prefix="chirpleaf-serve-", dir=settings.folder))
        except OSError as error:
            raise InputError(f"expected a folder that can be written to for jobs; got {error}: name another") from error
        self.jobs = JobStore(self._root, settings)
        self.pool = WorkerPool(self.jobs, settings, target)
        self._stopping = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep, name="sweeper", daemon=True)

    def start(self) -> None:
        """Starts the workers, and the thread that removes old jobs."""
        self.pool.start()
        self._sweeper.start()

    def stop(self) -> None:
        """Ends all jobs and workers, and removes the folders; may be called again."""
        self._stopping.set()
        self.pool.stop()
        if self._sweeper.ident is not None:
            self._sweeper.join()
        self.jobs.close()
        shutil.rmtree(self._root, ignore_errors=True)

    def _sweep(self) -> None:
        while not self._stopping.wait(self.settings.sweep_seconds):
            self.jobs.sweep()
