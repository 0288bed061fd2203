"""Communication: how ranks average their gradients.

The backward pass hands gradients over in buckets, and one is averaged while the next is computed. Gloo averages round a
ring, where R ranks take 2 (R - 1) messages in turn; on a grid of r rows and c columns, averaged along the rows and then
along the columns, they take 2 (r - 1) + 2 (c - 1), for twice the bytes (compare the torus of arXiv:1811.05233). Sent in
bfloat16, gradients are half as long; every rank rounds its own, so that most of the errors average out.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import torch
from lightning.pytorch.strategies import DDPStrategy, Strategy
from torch import Tensor, distributed
from torch.futures import Future
from torch.nn.parallel import DistributedDataParallel

from chirpleaf.training.parallel.ranks import Launched, Ranks

Group: TypeAlias = distributed.ProcessGroup

_EVERYTHING = 1 << 20
"""MB of a bucket that holds any network."""
_FIRST = 2**20
"""Bytes of torch's first bucket, which is to be on its way early."""


@dataclass(frozen=True)
class Communication:
    """How ranks average their gradients.

    Attributes:
        bucket: MB of gradients that are sent together while the backward pass goes on; None sends all at its end.
        bfloat16: whether they are sent in bfloat16 instead of float32.
        grid: whether ranks average along the rows and columns of a grid instead of round one ring.
        timeout: seconds after which a rank that does not answer ends the training.
    """

    bucket: float | None = 1.0
    bfloat16: bool = False
    grid: bool = False
    timeout: float = 60.0

    @property
    def size(self) -> int:
        """Bytes of a gradient on its way."""
        return 2 if self.bfloat16 else 4


DEFAULT = Communication()
"""In buckets, in full precision, round a ring."""


def axes(size: int, *, grid: bool) -> tuple[int, ...]:
    """Lengths of the rings along which ranks average one after another.

    Args:
        size: number of ranks.
        grid: whether they make a grid, as square as their number allows, or one ring.

    Example:
        >>> axes(1024, grid=True), axes(12, grid=True), axes(7, grid=True), axes(12, grid=False)
        ((32, 32), (3, 4), (7,), (12,))
    """
    rows = max(number for number in range(1, math.isqrt(size) + 1) if size % number == 0) if grid else 1
    return (size,) if rows == 1 else (rows, size // rows)


def buckets(lengths: Sequence[int], communication: Communication) -> list[int]:
    """Bytes that ranks exchange at a time: torch fills buckets from the last weights on, the first to 1 MB at most.

    Args:
        lengths: of the weights.
        communication: how they are exchanged.

    Example:
        >>> buckets([100, 300_000, 300_000], Communication(bucket=2.0))
        [1200000, 1200400]
    """
    limit = (communication.bucket or _EVERYTHING) * 2**20
    found, room = [0], limit if communication.bucket is None else min(limit, _FIRST)
    for length in reversed(lengths):
        if 4 * found[-1] / communication.size >= room:
            found.append(0)
            room = limit
        found[-1] += communication.size * length
    return found


class Exchange:
    """Averages of tensors over joined ranks.

    Args:
        ranks: the place of this process.
        communication: how.
    """

    def __init__(self, ranks: Ranks, communication: Communication) -> None:
        self._size, self._bfloat16 = ranks.size, communication.bfloat16
        timeout = timedelta(seconds=communication.timeout)
        self.group: Group = distributed.new_group(timeout=timeout)
        self._rings = [self.group]
        shape = axes(ranks.size, grid=communication.grid)
        if len(shape) > 1:
            places = torch.arange(ranks.size).reshape(shape)
            self._rings = [
                distributed.new_subgroups_by_enumeration(lines.tolist(), timeout=timeout)[0]
                for lines in (places, places.T)
            ]
        # Buckets are averaged in the order in which they come, which is that of all ranks.
        self._line = ThreadPoolExecutor(1)

    def average(self, whole: Tensor) -> Tensor:
        """The average of a tensor over the ranks, in its place.

        Args:
            whole: of any shape, the same on all ranks.

        Returns:
            The same tensor.
        """
        sent = whole.to(torch.bfloat16) if self._bfloat16 else whole
        sent.div_(self._size)
        for ring in self._rings:
            distributed.all_reduce(sent, group=ring)
        return whole if sent is whole else whole.copy_(sent)

    def hook(self, _: None, bucket: distributed.GradBucket) -> Future[Tensor]:  # type: ignore[name-defined]
        """For `DistributedDataParallel`: the average of a bucket, which the backward pass need not wait for."""
        averaged: Future[Tensor] = Future()

        def average() -> None:
            try:
                averaged.set_result(self.average(bucket.buffer()))
            except RuntimeError as error:
                averaged.set_exception(error)  # type: ignore[arg-type]

        self._line.submit(average)
        return averaged


class DataParallel(DDPStrategy):
    """Lightning's, with an exchange of our own: torch's hooks refuse to go without NCCL.

    Args:
        ranks: joined ranks.
        communication: how they average their gradients.
    """

    def __init__(self, ranks: Ranks, communication: Communication) -> None:
        self._communication, self._exchange = communication, Exchange(ranks, communication)
        super().__init__(
            cluster_environment=Launched(ranks),
            process_group=self._exchange.group,
            bucket_cap_mb=communication.bucket or _EVERYTHING,
            gradient_as_bucket_view=True,
            broadcast_buffers=False,
        )

    def configure_ddp(self) -> None:
        """Wraps the network, and averages what it sends where torch would not do as well by itself."""
        super().configure_ddp()
        if self._communication.bfloat16 or self._communication.grid:
            assert isinstance(self.model, DistributedDataParallel)
            self.model.register_comm_hook(None, self._exchange.hook)


def strategy(ranks: Ranks, communication: Communication) -> Strategy | str:
    """Lightning's strategy for a lone process or for several."""
    return "auto" if ranks.size == 1 else DataParallel(ranks, communication)
