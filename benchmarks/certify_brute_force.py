"""Comparison of the marginal likelihood with plain Monte Carlo integration over the extrinsic prior, for GW150914.

    OMP_NUM_THREADS=1 python benchmarks/certify_brute_force.py GW150914_fd.npz --draws 3 --minutes 2

Uses a few draws of the network, and the data and the waveform of `certify_reference.py`. Monte Carlo points have
isotropic sky positions, inclination and polarisation from their priors, and arrival times within 1.5 ms in the loudest
detector; there is no adaptive proposal. Prints both values of ln L, and the posterior fraction with theta_jn below
90 degrees, a separate mode.
"""

import argparse
import logging
import time
from pathlib import Path

import numpy as np
import torch
from certify_reference import STANDARD, prepare_observation, read_segment

from chirpleaf.inference.certify import CertifySettings, Target
from chirpleaf.inference.certify.extrinsics import Places, Points
from chirpleaf.inference.certify.likelihood_settings import HeterodyneSettings
from chirpleaf.inference.certify.marginal import Pairs, draw_sobol_points
from chirpleaf.inference.certify.proposals import NetworkProposal
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.physics.waveform_settings import WaveformSettings

LOGGER = logging.getLogger("certify_brute_force")
HALF_WIDTH = 0.0015
CHUNK = 40_000


def sample_prior_points(weigher: Weigher, rng: np.random.Generator) -> tuple[Points, np.ndarray]:
    """Sample prior points with the first arrival in a window, and select those with a compatible second arrival."""
    proposal, arrivals = weigher.marginal.proposal, weigher.marginal.heterodyne.arrivals
    first, gmst = proposal.network.detectors[proposal.first], proposal.network.gmst
    ra, dec = rng.uniform(0, 2 * np.pi, CHUNK), np.arcsin(rng.uniform(-1, 1, CHUNK))
    theta_jn, psi = np.arccos(rng.uniform(-1, 1, CHUNK)), rng.uniform(0, np.pi, CHUNK)
    at_first = arrivals[proposal.first] + rng.uniform(-HALF_WIDTH, HALF_WIDTH, CHUNK)
    at_centre = at_first - first.time_delay(ra, dec, gmst)
    at_second = at_centre + proposal.second.time_delay(ra, dec, gmst)
    near = np.abs(at_second - arrivals[1 - proposal.first]) < 0.002
    early, late = proposal.time_prior
    log_weight = np.full(near.sum(), np.log(2 * HALF_WIDTH / (late - early)))
    chosen = Places(ra[near], dec[near], theta_jn[near], psi[near], at_centre[near])
    n = len(log_weight)
    return Points(*chosen, log_weight, np.zeros((n, 4)), np.zeros(n), np.zeros((n, 2))), near


def sum_small_inclinations(pairs: Pairs, row: int) -> tuple[float, float]:
    """Sum the weights of all points and of points with theta_jn below 90 degrees, both divided by exp(ln L)."""
    weight = (pairs.log_weight[row].double() - float(pairs.log_likelihood[row])).exp().numpy()
    return float(weight.sum()), float(weight[pairs.points.theta_jn < np.pi / 2].sum())


def main() -> None:
    """Compare ln L and the fraction of theta_jn below 90 degrees."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=2.0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    observation = prepare_observation()
    segment, trigger = read_segment(arguments.data, observation.segment.reference_time)
    target = Target(STANDARD, waveform=WaveformSettings("IMRPhenomD"))
    theta = NetworkProposal(observation).sample(2048, 0)
    settings = CertifySettings(heterodyne=HeterodyneSettings(dephasing=0.3))
    weigher = Weigher.prepare(observation, segment, trigger, target, theta, settings, 0)
    heterodyne, marginal = weigher.marginal.heterodyne, weigher.marginal
    some = {name: values[: arguments.draws] for name, values in theta.items()}
    ratios, _ = heterodyne.align(heterodyne.compute_ratios(some))
    found = [marginal.pair(ratios, draw_sobol_points(16_384, 0, turn)) for turn in range(8)]
    rng, start, tried = np.random.default_rng(0), time.perf_counter(), 0
    total, squares, turned = np.zeros((3, arguments.draws))
    level = np.array([float(value) for value in found[0].log_likelihood])
    while time.perf_counter() - start < 60 * arguments.minutes:
        points, near = sample_prior_points(weigher, rng)
        weight = (
            (marginal.pair_with(ratios, points).log_weight.double() - torch.from_numpy(level)[:, None]).exp().numpy()
        )
        tried += len(near)
        total, squares = total + weight.sum(axis=1), squares + (weight**2).sum(axis=1)
        turned += weight[:, points.theta_jn < np.pi / 2].sum(axis=1)
    LOGGER.info(
        f"{tried:.3g} points of the prior, effective number {', '.join(f'{n:.0f}' for n in total**2 / squares)}"
    )
    LOGGER.info("| draw | ln L | Monte Carlo | fraction below 90 degrees | Monte Carlo |\n|---|---|---|---|---|")
    for row in range(arguments.draws):
        ours = np.mean([float(pairs.log_likelihood[row]) for pairs in found])
        sums = np.sum([sum_small_inclinations(pairs, row) for pairs in found], axis=0)
        brute, error = level[row] + np.log(total[row] / tried), np.sqrt(squares[row]) / total[row]
        LOGGER.info(
            f"| {row} | {ours:.3f} | {brute:.3f} +- {error:.3f} | {sums[1] / sums[0]:.4f} | "
            f"{turned[row] / total[row]:.4f} |"
        )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
