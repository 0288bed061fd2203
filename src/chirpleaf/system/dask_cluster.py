"""Work on a Dask cluster: a running one, or processes of this machine.

A worker that dies costs nothing: others do its tasks again. A scheduler that goes away, or workers that are all gone
and do not come back, end the work with one line.

The extra `chirpleaf[bank]` installs Dask.
"""

import asyncio
import atexit
import concurrent.futures
import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import distributed
from distributed.comm.core import CommClosedError
from distributed.deploy.spec import close_clusters

from chirpleaf.errors import InputError
from chirpleaf.system.processes import follow_parent, shield_children

Result = TypeVar("Result")
Answer = TypeVar("Answer")

_TIMEOUT = 20
"""Seconds within which a scheduler must answer and have a worker. More wait longer for batch jobs that are starting."""

_PATIENCE = 60.0
"""Seconds without any worker after which work ends. More wait longer for workers that are started again."""

_POLL_SECONDS = 1.0
"""Seconds between two looks at the workers while no task ends. Fewer find out sooner that all are gone."""


def connect(stack: ExitStack, workers: int, scheduler: str | None) -> distributed.Client:
    """A client with its workers, each of one thread; of a scheduler, at least one.

    Args:
        stack: closes client and cluster at its end.
        workers: processes on this machine; not used with a scheduler.
        scheduler: address of a Dask scheduler, such as tcp://10.0.0.1:8786.

    Raises:
        InputError: the scheduler does not answer or has no workers.
    """
    for name in ("distributed", "distributed.client"):  # Dask gives the second one a level of its own
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        where = scheduler or stack.enter_context(_start_cluster(workers))
        client: distributed.Client = stack.enter_context(
            distributed.Client(where, timeout=_TIMEOUT, set_as_default=False)
        )
        client.wait_for_workers(1 if scheduler else workers, timeout=_TIMEOUT)
    except KeyboardInterrupt:
        # A cluster that is still starting cannot be closed; Dask would say so in many lines when Python exits. The
        # workers follow this process and end with it.
        atexit.unregister(close_clusters)
        raise
    except (OSError, ValueError) as error:
        raise InputError(
            f"expected a Dask scheduler with workers; got {scheduler or 'none here'} ({error}): start them first"
        ) from error
    return client


def check_scheduler(address: str) -> None:
    """Checks that a scheduler answers and has workers.

    Args:
        address: such as tcp://10.0.0.1:8786.

    Raises:
        InputError: the scheduler does not answer or has no workers.
    """
    with ExitStack() as stack:
        connect(stack, 0, address)


def share_tasks(
    client: distributed.Client, function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], queued: int
) -> Generator[tuple[int, Result | Exception], None, None]:
    """Calls a function for each task on the workers of a client.

    Args:
        client: result of `connect`.
        function: picklable.
        tasks: arguments of each call.
        queued: tasks that are submitted for each thread of the workers: enough that none waits, and few enough for
            their memory.

    Yields:
        Number of a task, and its result or what it raised, in the order in which they end.

    Raises:
        InputError: the scheduler is gone, or all workers are.
    """
    waiting = iter(enumerate(tasks))

    @_explain_lost_scheduler()
    def submit(n: int) -> "dict[distributed.Future[Result], int]":
        return {client.submit(function, *task, pure=False): number for number, task in islice(waiting, n)}

    with _explain_lost_scheduler():
        threads = sum(client.nthreads().values())
    futures = submit(queued * threads)

    def find_done() -> "set[distributed.Future[Result]]":
        with client.as_current():
            done: set[distributed.Future[Result]] = distributed.wait(
                list(futures), timeout=_POLL_SECONDS, return_when="FIRST_COMPLETED"
            ).done
        return done

    while futures:
        for future in _repeat(client, find_done):
            futures |= submit(1)
            # A result that was on a worker which has died meanwhile is computed again.
            yield futures.pop(future), _repeat(client, partial(_take, future))


def _take(future: "distributed.Future[Result]") -> Result | Exception:
    """The result of a call that has ended, or its exception."""
    found: Result | Exception = (
        future.exception(timeout=_POLL_SECONDS) if future.status == "error" else future.result(timeout=_POLL_SECONDS)
    )
    return found


def _repeat(client: distributed.Client, action: Callable[[], Answer]) -> Answer:
    """Repeats what waits for at most `_POLL_SECONDS` until it ends, as long as the scheduler and some worker are there.

    Raises:
        InputError: the scheduler is gone, or all workers are.
    """
    alone_since = None
    while True:
        with _explain_lost_scheduler():
            try:
                return action()
            except TimeoutError:
                if client.scheduler_info()["workers"]:
                    alone_since = None
                    continue
        now = time.monotonic()
        alone_since = now if alone_since is None else alone_since
        if now - alone_since >= _PATIENCE:
            raise InputError(
                f"expected workers of the Dask scheduler; got none for {_PATIENCE:g} s, as all have ended: start "
                "some, and go on with --resume"
            )


@contextmanager
def _explain_lost_scheduler() -> Iterator[None]:
    """One line in place of what Dask raises when the connection to the scheduler ends, before or within a request."""
    try:
        yield
    except (asyncio.CancelledError, concurrent.futures.CancelledError, CommClosedError) as error:
        raise InputError(
            "expected the Dask scheduler until the work is done; got no connection any more: start it again, and "
            "go on with --resume"
        ) from error


def _start_cluster(workers: int) -> distributed.LocalCluster:
    """A cluster on this machine whose workers are starting."""
    with shield_children():  # the thread of the cluster, which starts the workers
        cluster = distributed.LocalCluster(
            n_workers=0,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
            preload=[__name__],
        )
    cluster.scale(workers)
    return cluster


def dask_setup(_worker: distributed.Worker) -> None:
    """What Dask calls in each worker process that starts: Ctrl-C is left to the process that has started it."""
    follow_parent()
