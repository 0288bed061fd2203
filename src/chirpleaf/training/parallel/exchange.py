"""Exchange of gradients: averages over ranks that start in or after the backward pass and finish before the step.

Over the network, tensors are averaged along a ring or a grid of ranks. On one machine, each rank writes its gradients
to its own slot of a shared memory and reads the slots of all ranks. A barrier between writing and reading, the only
message, tells that all ranks have written, and fails if one has died. Each rank has two slots and uses them in turn: a
rank that overwrites a slot has passed the barrier of the other slot, which no rank joins before it has read the first.
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
from chirpleaf.training.parallel.communication import Communication, ring_sizes
from chirpleaf.training.parallel.ranks import Ranks

_SHARED_FOLDER = Path("/dev/shm")
"""Folder whose files Linux keeps in memory."""


class NetworkExchange:
    """Averages tensors over connections between ranks.

    Args:
        ranks: the place of this process; the ranks are connected.
        communication: settings of the exchange.
    """

    def __init__(self, ranks: Ranks, communication: Communication) -> None:
        self._size, self._bfloat16 = ranks.size, communication.bfloat16
        timeout = timedelta(seconds=communication.timeout)
        self._rings = [distributed.new_group(timeout=timeout)]
        shape = ring_sizes(ranks.size, grid=communication.grid)
        if len(shape) > 1:
            numbers = torch.arange(ranks.size).reshape(shape)
            self._rings = [
                distributed.new_subgroups_by_enumeration(lines.tolist(), timeout=timeout)[0]
                for lines in (numbers, numbers.T)
            ]
        # With one thread, tensors are averaged in the order in which they are submitted, which all ranks share.
        self._thread = ThreadPoolExecutor(1)
        self._pending: list[Pending[None]] = []

    def start(self, tensor: Tensor) -> None:
        """Submits a tensor to the thread that averages one tensor after another.

        Args:
            tensor: tensor of any shape, equal on all ranks, which submit the same tensors in the same order. It must
                not be read or written before `finish`, after which it is the average.
        """
        self._pending.append(self._thread.submit(self._average, tensor))

    def finish(self) -> None:
        """Waits until all submitted tensors are averages.

        Raises:
            RuntimeError: a rank has died, or has not answered in time.
        """
        while self._pending:
            self._pending.pop(0).result()

    def _average(self, tensor: Tensor) -> None:
        message = tensor.to(torch.bfloat16) if self._bfloat16 else tensor
        message.div_(self._size)
        for ring in self._rings:
            distributed.all_reduce(message, group=ring)
        if message is not tensor:
            tensor.copy_(message)


class SharedMemoryExchange:
    """Averages gradients over the ranks of one machine, through its memory.

    Args:
        ranks: the place of this process; the ranks are connected.
        communication: settings of the exchange; the timeout counts.
        weights: weights whose gradients are averaged, float32.

    Raises:
        InputError: the memory has no room for the gradients.
    """

    def __init__(self, ranks: Ranks, communication: Communication, weights: Sequence[Tensor]) -> None:
        self._group = distributed.new_group(timeout=timedelta(seconds=communication.timeout))
        self._rank, self._turn = ranks.rank, 0
        lengths = [weight.numel() for weight in weights]
        self._slots = allocate_shared(ranks, (2, ranks.size, sum(lengths)))
        self._average = torch.empty(sum(lengths))
        parts = self._average.split(lengths)
        self._averages = [(weight, part.view_as(weight)) for weight, part in zip(weights, parts, strict=True)]
        self._barrier: distributed.Work | None = None

    def start(self) -> None:
        """Writes this rank's gradients and joins the barrier, without waiting for the others."""
        gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight, _ in self._averages]
        torch.cat([gradient.flatten() for gradient in gradients], out=self._slots[self._turn, self._rank])
        self._barrier = distributed.barrier(self._group, async_op=True)

    def finish(self) -> None:
        """Waits until all ranks have written, and averages; the gradients are views of one tensor until the next call.

        Raises:
            RuntimeError: a rank has died, or has not answered in time.
        """
        if self._barrier is None:
            return
        self._barrier.wait()
        first, second, *others = self._slots[self._turn]
        torch.add(first, second, out=self._average)
        for other in others:  # in the order of the ranks, so that all ranks have the same bits
            self._average += other
        self._average /= len(self._slots[self._turn])
        for weight, average in self._averages:
            weight.grad = average
        self._barrier, self._turn = None, 1 - self._turn


def allocate_shared(ranks: Ranks, shape: tuple[int, ...]) -> Tensor:
    """Allocates memory that all ranks of this machine share, in a file that is deleted at once.

    Args:
        ranks: the place of this process; the ranks are connected.
        shape: shape of the tensor.

    Returns:
        A float32 tensor of that shape.

    Raises:
        InputError: the memory has no room for it.
    """
    length = torch.Size(shape).numel()
    folder = _SHARED_FOLDER if _SHARED_FOLDER.is_dir() else Path(tempfile.gettempdir())
    path, reason = ranks.broadcast(_create_file(folder, 4 * length) if ranks.first else None)
    if path is None:
        raise InputError(
            f"expected {4 * length / 2**20:.0f} MB in {folder} to average gradients in; got `{reason}`: make room, or "
            "set `communication: {memory: false}`"
        )
    shared = torch.from_file(path, shared=True, size=length, dtype=torch.float32).view(shape)
    distributed.barrier()
    if ranks.first:
        os.unlink(path)
    return shared


def _create_file(folder: Path, size: int) -> tuple[str | None, str]:
    """Path of a new file of `size` bytes; or None, and the reason why there is no room for it."""
    handle, name = tempfile.mkstemp(prefix="chirpleaf-", dir=folder)
    try:
        os.truncate(handle, size)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle, 0, size)
    except OSError as error:
        os.unlink(name)
        return None, str(error)
    finally:
        os.close(handle)
    return name, ""
