"""Loss of a model on new simulations, compared with its training and validation losses.

    OMP_NUM_THREADS=1 python benchmarks/held_out.py --preset bbh --models bbh

A validation set is small and may be harder or easier than average; this benchmark distinguishes that from overfitting.
Models with the templates and simulation settings of the preset are evaluated on the same examples. Prints the mean loss
and its standard error in nats.
"""

import argparse
import logging
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import torch

from chirpleaf.config import read_preset
from chirpleaf.models import load_model
from chirpleaf.training.data import build_simulator
from chirpleaf.training.objectives import make_objective

LOGGER = logging.getLogger("held_out")
PRESETS = Path(str(resources.files("chirpleaf.training"))) / "presets"


@torch.no_grad()
def main() -> None:
    """Simulate and evaluate the losses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="bbh")
    parser.add_argument("--models", nargs="+", default=["bbh"])
    parser.add_argument("--batches", type=int, default=96)
    parser.add_argument("--seed", type=int, default=4711)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    preset = read_preset(PRESETS / f"{arguments.preset}.yaml")
    models = {name: load_model(name) for name in arguments.models}
    simulation = replace(preset.simulation, waveforms=60_000, fresh=0, spectra=2048)
    shared = next(iter(models.values())).estimator
    simulator = build_simulator(preset.architecture(), shared, simulation, seed=arguments.seed)
    batches = [simulator.batch(index) for index in range(arguments.batches)]
    LOGGER.info("| model | validation | training | held out |\n|---|---|---|---|")
    for name, model in models.items():
        lowered = make_objective(model.estimator, simulation, preset.schedule)
        losses = [float(lowered.loss(model.estimator.network, batch)) for batch in batches]
        mean, error = np.mean(losses), np.std(losses) / len(losses) ** 0.5
        known = model.provenance["metrics"]
        before = f"{known['validation_loss']:.3f} | {known['training_loss']:.3f}"
        LOGGER.info(f"| {name} | {before} | {mean:.3f} +- {error:.3f} |")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
