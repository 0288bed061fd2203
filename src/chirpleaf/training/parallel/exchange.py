"""Exchange: averages of gradients over ranks, begun during the backward pass or at its end, waited for before the step.

Over the network, tensors go round a ring or along a grid of ranks. On one machine, every rank writes its own to a place
in memory that all see, and reads those of all; a barrier between the two, the only message, says that all have written,
and fails where one has died. The places are two for each rank, used in turn: who writes one again has passed the
barrier of the other, which no rank joins before it has read the first.
"""

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future as Pending
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import torch
from torch import Tensor, distributed

from chirpleaf.errors import InputError
from chirpleaf.training.parallel.communication import Communication, axes
from chirpleaf.training.parallel.ranks import Ranks

_SHARED = Path("/dev/shm")
"""Where Linux keeps files in memory."""


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

    def begin(self, whole: Tensor) -> None:
        """Hands a tensor over to a thread that averages one after another.

        Args:
            whole: of any shape, the same on all ranks, which begin the same ones in the same order; to be left alone
                until waited for, when it is the average.
        """
        self._begun.append(self._line.submit(self._average, whole))

    def wait(self) -> None:
        """Waits for that thread.

        Raises:
            RuntimeError: a rank has died, or has not answered in time.
        """
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
    """Averages gradients over the ranks of one machine, through its memory.

    Args:
        ranks: the place of this process.
        communication: how long to wait.
        weights: whose gradients, float32.

    Raises:
        InputError: there is no room.
    """

    def __init__(self, ranks: Ranks, communication: Communication, weights: Sequence[Tensor]) -> None:
        self._group = distributed.new_group(timeout=timedelta(seconds=communication.timeout))
        self._rank, self._turn = ranks.rank, 0
        lengths = [weight.numel() for weight in weights]
        self._places, self._average = _shared(ranks, (2, ranks.size, sum(lengths))), torch.empty(sum(lengths))
        parts = self._average.split(lengths)
        self._averages = [(weight, part.view_as(weight)) for weight, part in zip(weights, parts, strict=True)]
        self._written: distributed.Work | None = None

    def begin(self) -> None:
        """Writes this rank's gradients, and says so."""
        gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight, _ in self._averages]
        torch.cat([gradient.flatten() for gradient in gradients], out=self._places[self._turn, self._rank])
        self._written = distributed.barrier(self._group, async_op=True)

    def wait(self) -> None:
        """Waits until all have written, and reads; gradients are then views of one tensor, until the next wait.

        Raises:
            RuntimeError: a rank has died, or has not answered in time.
        """
        if self._written is None:
            return
        self._written.wait()
        first, second, *others = self._places[self._turn]
        torch.add(first, second, out=self._average)
        for other in others:  # in the order of the ranks, so that all have the same bits
            self._average += other
        self._average /= len(self._places[self._turn])
        for weight, average in self._averages:
            weight.grad = average
        self._written, self._turn = None, 1 - self._turn


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
