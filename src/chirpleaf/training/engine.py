"""Engine: fits a network to simulated batches, on Lightning.

What is lowered is the objective's (`training.objectives`). AdamW with linear warm-up and cosine decay; the weights that
are validated and shipped are their exponential moving average. Training is cut into epochs of a fixed number of
batches; batch n depends on (seed, n) alone and checkpoints are written between epochs, so a resumed run repeats an
uninterrupted one.
"""

import logging
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler

from chirpleaf.errors import InputError
from chirpleaf.training.batch import Batch
from chirpleaf.training.objectives import LogScore, Objective
from chirpleaf.training.simulator import Simulator


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        epochs: number of epochs.
        batches: batches in an epoch; a checkpoint and a validation follow each.
        learning_rate: greatest learning rate.
        warmup: batches over which it rises.
        weight_decay: of AdamW.
        clip: greatest norm of the gradient.
        ema_decay: decay of the moving average per batch.
        cosine: whether the rate falls as a cosine over the whole length, or stays.
        stop_below: relative error on validation below which training ends early; None for none.
    """

    epochs: int = 40
    batches: int = 1000
    learning_rate: float = 2e-3
    warmup: int = 500
    weight_decay: float = 0.01
    clip: float = 5.0
    ema_decay: float = 0.999
    cosine: bool = True
    stop_below: float | None = None

    def rate(self, step: int) -> float:
        """Learning rate at a step, over the greatest one."""
        rise = min(1.0, (step + 1) / self.warmup)
        if not self.cosine:
            return rise
        return rise * 0.5 * (1 + math.cos(math.pi * min(1.0, step / (self.epochs * self.batches))))


class Training(lightning.LightningModule):
    """The training and validation steps of a network.

    Args:
        network: what is trained.
        schedule: how.
        objective: what is lowered.
    """

    def __init__(self, network: nn.Module, schedule: Schedule, objective: Objective) -> None:
        super().__init__()
        self.network, self.schedule, self.objective = network, schedule, objective

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of a batch."""
        loss = self.objective.loss(self.network, batch, self.global_step)
        self.log("loss", loss.detach(), on_step=True, on_epoch=False)
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Logs loss and relative error of a validation batch, averaged over the epoch."""
        size = len(batch.weight)
        loss, error = self.objective.loss(self.network, batch), self.objective.error(self.network, batch)
        self.log("validation_loss", loss, on_epoch=True, batch_size=size, prog_bar=True)
        if error is not None:
            self.log("relative_error", error.float(), on_epoch=True, batch_size=size)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW, with a rate for each batch."""
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.schedule.learning_rate, weight_decay=self.schedule.weight_decay
        )
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, self.schedule.rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class Batches(Dataset[Batch]):
    """The simulator as a dataset of whole batches."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def __getitem__(self, index: int) -> Batch:
        return self._simulator.batch(index)


class EpochSampler(Sampler[int]):
    """Indices of the batches of an epoch, from the first one that has not been trained on.

    The place is asked for when an epoch begins, not counted here: Lightning restores it on a resume before it asks for
    the first index, but tells a sampler of its epoch only after.

    Args:
        batches: batches in an epoch.
        done: gives the number of batches trained on so far.
    """

    def __init__(self, batches: int, done: Callable[[], int]) -> None:
        self._batches, self._done = batches, done

    def __iter__(self) -> Iterator[int]:
        first = self._done()
        return iter(range(first, first + self._batches))

    def __len__(self) -> int:
        return self._batches


class MovingAverage(EMAWeightAveraging):
    """Hands the average over at the end, also where a resumed training has no epoch left."""

    def teardown(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Copies the average into the trained module."""
        if self._average_model is not None:
            self._copy_average_to_current(pl_module)


def _stopping(threshold: float) -> EarlyStopping:
    """Ends the training where the relative error on validation falls below a threshold, and for no other reason."""
    return EarlyStopping("relative_error", stopping_threshold=threshold, patience=10**9, check_finite=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps back Lightning's advice on what is so on purpose, and its remarks on the hardware."""
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
        warnings.filterwarnings("ignore", message=".* does not have many workers")
        try:
            yield
        finally:
            log.setLevel(level)


@_quiet()
def fit(
    network: nn.Module,
    simulator: Simulator,
    validation: Sequence[Batch],
    schedule: Schedule,
    *,
    out: Path,
    objective: Objective | None = None,
    resume: bool = False,
    workers: int = 0,
    callbacks: Sequence[Callback] = (),
) -> None:
    """Trains `network` in place, to the moving average of its weights.

    Args:
        network: what to train.
        simulator: training batches.
        validation: batches to validate on.
        schedule: how long and how fast.
        out: folder of the checkpoint `last.ckpt`.
        objective: what is lowered; the log score of a density when None.
        resume: go on from that checkpoint.
        workers: processes that simulate; 0 simulates between the steps.
        callbacks: further Lightning callbacks (progress, history).

    Raises:
        InputError: nothing to resume from.
    """
    checkpoint = out / "last.ckpt"
    if resume and not checkpoint.exists():
        raise InputError(f"expected a checkpoint to resume from; got no {checkpoint}: train without --resume")
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=schedule.epochs,
        gradient_clip_val=schedule.clip,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        callbacks=[
            MovingAverage(decay=schedule.ema_decay),
            ModelCheckpoint(dirpath=out, filename="last", every_n_epochs=1, enable_version_counter=False),
            *([] if schedule.stop_below is None else [_stopping(schedule.stop_below)]),
            *callbacks,
        ],
    )
    loader = DataLoader(
        Batches(simulator),
        batch_size=None,
        sampler=EpochSampler(schedule.batches, lambda: trainer.global_step),
        num_workers=workers,
        persistent_workers=workers > 0,
        prefetch_factor=4 if workers else None,
    )
    held_out: DataLoader[Batch] = DataLoader(validation, batch_size=None)  # type: ignore[arg-type]
    training = Training(network, schedule, objective or LogScore())
    trainer.fit(training, loader, held_out, ckpt_path=checkpoint if resume else None, weights_only=False)
