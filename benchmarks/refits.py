"""Efficiency of mixtures fitted to weighted draws of the network, in two kinds of coordinates.

    OMP_NUM_THREADS=1 python benchmarks/refits.py --model bbh-long --injections 30

Events are as in `certify_injections.py`. The 2,048 draws of the network for each event are weighted by the likelihood.
One mixture is fitted to them in unconstrained coordinates, another in the coordinates in which the network's posterior
is standard normal. The weights of 1,024 draws of each mixture use the density of this mixture alone.
"""

import argparse
import logging

import numpy as np
import torch
from certify_injections import SNR_RANGE
from torch.distributions.transforms import Transform

from chirpleaf.diagnostics.injections import inject
from chirpleaf.inference.certify import Target
from chirpleaf.inference.certify.importance import Weighing
from chirpleaf.inference.certify.proposals import MixtureProposal, NetworkProposal
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models import load_model
from chirpleaf.models.normal import normal_coordinates
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.strain.noise import EnsembleNoise

LOGGER = logging.getLogger("refits")
FIRST, MORE = 2048, 1024
DEPHASING = 0.6


def main() -> None:
    """Fit the mixtures and print their efficiency."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="bbh-long")
    parser.add_argument("--injections", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(arguments.model)
    target = Target(model.architecture.prior, PowerLaw(2.0, 10.0, 10_000.0))
    found: dict[str, list[float]] = {"network": [], "support": [], "normal": []}
    for index in range(arguments.injections):
        rng = np.random.default_rng([arguments.seed, index])
        observation = refine_reference_time(model, inject(model, EnsembleNoise(), rng, snr_range=SNR_RANGE).segment)
        network = NetworkProposal(observation)
        theta = network.draw(FIRST, index)
        weigher = Weigher.ready(observation, observation.segment, 0.0, target, theta, DEPHASING, index)
        log_prob = network.log_prob(theta)
        log_weight = weigher.weigh(theta, log_prob, 0).log_target - log_prob
        found["network"].append(Weighing.of(log_weight).efficiency)
        ways: dict[str, Transform] = {
            "support": model.posterior.space.bijection,
            "normal": normal_coordinates(model.posterior, observation.canonical),
        }
        for name, coordinates in ways.items():
            mixture = MixtureProposal.fitted(coordinates, theta, log_weight, index)
            draws = mixture.draw(MORE, index)
            density = mixture.log_prob(draws)
            weighing = Weighing.of(weigher.weigh(draws, density, FIRST).log_target - density)
            found[name].append(weighing.efficiency)
        LOGGER.info(f"{index}: " + ", ".join(f"{name} {values[-1]:.3f}" for name, values in found.items()))
    LOGGER.info("| proposal | median efficiency | 10th percentile |\n|---|---|---|")
    for name, values in found.items():
        tenth, median = np.quantile(values, (0.1, 0.5))
        LOGGER.info(f"| {name} | {median:.2f} | {tenth:.2f} |")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
