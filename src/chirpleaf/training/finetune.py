"""Further training of a sub-network after filters of its root are gone."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from chirpleaf.models.model import Model
from chirpleaf.system.constraints import PositiveFloat, PositiveInt
from chirpleaf.training.recipe import train
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulation import Simulation


@dataclass(frozen=True)
class Finetuning:
    """Settings of the further training.

    Attributes:
        batches: number of batches. More of them win back more of what the cut has lost, and take longer.
        batch_size: examples in a batch.
        learning_rate: greatest learning rate. A higher one moves further from the trained weights, and forgets more.
        warmup: batches over which the learning rate rises.
        waveforms: waveforms of the bank; they are computed for each sub-network once more.
    """

    batches: PositiveInt = 1000
    batch_size: PositiveInt = 256
    learning_rate: PositiveFloat = 3e-4
    warmup: PositiveInt = 100
    waveforms: PositiveInt = 20_000


def finetune(model: Model, settings: Finetuning, *, seed: int = 0) -> Model:
    """Trains a model further, on data that are drawn as in training.

    Args:
        model: a model with leaves, such as a sub-network of `models.decomposition`.
        settings: length and rate of the training.
        seed: seed of data and dropout.

    Returns:
        A model of the same architecture, whose provenance names the one that it began with.
    """
    simulation = Simulation(
        waveforms=settings.waveforms,
        validation_waveforms=2 * settings.batch_size,
        spectra=1024,
        batch_size=settings.batch_size,
        validation_batches=2,
    )
    schedule = Schedule(
        epochs=1, batches=settings.batches, learning_rate=settings.learning_rate, warmup=settings.warmup, weight_decay=0
    )
    with TemporaryDirectory(prefix="chirpleaf-") as folder:
        return train(
            model.name, model.architecture, simulation, schedule, out=Path(folder), seed=seed, cores=1, start=model
        )
