"""Workers: processes that compute a bank with Dask, on this machine or on a running cluster.

When a worker dies, other workers compute its unfinished pieces again. The extra `chirpleaf[bank]` installs Dask.
"""

import atexit
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice

import distributed
from distributed.deploy.spec import close_clusters

from chirpleaf.errors import InputError
from chirpleaf.system.processes import follow_parent
from chirpleaf.training.banks.file import Piece
from chirpleaf.training.banks.source import Rows, WaveformSource

_QUEUED = 3
"""Pieces that are submitted for each worker: enough that no worker waits, few enough for memory."""
_TIMEOUT = 20
"""Seconds within which a scheduler must answer and have a worker."""


def compute_pieces(
    pieces: Sequence[Piece], source: WaveformSource, *, workers: int = 1, scheduler: str | None = None
) -> Iterator[tuple[Piece, Rows]]:
    """Computes pieces of a bank.

    Args:
        pieces: the pieces.
        source: computes their rows.
        workers: processes on this machine; not used with a scheduler.
        scheduler: address of a Dask scheduler, such as tcp://10.0.0.1:8786.

    Yields:
        Pieces and their rows, in the order in which they are finished.

    Raises:
        InputError: the scheduler does not answer or has no workers, or a piece kills one worker after another.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        client = _connect(stack, workers, scheduler)
        waiting = iter(pieces)

        def submit(n: int) -> dict["distributed.Future[Rows]", Piece]:
            next_pieces = islice(waiting, n)
            return {client.submit(source.rows, piece.start, piece.stop, pure=False): piece for piece in next_pieces}

        futures = submit(_QUEUED * sum(client.nthreads().values()))
        done = distributed.as_completed(futures, loop=client.loop, with_results=True)
        try:
            for future, rows in done:
                following = submit(1)
                futures |= following
                done.update(following)
                yield futures.pop(future), rows
        except distributed.KilledWorker as error:
            raise InputError(
                f"expected workers that live; got one after another that died ({error.last_worker}), for want of "
                "memory perhaps: take a smaller --piece, or fewer workers"
            ) from error


def _connect(stack: ExitStack, workers: int, scheduler: str | None) -> distributed.Client:
    """A client with at least one worker."""
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
        client = stack.enter_context(distributed.Client(where, timeout=_TIMEOUT, set_as_default=False))
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
