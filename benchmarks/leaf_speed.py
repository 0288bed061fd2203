"""Latency of leaves for one event, from the input of the root to the estimates.

    OMP_NUM_THREADS=1 python benchmarks/leaf_speed.py

Sum of the networks for masses and remnant; Bayesian ones with 1,000 draws of the weights. All networks are built from
their presets with initial weights.
"""

import argparse
import logging
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path
from typing import cast

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
    "convolutional, deterministic": ("convolutional", "convolutional-remnant"),
    "convolutional, Bayesian, 1,000 draws": ("convolutional-bayesian", "convolutional-remnant-bayesian"),
    "published convolutional, deterministic": ("paper", "paper-remnant"),
}


def time_call(call: Callable[[], object], repeats: int = 200) -> float:
    """Measure the median duration of a call in ms, without the first calls."""
    times = []
    for _ in range(repeats + 10):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times[10:])


def make_network(architecture: Architecture) -> tuple[RootLeaves, Tokens]:
    """Make the network with initial weights, and its input for white noise."""
    leaves = architecture.build().eval()
    shape = (1, len(architecture.detectors), len(architecture.grid.frequencies))
    with torch.no_grad():
        seen = leaves.preprocess(torch.randn(shape, dtype=torch.complex64), torch.ones(shape))
    return cast(RootLeaves, leaves.network), seen.tokens


def predict(pair: list[tuple[RootLeaves, Tokens]]) -> None:
    """Posterior predictives of both networks."""
    for network, tokens in pair:
        network.predictive(tokens, WEIGHTS)


def estimate(pair: list[tuple[RootLeaves, Tokens]]) -> None:
    """Point estimates of both networks."""
    for network, tokens in pair:
        network.estimate(tokens)


@torch.no_grad()
def main() -> None:
    """Time the pairs of networks."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    LOGGER.info("| masses and remnant together | ms |\n|---|---|")
    for label, names in PAIRS.items():
        pair = [make_network(read_preset(PRESETS / f"{name}.yaml").architecture()) for name in names]
        work = predict if "Bayesian" in label else estimate
        LOGGER.info(f"| {label} | {time_call(partial(work, pair)):.2f} |")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
