"""Communication: how ranks average their gradients.

The backward pass hands gradients over in buckets, and averages one while it computes the next. A gradient in bfloat16
is half as long; every rank rounds its own, so that the errors average out over the ranks.
"""

from dataclasses import dataclass
from datetime import timedelta

import torch
from lightning.pytorch.strategies import DDPStrategy, Strategy
from torch import Tensor, distributed
from torch.futures import Future
from torch.nn.parallel import DistributedDataParallel

from chirpleaf.training.ranks import Launched, Ranks

_EVERYTHING = 1 << 20
"""MB of a bucket that holds any network."""


@dataclass(frozen=True)
class Communication:
    """How ranks average their gradients.

    Attributes:
        bucket: MB of gradients that are sent together while the backward pass goes on; None sends all at its end.
        bfloat16: whether they are sent in bfloat16 instead of float32.
        timeout: seconds after which a rank that does not answer ends the training.
    """

    bucket: float | None = 1.0
    bfloat16: bool = False
    timeout: float = 60.0


DEFAULT = Communication()
"""In buckets, in full precision."""


class DataParallel(DDPStrategy):
    """Lightning's, whose compression hooks work without GPUs, and whose gradients have a timeout of their own.

    Args:
        ranks: joined ranks.
        communication: how they average their gradients.
    """

    def __init__(self, ranks: Ranks, communication: Communication) -> None:
        self._communication = communication
        self._group = distributed.new_group(timeout=timedelta(seconds=communication.timeout))
        super().__init__(
            cluster_environment=Launched(ranks),
            process_group=self._group,
            bucket_cap_mb=communication.bucket or _EVERYTHING,
            gradient_as_bucket_view=True,
            broadcast_buffers=False,
        )

    def configure_ddp(self) -> None:
        """Wraps the network, and compresses what it sends."""
        super().configure_ddp()
        if self._communication.bfloat16:
            assert isinstance(self.model, DistributedDataParallel)
            self.model.register_comm_hook(self._group, average_in_bfloat16)


def average_in_bfloat16(
    group: distributed.ProcessGroup,
    bucket: distributed.GradBucket,  # type: ignore[name-defined]
) -> Future[Tensor]:
    """Averages a bucket in bfloat16 (torch's own hook of this kind refuses to go without NCCL).

    Args:
        group: whose gradients.
        bucket: the gradients.

    Returns:
        The average, in the bucket's own precision.
    """
    whole = bucket.buffer()
    short = whole.to(torch.bfloat16).div_(group.size())
    work = distributed.all_reduce(short, group=group, async_op=True)

    def restore(_: Future[list[Tensor]]) -> Tensor:
        return whole.copy_(short)

    return work.get_future().then(restore)


def strategy(ranks: Ranks, communication: Communication) -> Strategy | str:
    """Lightning's strategy for a lone process or for several."""
    return "auto" if ranks.size == 1 else DataParallel(ranks, communication)
