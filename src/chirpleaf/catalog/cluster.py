"""A Dask cluster that shares a list of tasks. Its machines must see the output folder under the same name."""

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

from chirpleaf.catalog.processes import Death
from chirpleaf.system.dask_cluster import connect, share_tasks

Result = TypeVar("Result")

_QUEUED = 1
"""Tasks that are submitted for each thread. More would save the milliseconds between two events; but Dask blames the
death of a worker on all of its tasks, and gives up one after four deaths."""


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
        InputError: the scheduler does not answer or has no workers, or one or the other goes away.
    """
    with ExitStack() as stack:
        client = connect(stack, workers, scheduler)
        for number, found in share_tasks(client, function, tasks, _QUEUED):
            if isinstance(found, Exception):  # workers that died, or have another version of the package
                yield number, Death(f"no worker of the cluster could do it ({type(found).__name__}: {found})"[:300])
            else:
                yield number, found
