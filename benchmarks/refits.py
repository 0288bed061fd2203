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

from chirpleaf.diagnostics.injections import inject, training_noise
from chirpleaf.inference.certify import CertifySettings, Target
from chirpleaf.inference.certify.importance import ImportanceDiagnostics
from chirpleaf.inference.certify.mixture import MixtureProposal
from chirpleaf.inference.certify.proposals import NetworkProposal
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models import load_model
from chirpleaf.models.normal import normal_coordinates
from chirpleaf.physics.distributions import PowerLaw

LOGGER = logging.getLogger("refits")
FIRST, MORE = 2048, 1024
SETTINGS = CertifySettings()


def main() -> None:
    """Fit the mixtures and print their efficiency."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="bbh-long")
    parser.add_argument("--injections", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(arguments.model)
    target = Target(model.architecture.space.prior, PowerLaw(2.0, 10.0, 10_000.0))
    found: dict[str, list[float]] = {"network": [], "support": [], "normal": []}
    for index in range(arguments.injections):
        rng = np.random.default_rng([arguments.seed, index])
        injection = inject(model, training_noise(model), rng, snr_range=SNR_RANGE)
        observation = refine_reference_time(model, injection.segment)
        network = NetworkProposal(observation)
        theta = network.sample(FIRST, index)
        weigher = Weigher.prepare(observation, observation.segment, 0.0, target, theta, SETTINGS, index)
        log_prob = network.log_prob(theta)
        log_weight = weigher.weigh(theta, log_prob, 0).log_target - log_prob
        found["network"].append(ImportanceDiagnostics.from_log_weights(log_weight).efficiency)
        ways: dict[str, Transform] = {
            "support": model.posterior.space.bijection,
            "normal": normal_coordinates(model.posterior, observation.canonical),
        }
        for name, coordinates in ways.items():
            mixture = MixtureProposal.fit(network.space, coordinates, theta, log_weight, SETTINGS.mixture, index)
            draws = mixture.sample(MORE, index)
            density = mixture.log_prob(draws)
            log_weight_again = weigher.weigh(draws, density, FIRST).log_target - density
            found[name].append(ImportanceDiagnostics.from_log_weights(log_weight_again).efficiency)
        LOGGER.info(f"{index}: " + ", ".join(f"{name} {values[-1]:.3f}" for name, values in found.items()))
    LOGGER.info("| proposal | median efficiency | 10th percentile |\n|---|---|---|")
    for name, values in found.items():
        tenth, median = np.quantile(values, (0.1, 0.5))
        LOGGER.info(f"| {name} | {median:.2f} | {tenth:.2f} |")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
