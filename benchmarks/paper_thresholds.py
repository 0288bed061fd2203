"""How far leaves meet the errors at which the published training stops, by signal-to-noise ratio.

    OMP_NUM_THREADS=1 python benchmarks/paper_thresholds.py out/conditions out/conditions-remnant

Each argument is the folder of a training. Its network estimates simulated events of its own prior and noise, on all of
its detectors. Printed are mean and median relative errors of each leaf, and their mean over the leaves, which is what
training compares with its threshold. The relative error of a spin near zero has no meaning: where the final spin is
among the leaves, the mean without it stands beside.
"""

import argparse
import logging
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from simulated_events import estimate_simulated

from chirpleaf.config import read_preset
from chirpleaf.diagnostics.errors import SPINS, relative_errors
from chirpleaf.models import load_model

LOGGER = logging.getLogger("paper_thresholds")
EDGES = (8.0, 12.0, 16.0, 20.0, 30.0, 50.0, 70.0, 100.0, 200.0, 400.0)


def main() -> None:
    """Print a table for each training."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trainings", type=Path, nargs="+", help="folders of trainings")
    parser.add_argument("--events", type=int, default=2048, help="events in each bin")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    bins = [f"{low:g}-{high:g}" for low, high in pairwise(EDGES)]
    for folder in arguments.trainings:
        preset = read_preset(folder / "preset.yaml")
        estimator = load_model(folder / f"{preset.name}.safetensors").leaves
        LOGGER.info(f"{preset.name}: the training stops below {preset.schedule.stop_below}")
        LOGGER.info(f"| leaf | | {' | '.join(bins)} |\n|---|---|{'---|' * len(bins)}")
        errors: dict[str, list[np.ndarray]] = {name: [] for name in estimator.quantities}
        for estimates, truth in estimate_simulated(preset, estimator, EDGES, arguments.events):
            for name, row in errors.items():
                row.append(relative_errors(estimates[name].numpy(), truth[name].numpy()))
        for name, row in errors.items():
            LOGGER.info(f"| {name} | mean | {' | '.join(f'{found.mean():.4f}' for found in row)} |")
            LOGGER.info(f"| {name} | median | {' | '.join(f'{np.median(found):.4f}' for found in row)} |")
        for label, left_out in {"all": frozenset(), "all but spins": SPINS}.items():
            kept = [row for name, row in errors.items() if name not in left_out]
            if label == "all" or len(kept) < len(errors):
                means = np.mean([[found.mean() for found in row] for row in kept], axis=0)
                LOGGER.info(f"| {label} | mean | {' | '.join(f'{mean:.4f}' for mean in means)} |")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
