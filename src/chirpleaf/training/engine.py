"""Engine: trains a network on simulated batches with Lightning.

It minimises an objective (`training.objectives`) with the optimiser of the schedule (`training.optimizers`), linear
warm-up and cosine decay. Validated and shipped are the exponential moving averages of the weights. A training consists
of epochs with a fixed number of batches. Batch n, and the random numbers that the network draws for it (dropout, random
weights), depend on (seed, n) alone, and checkpoints are written between epochs; so a resumed training repeats an
uninterrupted one.

Several ranks can train one network: rank r of R trains on the batches r, r + R, r + 2 R, ..., and each step uses the
mean gradient over the ranks, each of which may accumulate the gradients of several batches. A step then uses

    batch size x ranks x accumulated batches

examples, while an epoch keeps its number of batches. The loss is a mean over examples, and all random numbers in it are
drawn separately for each example, so ranks draw independently of each other. The mean over the ranks is therefore the
gradient that one rank would compute from all examples, and equally unbiased.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.strategies import Strategy
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader

from chirpleaf.errors import InputError
from chirpleaf.training.batch import Batch, BatchSource
from chirpleaf.training.checkpoints import AtomicCheckpointIO
from chirpleaf.training.loading import EpochSampler, PrefetchingLoader, make_loader
from chirpleaf.training.objectives import LogScore, Objective
from chirpleaf.training.optimizers import make_optimizer
from chirpleaf.training.parallel.communication import DEFAULT_COMMUNICATION, Communication
from chirpleaf.training.parallel.ranks import ALONE, Ranks
from chirpleaf.training.parallel.strategy import AverageGradients, RunDuringExchange, choose_strategy
from chirpleaf.training.schedule import Schedule


class TrainingModule(lightning.LightningModule):
    """Training and validation steps of a network.

    Args:
        network: the network to train.
        schedule: length and learning rates.
        objective: the loss.
        seed: seed of the random numbers that the network draws.
        ranks: the place of this process.

    Attributes:
        done: number of batches that all ranks have trained on.
    """

    def __init__(
        self, network: nn.Module, schedule: Schedule, objective: Objective, seed: int = 0, ranks: Ranks = ALONE
    ) -> None:
        super().__init__()
        self.network, self.schedule, self.objective, self._seed, self._ranks = network, schedule, objective, seed, ranks
        self.done = 0

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of a batch, with random numbers that depend on the batch's number alone."""
        number = self.done + self._ranks.rank
        torch.manual_seed(np.random.SeedSequence([self._seed, number]).generate_state(1, np.uint64).item())
        loss = self.objective.loss(self.network, batch, self.global_step)
        self.log("loss", loss.detach(), on_step=True, on_epoch=False)
        self.done += self._ranks.size
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Logs loss and relative error of a validation batch, averaged over the epoch."""
        size = len(batch.weight)
        loss, error = self.objective.loss(self.network, batch), self.objective.error(self.network, batch)
        self.log("validation_loss", loss, on_epoch=True, batch_size=size, prog_bar=True, sync_dist=True)
        if error is not None:
            self.log("relative_error", error.float(), on_epoch=True, batch_size=size, sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Optimiser of the schedule, with a learning rate for each step."""
        optimizer = make_optimizer(self.network, self.schedule)
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: self.schedule.rate(step, self.done, self._ranks.size)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Saves the number of batches done, from which another number of ranks may go on."""
        checkpoint["done"] = self.done

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restores the number of batches done."""
        self.done = checkpoint["done"]


