"""Workers: processes that compute a bank with Dask, on this machine or on a running cluster.

When a worker dies, other workers compute its unfinished pieces again. The extra `chirpleaf[bank]` installs Dask.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import distributed

from chirpleaf.errors import InputError
from chirpleaf.system.dask_cluster import connect, share_tasks
from chirpleaf.training.banks.file import Piece
from chirpleaf.training.banks.source import Rows, WaveformSource

_QUEUED = 3
"""Pieces that are submitted for each worker: enough that no worker waits, few enough for memory."""


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
        InputError: the scheduler does not answer or has no workers, one or the other goes away, or a piece kills one
            worker after another.
    """
    with ExitStack() as stack:
        client = connect(stack, workers, scheduler)
        tasks = [(piece.start, piece.stop) for piece in pieces]
        for number, found in share_tasks(client, source.rows, tasks, _QUEUED):
            if isinstance(found, distributed.KilledWorker):
                raise InputError(
                    f"expected workers that live; got one after another that died ({found.last_worker}), for want of "
                    "memory perhaps: take a smaller --piece, or fewer workers"
                ) from found
            if isinstance(found, Exception):
                raise found
            yield pieces[number], found
