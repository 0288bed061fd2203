"""Lightning's data parallelism with this project's exchanges: torch's own hooks for bfloat16 and grids require NCCL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import DDPStrategy, Strategy
from torch import Tensor, distributed
from torch.futures import Future
from torch.nn.parallel import DistributedDataParallel

from chirpleaf.training.parallel.communication import Communication
from chirpleaf.training.parallel.exchange import NetworkExchange, SharedMemoryExchange
from chirpleaf.training.parallel.ranks import Ranks


class LauncherEnvironment(ClusterEnvironment):
    """Describes the ranks to Lightning.

    Args:
        ranks: the place of this process.
    """

    def __init__(self, ranks: Ranks) -> None:
        self._ranks = ranks

    @property
    def creates_processes_externally(self) -> bool:
        """True: the launcher has started all processes."""
        return True

    @property
    def main_address(self) -> str:
        """Host of rank 0."""
        return self._ranks.address

    @property
    def main_port(self) -> int:
        """Port of rank 0."""
        return self._ranks.port

    @staticmethod
    def detect() -> bool:
        """Whether a launcher started this process."""
        return Ranks.from_environment().size > 1

    def world_size(self) -> int:
        """Number of ranks."""
        return self._ranks.size

    def set_world_size(self, size: int) -> None:
        """Does nothing, as the launcher sets the number of ranks."""

    def global_rank(self) -> int:
        """Number of this rank."""
        return self._ranks.rank

    def set_global_rank(self, rank: int) -> None:
        """Does nothing, as the launcher numbers the ranks."""

    def local_rank(self) -> int:
        """Number of this rank on its node."""
        return self._ranks.local_rank

    def node_rank(self) -> int:
        """Number of this rank's node."""
        return self._ranks.rank // self._ranks.local_size


class DataParallelStrategy(DDPStrategy):
    """Lightning's DDP strategy; an exchange that the backward pass left unfinished ends before the optimiser's step.

    Args:
        ranks: the place of this process; the ranks are connected.
        communication: settings of the exchange.
        options: keywords of torch's `DistributedDataParallel`.
    """

    def __init__(self, ranks: Ranks, communication: Communication, **options: Any) -> None:
        self._ranks, self._communication = ranks, communication
        super().__init__(cluster_environment=LauncherEnvironment(ranks), **options)

    def setup(self, trainer: lightning.Trainer) -> None:
        """Sets up the training without Lightning's broadcast before each batch of whether rank 0 was terminated.

        All ranks would wait for the answer a second time in each step. The exchange also detects that a rank has ended.
        """
        super().setup(trainer)
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None  # type: ignore[method-assign]

    def start_exchange(self) -> None:
        """Starts to average the gradients, unless the backward pass has done so."""

    def finish_exchange(self) -> None:
        """Waits until the gradients are averages over the ranks."""


class NetworkStrategy(DataParallelStrategy):
    """Exchanges gradients over the network, in buckets during the backward pass.

    On GPUs, gradients in float32 along one ring are left to torch.

    Args:
        ranks: the place of this process; the ranks are connected.
        communication: settings of the exchange.
    """

    def __init__(self, ranks: Ranks, communication: Communication) -> None:
        self._exchange: NetworkExchange | None = None
        super().__init__(
            ranks,
            communication,
            process_group=distributed.new_group(timeout=timedelta(seconds=communication.timeout)),
            bucket_cap_mb=communication.bucket_limit,
            gradient_as_bucket_view=True,
            broadcast_buffers=False,
        )

    def configure_ddp(self) -> None:
        """Wraps the network and registers the exchange of its gradients."""
        super().configure_ddp()
        if torch.cuda.is_available() and not (self._communication.bfloat16 or self._communication.grid):
            return
        assert isinstance(self.model, DistributedDataParallel)
        self._exchange = NetworkExchange(self._ranks, self._communication)
        self.model.register_comm_hook(None, self._start_bucket)

    def _start_bucket(self, _: None, bucket: distributed.GradBucket) -> Future[Tensor]:  # type: ignore[name-defined]
        """Starts the exchange of a bucket, and returns its tensor to `DistributedDataParallel` without waiting."""
        assert self._exchange
        self._exchange.start(bucket.buffer())
        future: Future[Tensor] = Future()
        future.set_result(bucket.buffer())
        return future

    def finish_exchange(self) -> None:
        """Waits for all buckets."""
        if self._exchange:
            self._exchange.finish()


class SharedMemoryStrategy(DataParallelStrategy):
    """Exchanges gradients of ranks on one machine through its memory, after the backward pass.

    That takes less time than hooks within the backward pass would, so the network is not wrapped.

    Args:
        ranks: the place of this process; the ranks are connected.
        communication: settings of the exchange.
    """

    _accumulating = False

    def configure_ddp(self) -> None:
        """Sends the weights of rank 0 to all ranks, as `DistributedDataParallel` does, and prepares the exchange."""
        assert self.model
        for numbers in self.model.state_dict().values():
            distributed.broadcast(numbers, 0)
        weights = [weight for weight in self.model.parameters() if weight.requires_grad]
        self._exchange = SharedMemoryExchange(self._ranks, self._communication, weights)

    @contextmanager
    def block_backward_sync(self) -> Iterator[None]:
        """Accumulates the gradients on this rank without an exchange while the context lasts."""
        self._accumulating = True
        try:
            yield
        finally:
            self._accumulating = False

    def start_exchange(self) -> None:
        """Writes this rank's gradients to the shared memory."""
        if not self._accumulating:
            self._exchange.start()

    def finish_exchange(self) -> None:
        """Reads and averages the gradients of all ranks."""
        self._exchange.finish()


class AverageGradients(Callback):
    """Starts the exchange after the backward pass and finishes it before the optimiser's step."""

    def on_after_backward(self, trainer: lightning.Trainer, *_: object) -> None:
        """Starts the exchange."""
        if isinstance(trainer.strategy, DataParallelStrategy):
            trainer.strategy.start_exchange()

    def on_before_optimizer_step(self, trainer: lightning.Trainer, *_: object) -> None:
        """Finishes the exchange."""
        if isinstance(trainer.strategy, DataParallelStrategy):
            trainer.strategy.finish_exchange()


class RunDuringExchange(Callback):
    """Runs a task while gradients are exchanged; it follows `AverageGradients` in the list of callbacks.

    Args:
        task: what to run.
    """

    def __init__(self, task: Callable[[], None]) -> None:
        self._task = task

    def on_after_backward(self, *_: object) -> None:
        """Runs the task."""
        self._task()


def choose_strategy(ranks: Ranks, communication: Communication) -> Strategy | str:
    """Chooses Lightning's strategy: for one process, for ranks on one machine, or for ranks on several.

    Args:
        ranks: the place of this process.
        communication: settings of the exchange.

    Returns:
        A strategy, or Lightning's name for one.
    """
    if ranks.size == 1:
        return "auto"
    if communication.memory and ranks.local_size == ranks.size and not torch.cuda.is_available():
        return SharedMemoryStrategy(ranks, communication)
    return NetworkStrategy(ranks, communication)
