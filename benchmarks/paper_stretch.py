"""Stretch of a training of the published network: time of a step, memory, learning curve, extrapolated cost.

    OMP_NUM_THREADS=1 python benchmarks/paper_stretch.py --iterations 2000 --out out/paper-stretch

Trains a preset (`paper`, by default) with its own batch size and learning rate on one thread that also simulates, in
bfloat16 where the preset allows it and the machine is faster with it (`--float32` forbids it). After each epoch of
`--epoch` iterations it writes `stretch.json`: iterations, processor and wall time of a step, greatest memory of the
process. It goes on from its checkpoint, with more iterations if asked for, so that it may be interrupted. The
extrapolated cost is that of all iterations of the preset. The waveforms are fewer than those of the preset
(`--waveforms`), which changes the memory, not the time of a step.
"""

import argparse
import json
import logging
import resource
import time
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback

from chirpleaf.cli.lightning import silence_lightning
from chirpleaf.config import read_preset
from chirpleaf.training.data import build_simulator, validation_batches
from chirpleaf.training.engine import fit
from chirpleaf.training.objectives import make_objective
from chirpleaf.training.parallel.threads import bfloat16_pays
from chirpleaf.training.progress import History, read_history

LOGGER = logging.getLogger("paper_stretch")
PRESETS = Path(str(resources.files("chirpleaf.training"))) / "presets"


class Meter(Callback):
    """Adds up the time of the steps, without that of validation and checkpoints, and writes it after each epoch.

    Args:
        path: JSON file, which a resumed run adds to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        found = json.loads(path.read_text()) if path.exists() else {}
        self.processor, self.wall = found.get("processor_seconds", 0.0), found.get("wall_seconds", 0.0)
        self.iterations = found.get("iterations", 0)

    def on_train_epoch_start(self, *_: Any) -> None:
        """Starts the clocks."""
        self._start = time.process_time(), time.perf_counter()

    def on_train_batch_end(self, *_: Any) -> None:
        """Adds the time of a step."""
        now = time.process_time(), time.perf_counter()
        self.processor += now[0] - self._start[0]
        self.wall += now[1] - self._start[1]
        self.iterations += 1
        self._start = now

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Writes the sums."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        content = {
            "iterations": self.iterations,
            "processor_seconds": self.processor,
            "wall_seconds": self.wall,
            "memory_gib": peak,
        }
        self._path.write_text(json.dumps(content, indent=1))


def main() -> None:
    """Train further, and print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="paper")
    parser.add_argument("--iterations", type=int, default=2000, help="iterations in total, with those of earlier runs")
    parser.add_argument("--epoch", type=int, default=100, help="iterations between checkpoints")
    parser.add_argument("--waveforms", type=int, default=4096)
    parser.add_argument("--spectra", type=int, default=256)
    parser.add_argument("--float32", action="store_true", help="multiply in float32 even where bfloat16 is faster")
    parser.add_argument("--out", type=Path, default=Path("out/paper-stretch"))
    arguments = parser.parse_args()
    silence_lightning()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    settings = read_preset(PRESETS / f"{arguments.preset}.yaml")
    torch.manual_seed(settings.seed)
    architecture = settings.architecture()
    estimator = architecture.build()
    estimator.use_bfloat16(bfloat16_pays() and not arguments.float32)
    simulation = replace(
        settings.simulation, waveforms=arguments.waveforms, validation_waveforms=256, spectra=arguments.spectra,
        validation_batches=2,
    )  # fmt: skip
    epochs = max(1, round(arguments.iterations / arguments.epoch))
    schedule = replace(settings.schedule, epochs=epochs, batches=arguments.epoch, stop_below=None)
    setup = (architecture, estimator, simulation)
    validation = validation_batches(*setup, seed=settings.seed)
    meter = Meter(arguments.out / "stretch.json")
    fit(
        estimator.network, build_simulator(*setup, seed=settings.seed), validation, schedule, out=arguments.out,
        seed=settings.seed, resume=(arguments.out / "last.ckpt").exists(),
        objective=make_objective(estimator, simulation, schedule),
        callbacks=[History(arguments.out / "history.csv"), meter],
    )  # fmt: skip
    published = settings.schedule.epochs * settings.schedule.batches
    step, wall = meter.processor / meter.iterations, meter.wall / meter.iterations
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    rows = read_history(arguments.out / "history.csv")
    n_weights = sum(weight.numel() for weight in estimator.network.parameters())
    LOGGER.info(
        f"{settings.name}: {n_weights:,} weights, {meter.iterations} iterations of {simulation.batch_size}: "
        f"{step:.2f} s of a core and {wall:.2f} s of the clock each, {peak:.2f} GiB; relative error "
        f"{rows[0]['relative_error']:.3f} to {rows[-1]['relative_error']:.3f}; "
        f"{published:,} iterations would take {step * published / 3600:.0f} core-hours"
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
