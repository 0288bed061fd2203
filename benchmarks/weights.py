"""Effective fraction of the examples of a batch, for two normalisations of their weights.

    OMP_NUM_THREADS=1 python benchmarks/weights.py

Prints the effective fraction (sum w)^2 / (N sum w^2) and the ratio of the largest weight to the mean. Weights are
divided by the weight at the chirp mass of the best template, or by the norm that accounts for templates selected by
noise (`training.banks.proposal`).
"""

import logging
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import torch

from chirpleaf.config import read_preset
from chirpleaf.result.weights import effective_sample_size
from chirpleaf.training.banks.proposal import StratifiedProposal
from chirpleaf.training.data import build_simulator

LOGGER = logging.getLogger("weights")
PRESETS = Path(str(resources.files("chirpleaf.training"))) / "presets"
BATCHES = 16


class ByTemplate(StratifiedProposal):
    """Norm that ignores the selection of templates by noise."""

    def log_norm(self, found: np.ndarray, snr: np.ndarray) -> np.ndarray:
        """Compute ln w at the chirp mass of the best template."""
        return self.log_weight(found)


def main() -> None:
    """Print a row for each preset and norm."""
    torch.set_num_threads(1)
    LOGGER.info("| preset | norm | effective fraction | largest weight / mean |")
    for name in ("bbh", "bbh-long"):
        settings = read_preset(PRESETS / f"{name}.yaml")
        architecture = settings.architecture()
        few = replace(settings.simulation, waveforms=8192, spectra=512, fresh=0)
        simulator = build_simulator(architecture, architecture.build(), few, seed=7)
        for rule in (ByTemplate, StratifiedProposal):
            ruled = replace(simulator, proposal=rule(architecture.prior))
            weight = torch.cat([ruled.batch(index).weight for index in range(BATCHES)]).numpy()
            share = effective_sample_size(weight) / len(weight)
            LOGGER.info(f"| {name} | {rule.__name__} | {share:.3f} | {weight.max() / weight.mean():.1f} |")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
