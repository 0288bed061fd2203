"""Strategies: Lightning's data parallelism with exchanges of our own (torch's hooks refuse to go without NCCL)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import DDPStrategy, Strategy
from torch import Tensor, distributed
from torch.futures import Future
from torch.nn.parallel import DistributedDataParallel

from chirpleaf.training.parallel.communication import Communication
from chirpleaf.training.parallel.exchange import MemoryExchange, NetworkExchange
from chirpleaf.training.parallel.ranks import Launched, Ranks


class DataParallel(DDPStrategy):
    """Lightning's, but what is on its way when the backward pass ends is waited for before the step, and nowhere else.

    Args:
        ranks: joined ranks.
        communication: how they average their gradients.
        options: of torch's `DistributedDataParallel`.
    """

    def __init__(self, ranks: Ranks, communication: Communication, **options: Any) -> None:
        self._ranks, self._communication = ranks, communication
        super().__init__(cluster_environment=Launched(ranks), **options)

    def setup(self, trainer: lightning.Trainer) -> None:
        """Keeps Lightning from asking rank 0 before every batch whether it was told to end.

        All would wait for it, a second time in a step. A rank that ends is missed by the exchange.
        """
        super().setup(trainer)
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None  # type: ignore[method-assign]

    def begin(self) -> None:
        """Begins to average gradients, where the backward pass that has ended did not."""

    def wait(self) -> None:
        """Returns when gradients are averages."""


class OverNetwork(DataParallel):
    """Gradients are sent in buckets while the backward pass goes on.

    On GPUs, in full precision round one ring, all is left to torch.
    """

    def __init__(self, ranks: Ranks, communication: Communication) -> None:
        self._exchange: NetworkExchange | None = None
        super().__init__(
            ranks,
            communication,
            process_group=distributed.new_group(timeout=timedelta(seconds=communication.timeout)),
            bucket_cap_mb=communication.room,
            gradient_as_bucket_view=True,
            broadcast_buffers=False,
        )

    def configure_ddp(self) -> None:
        """Wraps the network, and takes over what it sends."""
        super().configure_ddp()
        if torch.cuda.is_available() and not (self._communication.bfloat16 or self._communication.grid):
            return
        assert isinstance(self.model, DistributedDataParallel)
        self._exchange = NetworkExchange(self._ranks, self._communication)
        self.model.register_comm_hook(None, self._begin)

    def _begin(self, _: None, bucket: distributed.GradBucket) -> Future[Tensor]:  # type: ignore[name-defined]
        """For `DistributedDataParallel`, which goes on at once, with the same tensor."""
        assert self._exchange
        self._exchange.begin(bucket.buffer())
        begun: Future[Tensor] = Future()
        begun.set_result(bucket.buffer())
        return begun

    def wait(self) -> None:
        """Waits for all buckets."""
        if self._exchange:
            self._exchange.wait()


class ThroughMemory(DataParallel):
    """Ranks of one machine copy their gradients when the backward pass has ended.

    That takes less time than hooks within it, so that the network stays unwrapped.
    """

    _blocked = False

    def configure_ddp(self) -> None:
        """Begins from the weights of rank 0, as `DistributedDataParallel` does."""
        assert self.model
        for numbers in self.model.state_dict().values():
            distributed.broadcast(numbers, 0)
        weights = [weight for weight in self.model.parameters() if weight.requires_grad]
        self._exchange = MemoryExchange(self._ranks, self._communication, weights)

    @contextmanager
    def block_backward_sync(self) -> Iterator[None]:
        """Lets gradients add up on this rank, for a step that comes later."""
        self._blocked = True
        try:
            yield
        finally:
            self._blocked = False

    def begin(self) -> None:
        """Writes this rank's gradients."""
        if not self._blocked:
            self._exchange.begin()

    def wait(self) -> None:
        """Reads those of all."""
        self._exchange.wait()


class Averaging(Callback):
    """Begins to average gradients when the backward pass has ended, and waits for them before the step."""

    def on_after_backward(self, trainer: lightning.Trainer, *_: object) -> None:
        """Begins."""
        if isinstance(trainer.strategy, DataParallel):
            trainer.strategy.begin()

    def on_before_optimizer_step(self, trainer: lightning.Trainer, *_: object) -> None:
        """Waits."""
        if isinstance(trainer.strategy, DataParallel):
            trainer.strategy.wait()


class Meanwhile(Callback):
    """Does something while gradients are on their way; follows `Averaging`.

    Args:
        task: what.
    """

    def __init__(self, task: Callable[[], None]) -> None:
        self._task = task

    def on_after_backward(self, *_: object) -> None:
        """Does it."""
        self._task()


def strategy(ranks: Ranks, communication: Communication) -> Strategy | str:
    """Lightning's strategy: for a lone process, for ranks of one machine if it has memory to spare, or for others.

    Args:
        ranks: the place of this process.
        communication: what is wanted.
    """
    if ranks.size == 1:
        return "auto"
    if communication.memory and ranks.local_size == ranks.size and not torch.cuda.is_available():
        return ThroughMemory(ranks, communication)
    return OverNetwork(ranks, communication)
