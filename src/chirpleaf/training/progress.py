"""Progress of a training: the file `history.csv` and the bar on the terminal."""

import csv
import time
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from chirpleaf.training.batch import Batch


class History(Callback):
    """Writes `history.csv`: step, minutes of training, mean training loss of the epoch, and validation loss.

    For leaves it also contains the relative error on validation. A resumed training continues minutes and rows.

    Args:
        path: the file.

    Attributes:
        FIELDS: names of the columns.
    """

    FIELDS = ("step", "minutes", "loss", "validation_loss", "relative_error")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._total, self._count, self._before = 0.0, 0, 0.0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Keeps the rows up to the checkpoint, and starts the clock."""
        rows = [row for row in read_history(self._path) if row["step"] <= trainer.global_step]
        self._before = rows[-1]["minutes"] if rows else 0.0
        self._start = time.monotonic()
        with self._path.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.FIELDS, restval="")
            writer.writeheader()
            writer.writerows({**row, "step": int(row["step"])} for row in rows)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Adds the loss of the batch to the sum of the epoch."""
        self._total += float(outputs["loss"])
        self._count += 1

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Writes the row of the epoch."""
        minutes = self._before + (time.monotonic() - self._start) / 60
        loss, metrics = self._total / max(self._count, 1), trainer.callback_metrics
        held_out = [round(float(metrics[name]), 5) if name in metrics else "" for name in self.FIELDS[3:]]
        self._total, self._count = 0.0, 0
        with self._path.open("a", newline="") as file:
            csv.writer(file).writerow([trainer.global_step, round(minutes, 3), round(loss, 5), *held_out])


def read_history(path: Path) -> list[dict[str, float]]:
    """Reads a `history.csv`.

    Args:
        path: the file; there may be none yet.

    Returns:
        Rows as column name to value, without empty values.
    """
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


class RichProgress(Callback):
    """Progress bar of the whole training: loss, samples per second, time left.

    Args:
        console: the console that shows it.
    """

    _SMOOTHING = 0.98
    """Weight of the former loss in the moving average that is shown."""

    def __init__(self, console: Console) -> None:
        columns = (  # at most 78 characters, to fit in a line of a terminal
            BarColumn(bar_width=8),
            TextColumn("{task.completed}/{task.total}"),
            TextColumn("loss {task.fields[loss]:.2f}"),
            TextColumn("validation {task.fields[validation]:.2f}"),
            TextColumn("{task.fields[rate]:,.0f} samples/s"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console)
        self._task: TaskID | None = None
        self._loss = self._validation = float("nan")

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Shows the bar at the step from which the training starts."""
        self._progress.start()
        total = int(trainer.estimated_stepping_batches)
        self._task = self._progress.add_task(
            "train", total=total, completed=trainer.global_step, loss=self._loss, validation=self._loss, rate=0.0
        )
        self._start, self._first, self._samples = time.monotonic(), trainer.global_step, 0

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Batch, *_: Any
    ) -> None:
        """Advances the bar."""
        assert self._task is not None
        loss = float(outputs["loss"])
        smooth = self._SMOOTHING
        self._loss = loss if self._loss != self._loss else smooth * self._loss + (1 - smooth) * loss
        self._samples += len(batch.weight)
        rate = self._samples / (time.monotonic() - self._start)
        self._progress.update(
            self._task, completed=trainer.global_step, loss=self._loss, validation=self._validation, rate=rate
        )

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Updates the validation loss."""
        metric = trainer.callback_metrics.get("validation_loss", torch.tensor(float("nan")))
        self._validation = float(metric)

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Releases the terminal, as Lightning calls no `teardown` after Ctrl-C."""
        self._progress.stop()

    def teardown(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Releases the terminal."""
        self._progress.stop()
