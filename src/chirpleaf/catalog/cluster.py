"""A Dask cluster that shares a list of tasks. Its machines must see the output folder under the same name."""

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any, TypeVar

import distributed

from chirpleaf.catalog.processes import Death
from chirpleaf.system.dask_cluster import connect

Result = TypeVar("Result")

_QUEUED = 2
"""Tasks that are submitted for each thread: no worker waits, and few are lost with a worker that dies."""


def map_on_cluster(
    function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], scheduler: str | None, workers: int = 1
) -> Generator[tuple[int, Result | Death], None, None]:
    """Calls a function for each task on a cluster; as `processes.map_in_processes`.

    Args:
        function: picklable; must not raise.
        tasks: arguments of each call.
        scheduler: address of a Dask scheduler; processes of this machine if None.
        workers: number of these processes.

    Yields:
        Number of a task and its result, in the order in which they end.

    Raises:
        InputError: the scheduler does not answer or has no workers.
    """
    with ExitStack() as stack:
        client = connect(stack, workers, scheduler)
        waiting = iter(enumerate(tasks))

        def submit(n: int) -> dict["distributed.Future[Result]", int]:
            return {client.submit(function, *task, pure=False): number for number, task in islice(waiting, n)}

        futures = submit(_QUEUED * sum(client.nthreads().values()))
        done = distributed.as_completed(futures, loop=client.loop)
        for future in done:
            following = submit(1)
            futures |= following
            done.update(following)
            yield futures.pop(future), _take(future)


def _take(future: "distributed.Future[Any]") -> Any:
    """The result of a call, or what is known of its end."""
    try:
        return future.result()
    except Exception as error:  # workers that died, or have another version of the package
        return Death(f"no worker of the cluster could do it ({type(error).__name__}: {error})"[:300])
