"""Connection to a Dask cluster: a running one, or processes of this machine.

The extra `chirpleaf[bank]` installs Dask.
"""

import atexit
import logging
from contextlib import ExitStack

import distributed
from distributed.deploy.spec import close_clusters

from chirpleaf.errors import InputError
from chirpleaf.system.processes import follow_parent

_TIMEOUT = 20
"""Seconds within which a scheduler must answer and have a worker."""


def connect(stack: ExitStack, workers: int, scheduler: str | None) -> distributed.Client:
    """A client with at least one worker, each of one thread.

    Args:
        stack: closes client and cluster at its end.
        workers: processes on this machine; not used with a scheduler.
        scheduler: address of a Dask scheduler, such as tcp://10.0.0.1:8786.

    Raises:
        InputError: the scheduler does not answer or has no workers.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        where = scheduler or stack.enter_context(
            distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
                preload=[__name__],
            )
        )
        client: distributed.Client = stack.enter_context(
            distributed.Client(where, timeout=_TIMEOUT, set_as_default=False)
        )
        client.wait_for_workers(1, timeout=_TIMEOUT)
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


def dask_setup(_worker: distributed.Worker) -> None:
    """What Dask calls in each worker process that starts: Ctrl-C is left to the process that has started it."""
    follow_parent()
