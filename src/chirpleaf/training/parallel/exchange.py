"""Exchange: averages of gradients over ranks, begun during the backward pass and waited for before the step.

Over the network, tensors go round a ring or along a grid of ranks. On one machine, every rank writes its own to a place
in memory that all see, and reads those of all; a barrier between the two, the only message, says that all have written,
and fails where one has died. The places are two for each rank, used in turn: who writes one again has passed the
barrier of the other, which no rank joins before it has read the first.
"""

import os
import tempfile
from concurrent.futures import Future as Pending
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, distributed

from chirpleaf.errors import InputError
from chirpleaf.training.parallel.communication import Communication, axes
from chirpleaf.training.parallel.ranks import Ranks

_SHARED = Path("/dev/shm")
"""Where Linux keeps files in memory."""


class Exchange(Protocol):
    """Averages over joined ranks; each begins and waits for the same ones in the same order."""

    def begin(self, whole: Tensor, *, last: bool = True) -> None:
        """Begins to average a tensor in its place.

        Args:
            whole: of any shape, the same on all ranks; untouched until waited for.
            last: whether no other follows before they are waited for.
        """

    def wait(self) -> None:
        """Returns when all that were begun are averages.

        Raises:
            RuntimeError: a rank has died, or has not answered in time.
        """


class NetworkExchange:
    """Averages over connections between ranks.

    Args:
        ranks: the place of this process.
        communication: how.
    """

    def __init__(self, ranks: Ranks, communication: Communication) -> None:
        self._size, self._bfloat16 = ranks.size, communication.bfloat16
        timeout = timedelta(seconds=communication.timeout)
        self._rings = [distributed.new_group(timeout=timeout)]
        shape = axes(ranks.size, grid=communication.grid)
        if len(shape) > 1:
            places = torch.arange(ranks.size).reshape(shape)
            self._rings = [
                distributed.new_subgroups_by_enumeration(lines.tolist(), timeout=timeout)[0]
                for lines in (places, places.T)
            ]
        # One thread, so that tensors are averaged in the order in which they come, which is that of all ranks.
        self._line = ThreadPoolExecutor(1)
        self._begun: list[Pending[None]] = []

    def begin(self, whole: Tensor, *, last: bool = True) -> None:
        """Hands a tensor over to a thread that averages one after another."""
        self._begun.append(self._line.submit(self._average, whole))

    def wait(self) -> None:
        """Waits for that thread."""
        while self._begun:
            self._begun.pop(0).result()

    def _average(self, whole: Tensor) -> None:
        sent = whole.to(torch.bfloat16) if self._bfloat16 else whole
        sent.div_(self._size)
        for ring in self._rings:
            distributed.all_reduce(sent, group=ring)
        if sent is not whole:
            whole.copy_(sent)


class MemoryExchange:
    """Averages over the ranks of one machine, through its memory.

    Args:
        ranks: the place of this process.
        communication: how long to wait.
        length: numbers that are begun between two waits, at most.

    Raises:
        InputError: there is no room.
    """

    def __init__(self, ranks: Ranks, communication: Communication, length: int) -> None:
        self._group = distributed.new_group(timeout=timedelta(seconds=communication.timeout))
        self._rank, self._size, self._turn, self._offset = ranks.rank, ranks.size, 0, 0
        self._places = _shared(ranks, (2, ranks.size, length))
        self._begun: list[Tensor] = []
        self._written: distributed.Work | None = None

    def begin(self, whole: Tensor, *, last: bool = True) -> None:
        """Writes a tensor to this rank's place; after the last, says so."""
        end = self._offset + whole.numel()
        torch.div(whole.flatten(), self._size, out=self._places[self._turn, self._rank, self._offset : end])
        self._begun.append(whole)
        self._offset = end
        if last:
            self._written = distributed.barrier(self._group, async_op=True)

    def wait(self) -> None:
        """Waits until all have written, and reads."""
        if self._written is None:
            return
        self._written.wait()
        start = 0
        for whole in self._begun:
            end = start + whole.numel()
            first, second, *others = self._places[self._turn, :, start:end]
            total = torch.add(first, second, out=whole.view(-1))
            for other in others:  # in the order of the ranks, so that all have the same bits
                total += other
            start = end
        self._begun, self._written = [], None
        self._turn, self._offset = 1 - self._turn, 0


def _shared(ranks: Ranks, shape: tuple[int, ...]) -> Tensor:
    """A tensor that all ranks of this machine see, float32, in a file that ends with them."""
    length = torch.Size(shape).numel()
    folder = _SHARED if _SHARED.is_dir() else Path(tempfile.gettempdir())
    path, why = None, ""
    if ranks.first:
        handle, name = tempfile.mkstemp(prefix="chirpleaf-", dir=folder)
        try:
            os.truncate(handle, 4 * length)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(handle, 0, 4 * length)
            path = name
        except OSError as error:
            os.unlink(name)
            why = str(error)
        finally:
            os.close(handle)
    path, why = ranks.agreed((path, why) if ranks.first else None)
    if path is None:
        raise InputError(
            f"expected {4 * length / 2**20:.0f} MB in {folder} to average gradients in; got `{why}`: make room, or set "
            "`communication: {memory: false}`"
        )
    found = torch.from_file(path, shared=True, size=length, dtype=torch.float32).view(shape)
    distributed.barrier()
    if ranks.first:
        os.unlink(path)
    return found


def exchange(ranks: Ranks, communication: Communication, length: int) -> Exchange:
    """Through memory where that is wanted and all ranks are of one machine, else over the network.

    Args:
        ranks: the place of this process.
        communication: what is wanted.
        length: numbers that are averaged between two waits, at most.
    """
    if communication.memory and ranks.local_size == ranks.size and not torch.cuda.is_available():
        return MemoryExchange(ranks, communication, length)
    return NetworkExchange(ranks, communication)
