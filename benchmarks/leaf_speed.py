"""Time that leaves take for one event, from what their root sees to their answer.

    OMP_NUM_THREADS=1 python benchmarks/leaf_speed.py

Deterministic networks of masses and remnant one after the other; Bayesian ones with a thousand draws of the weights.
Convolutional networks are as their presets say, with fresh weights where none are shipped.
"""

import argparse
import logging
import statistics
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import torch

from chirpleaf.config import read_preset
from chirpleaf.inference.leaves import WEIGHTS
from chirpleaf.models.architecture import Architecture
from chirpleaf.networks.leaves import RootLeaves
from chirpleaf.tokens import Tokens

LOGGER = logging.getLogger("leaf_speed")
PRESETS = Path(str(resources.files("chirpleaf.training"))) / "presets"
PAIRS = {
    "canonical, deterministic": ("canonical", "remnant"),
    "canonical, Bayesian, 1,000 draws": ("masses-bayesian", "remnant-bayesian"),
    "compact convolutional, deterministic": ("compact", "compact-remnant"),
    "published convolutional, deterministic": ("paper", "paper-remnant"),
}


def milliseconds(call: Callable[[], object], repeats: int = 200) -> float:
    """Median time of a call, the first ones left out."""
    times = []
    for _ in range(repeats + 10):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times[10:])


def network(architecture: Architecture) -> tuple[RootLeaves, Tokens]:
    """The network with fresh weights, and what it sees of one event."""
    leaves = architecture.build()
    if leaves.series is None:
        layout = leaves.canonical.layout
        values = torch.randn(1, layout.n_detectors, sum(layout.sections))
        return leaves.network.eval(), Tokens.from_values(values)._replace(shared=torch.zeros(1, layout.n_shared))
    series = torch.randn(1, len(architecture.detectors), leaves.series.n_samples)
    return leaves.network.eval(), Tokens.from_values(series)


@torch.no_grad()
def main() -> None:
    """Times the pairs."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    LOGGER.info("| masses and remnant together | ms |\n|---|---|")
    for label, names in PAIRS.items():
        pair = [network(read_preset(PRESETS / f"{name}.yaml").architecture()) for name in names]
        if "Bayesian" in label:
            took = milliseconds(lambda pair=pair: [one.predictive(x, WEIGHTS) for one, x in pair])
        else:
            took = milliseconds(lambda pair=pair: [one.estimate(x) for one, x in pair])
        LOGGER.info(f"| {label} | {took:.2f} |")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
