"""Strategy: Lightning's data parallelism with exchanges of our own (torch's hooks refuse to go without NCCL)."""

from collections.abc import Callable
from datetime import timedelta

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import DDPStrategy, Strategy
from torch import Tensor, distributed
from torch.futures import Future
from torch.nn.parallel import DistributedDataParallel

from chirpleaf.training.parallel.communication import Communication
from chirpleaf.training.parallel.exchange import Exchange, exchange
from chirpleaf.training.parallel.ranks import Launched, Ranks


class DataParallel(DDPStrategy):
    """Lightning's, but what is on its way when the backward pass ends is waited for before the step, and nowhere else.

    Gradients on GPUs, in full precision round one ring, are left to torch.

    Args:
        ranks: joined ranks.
        communication: how they average their gradients.
    """

    def __init__(self, ranks: Ranks, communication: Communication) -> None:
        self._ranks, self._communication = ranks, communication
        self._exchange: Exchange | None = None
        super().__init__(
            cluster_environment=Launched(ranks),
            process_group=distributed.new_group(timeout=timedelta(seconds=communication.timeout)),
            bucket_cap_mb=communication.room,
            gradient_as_bucket_view=True,
            broadcast_buffers=False,
        )

    def setup(self, trainer: lightning.Trainer) -> None:
        """Keeps Lightning from asking rank 0 before every batch whether it was told to end.

        All would wait for it, a second time in a step. A rank that ends is missed by the exchange.
        """
        super().setup(trainer)
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None  # type: ignore[method-assign]

    def configure_ddp(self) -> None:
        """Wraps the network, and takes over what it sends."""
        super().configure_ddp()
        if torch.cuda.is_available() and not (self._communication.bfloat16 or self._communication.grid):
            return
        assert isinstance(self.model, DistributedDataParallel)
        length = sum(weight.numel() for weight in self.model.parameters() if weight.requires_grad)
        self._exchange = exchange(self._ranks, self._communication, length)
        self.model.register_comm_hook(None, self._begin)

    def _begin(self, _: None, bucket: distributed.GradBucket) -> Future[Tensor]:  # type: ignore[name-defined]
        """For `DistributedDataParallel`, which goes on at once, with the same tensor."""
        assert self._exchange
        self._exchange.begin(bucket.buffer(), last=bucket.is_last())
        begun: Future[Tensor] = Future()
        begun.set_result(bucket.buffer())
        return begun

    def wait(self) -> None:
        """Returns when gradients are averages."""
        if self._exchange:
            self._exchange.wait()


class Meanwhile(Callback):
    """Does something while gradients are on their way.

    Args:
        task: what.
    """

    def __init__(self, task: Callable[[], None]) -> None:
        self._task = task

    def on_after_backward(self, *_: object) -> None:
        """Does it."""
        self._task()


class Waiting(Callback):
    """Waits for gradients that are on their way before the step that follows them."""

    def on_before_optimizer_step(self, trainer: lightning.Trainer, *_: object) -> None:
        """Waits."""
        if isinstance(trainer.strategy, DataParallel):
            trainer.strategy.wait()


def strategy(ranks: Ranks, communication: Communication) -> Strategy | str:
    """Lightning's strategy for a lone process or for several."""
    return "auto" if ranks.size == 1 else DataParallel(ranks, communication)
