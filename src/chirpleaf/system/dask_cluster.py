"""Connection to a Dask cluster: a running one, or processes of this machine.

The extra `chirpleaf[bank]` installs Dask.
"""

import atexit
import logging
from contextlib import ExitStack

import distributed
from distributed.deploy.spec import close_clusters

from chirpleaf.errors import InputError
from chirpleaf.system.processes import follow_parent, shield_children

_TIMEOUT = 20
"""Seconds within which a scheduler must answer and have a worker."""


def connect(stack: ExitStack, workers: int, scheduler: str | None) -> distributed.Client:
    """A client with its workers, each of one thread; of a scheduler, at least one.

    Args:
        stack: closes client and cluster at its end.
        workers: processes on this machine; not used with a scheduler.
        scheduler: address of a Dask scheduler, such as tcp://10.0.0.1:8786.

    Raises:
        InputError: the scheduler does not answer or has no workers.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
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
