"""Engine: fits a network to simulated batches, on Lightning.

What is lowered is the objective's (`training.objectives`), in steps of the schedule's optimizer (`training.optimizers`)
with linear warm-up and cosine decay; the weights that are validated and shipped are their exponential moving average.
Training is cut into epochs of a fixed number of batches; batch n and what the network draws for it (dropout, random
weights) depend on (seed, n) alone and checkpoints are written between epochs, so a resumed run repeats an uninterrupted
one.

Several ranks train on one network: rank r of R takes the batches r, r + R, r + 2 R, ..., and a step follows the mean
gradient over the ranks, each of which may add up the gradients of several batches before it. A step is then of

    batch size x ranks x accumulated batches

examples, an epoch still of the same number of batches. As the loss is a mean over examples, and all that is random in
it is drawn for each example by itself, so that what a rank draws is independent of what the others do, the mean over
the ranks is the gradient that one rank would have of all their examples, and as unbiased.
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
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader

from chirpleaf.errors import InputError
from chirpleaf.training.batch import Batch
from chirpleaf.training.checkpoints import Checkpoints
from chirpleaf.training.loading import Ahead, EpochSampler, loader
from chirpleaf.training.objectives import LogScore, Objective
from chirpleaf.training.optimizers import optimizer
from chirpleaf.training.parallel.communication import DEFAULT, Communication
from chirpleaf.training.parallel.ranks import ALONE, Ranks
from chirpleaf.training.parallel.strategy import Averaging, Meanwhile, strategy
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulator import Simulator


class Training(lightning.LightningModule):
    """The training and validation steps of a network.

    Args:
        network: what is trained.
        schedule: how.
        objective: what is lowered.
        seed: of what the network draws.
        ranks: the place of this process.

    Attributes:
        done: batches that all ranks have trained on.
    """

    def __init__(
        self, network: nn.Module, schedule: Schedule, objective: Objective, seed: int = 0, ranks: Ranks = ALONE
    ) -> None:
        super().__init__()
        self.network, self.schedule, self.objective, self._seed, self._ranks = network, schedule, objective, seed, ranks
        self.done = 0

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of a batch, for which the network draws what its number says."""
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
        """What the schedule asks for, with a rate for each batch."""
        chosen = optimizer(self.network, self.schedule)
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            chosen, lambda step: self.schedule.rate(step, self.done, self._ranks.size)
        )
        return {"optimizer": chosen, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keeps how far the ranks are: others in number may go on."""
        checkpoint["done"] = self.done

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Goes on there."""
        self.done = checkpoint["done"]


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
        # torch 2.13; what it would have instead, older ones do not know.
        warnings.filterwarnings("ignore", message="`broadcast_buffers` is deprecated", category=FutureWarning)
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
    seed: int = 0,
    resume: bool = False,
    workers: int = 0,
    ranks: Ranks = ALONE,
    communication: Communication = DEFAULT,
    callbacks: Sequence[Callback] = (),
) -> int:
    """Trains `network` in place, to the moving average of its weights.

    Args:
        network: what to train.
        simulator: training batches.
        validation: batches that this rank validates on, at least one.
        schedule: how long and how fast.
        out: folder of the checkpoint `last.ckpt`.
        objective: what is lowered; the log score of a density when None.
        seed: of dropout and random weights.
        resume: go on from that checkpoint.
        workers: processes that simulate; 0 simulates between the steps.
        ranks: the place of this process among those that train, which are joined.
        communication: how they average their gradients.
        callbacks: further Lightning callbacks (progress, history).

    Returns:
        Batches that all ranks have trained on.

    Raises:
        InputError: nothing to resume from.
    """
    checkpoint = out / "last.ckpt"
    if resume and not checkpoint.exists():
        raise InputError(f"expected a checkpoint to resume from; got no {checkpoint}: train without --resume")
    training = Training(network, schedule, objective or LogScore(), seed, ranks)
    batches = loader(simulator, EpochSampler(schedule, ranks, lambda: training.done), workers)
    trainer = lightning.Trainer(
        accelerator="gpu" if torch.cuda.is_available() else "cpu",
        strategy=strategy(ranks, communication),
        devices=ranks.local_size,
        num_nodes=ranks.size // ranks.local_size,
        plugins=[Checkpoints()],
        max_epochs=schedule.epochs,
        accumulate_grad_batches=schedule.accumulate,
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
            Averaging(),
            *([Meanwhile(batches.prepare)] if isinstance(batches, Ahead) and communication.ahead else []),
        ],
    )
    held_out: DataLoader[Batch] = DataLoader(validation, batch_size=None)  # type: ignore[arg-type]
    trainer.fit(training, batches, held_out, ckpt_path=checkpoint if resume else None, weights_only=False)
    return training.done
