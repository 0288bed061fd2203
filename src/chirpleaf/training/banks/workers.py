"""Workers: the processes that make a bank, by Dask: those of this machine, or of a cluster that is running.

A worker that dies costs the pieces that it was making, which others make again. Dask comes with `chirpleaf[bank]`.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice

import distributed

from chirpleaf.errors import InputError
from chirpleaf.training.banks.file import Piece
from chirpleaf.training.banks.source import Rows, WaveformSource

_AHEAD = 3
"""Pieces that a worker has before it, so that none waits and few are in memory."""
_ANSWER = 20
"""Seconds in which a scheduler must answer and have a worker."""


def make(
    pieces: Sequence[Piece], source: WaveformSource, *, workers: int = 1, scheduler: str | None = None
) -> Iterator[tuple[Piece, Rows]]:
    """Makes pieces, in whatever order they are done.

    Args:
        pieces: which.
        source: makes their rows.
        workers: processes on this machine, where there is no scheduler.
        scheduler: address of a Dask scheduler, such as tcp://10.0.0.1:8786.

    Raises:
        InputError: the scheduler does not answer or has no workers, or a piece kills one worker after another.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        client = _connected(stack, workers, scheduler)
        waiting = iter(pieces)

        def submitted(n: int) -> dict["distributed.Future[Rows]", Piece]:
            some = islice(waiting, n)
            return {client.submit(source.rows, piece.start, piece.stop, pure=False): piece for piece in some}

        futures = submitted(_AHEAD * sum(client.nthreads().values()))
        done = distributed.as_completed(futures, loop=client.loop, with_results=True)
        try:
            for future, rows in done:
                following = submitted(1)
                futures |= following
                done.update(following)
                yield futures.pop(future), rows
        except distributed.KilledWorker as error:
            raise InputError(
                f"expected workers that live; got one after another that died ({error.last_worker}), for want of "
                "memory perhaps: take a smaller --piece, or fewer workers"
            ) from error


def _connected(stack: ExitStack, workers: int, scheduler: str | None) -> distributed.Client:
    """A client whose workers are there."""
    try:
        where = scheduler or stack.enter_context(
            distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
            )
        )
        client = stack.enter_context(distributed.Client(where, timeout=_ANSWER, set_as_default=False))
        client.wait_for_workers(1, timeout=_ANSWER)
    except (OSError, ValueError) as error:
        raise InputError(
            f"expected a Dask scheduler with workers; got {scheduler or 'none here'} ({error}): start them first"
        ) from error
    return client