class MovingAverage(EMAWeightAveraging):
    """Moving average of the weights, copied into the network at the end, even if a resume has no epoch left."""

    def teardown(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Copies the average into the network."""
        if self._average_model is not None:
            self._copy_average_to_current(pl_module)


def _stop_below(threshold: float) -> EarlyStopping:
    """Ends the training when the relative error on validation falls below a threshold, and for no other reason."""
    return EarlyStopping("relative_error", stopping_threshold=threshold, patience=10**9, check_finite=False)


@contextmanager
def _suppress_advice() -> Iterator[None]:
    """Suppresses Lightning's advice on deliberate choices, and its remarks on the hardware."""
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
        warnings.filterwarnings("ignore", message=".* does not have many workers")
        # torch 2.13 deprecates it for a keyword that older versions do not know.
        warnings.filterwarnings("ignore", message="`broadcast_buffers` is deprecated", category=FutureWarning)
        try:
            yield
        finally:
            log.setLevel(level)


@_suppress_advice()
def fit(
    network: nn.Module,
    simulator: BatchSource,
    validation: Sequence[Batch],
    schedule: Schedule,
    *,
    out: Path,
    objective: Objective | None = None,
    seed: int = 0,
    resume: bool = False,
    workers: int = 0,
    ranks: Ranks = ALONE,
    communication: Communication = DEFAULT_COMMUNICATION,
    callbacks: Sequence[Callback] = (),
) -> int:
    """Trains a network in place; it ends with the moving average of its weights.

    Args:
        network: the network to train.
        simulator: makes the training batches.
        validation: this rank's validation batches, at least one.
        schedule: length and learning rates.
        out: folder of the checkpoint `last.ckpt`.
        objective: the loss; the log score of a density when None.
        seed: seed of dropout and random weights.
        resume: whether to go on from the checkpoint.
        workers: processes that simulate; with 0 the process simulates between the steps.
        ranks: the place of this process among the ranks, which are connected.
        communication: how the ranks average their gradients.
        callbacks: further Lightning callbacks, such as progress and history.

    Returns:
        Number of batches that all ranks have trained on.

    Raises:
        InputError: there is no checkpoint to resume from.
    """
    checkpoint = out / "last.ckpt"
    if resume and not checkpoint.exists():
        raise InputError(f"expected a checkpoint to resume from; got no {checkpoint}: train without --resume")
    if schedule.compile:
        network.root.compile()  # type: ignore[union-attr]
    training = TrainingModule(network, schedule, objective or LogScore(), seed, ranks)
    loader = make_loader(simulator, EpochSampler(schedule, ranks, lambda: training.done), workers)
    exchange: list[Callback] = [AverageGradients()]
    if isinstance(loader, PrefetchingLoader) and communication.ahead:
        exchange.append(RunDuringExchange(loader.prefetch))
    held_out: DataLoader[Batch] = DataLoader(validation, batch_size=None)  # type: ignore[arg-type]
    trainer = _make_trainer(schedule, out, choose_strategy(ranks, communication), ranks, [*callbacks, *exchange])
    trainer.fit(training, loader, held_out, ckpt_path=checkpoint if resume else None, weights_only=False)
    network.cpu()  # for what follows, should Lightning leave it on a GPU
    return training.done


def _make_trainer(
    schedule: Schedule, out: Path, strategy: Strategy | str, ranks: Ranks, callbacks: Sequence[Callback]
) -> lightning.Trainer:
    """Lightning's trainer without its logger, bars and samplers; `callbacks` come after its own."""
    return lightning.Trainer(
        accelerator="gpu" if torch.cuda.is_available() else "cpu",
        strategy=strategy,
        devices=ranks.local_size,
        num_nodes=ranks.size // ranks.local_size,
        plugins=[AtomicCheckpointIO()],
        max_epochs=schedule.epochs,
        accumulate_grad_batches=schedule.accumulate,
        gradient_clip_val=schedule.clip,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        callbacks=[
            MovingAverage(decay=schedule.ema_decay, use_buffers=False),  # buffers may hold indices
            ModelCheckpoint(dirpath=out, filename="last", every_n_epochs=1, enable_version_counter=False),
            *([] if schedule.stop_below is None else [_stop_below(schedule.stop_below)]),
            *callbacks,
        ],
    )
