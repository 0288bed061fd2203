"""Certification of GW150914 with precession and higher modes, compared with a reference by bilby's likelihood.

    python benchmarks/precessing_reference.py GW150914_fd.npz GW150914_xphm.csv

The first file has strain and noise of the reference analysis (`f`, `h_H1`, `h_L1`, `psd_H1`, `psd_L1`, `tstart`, `t0`:
4 s, 20-1024 Hz); the second its weighted samples: bilby's fifteen parameters, `log_likelihood_ratio`, `weight`. Without
`--model`, no network takes part: the first proposal is a mixture fitted to the reference in the coordinates of the
precessing space, which is what any proposal must reach; the second is fitted to the draws of the first.

With `--model FILE`, that network proposes from the embedded data of the event, the likelihood is that of the data of
the reference, and the efficiency of the network's own draws is printed before the certification.

Prints the difference of the likelihood on every frequency, and of the heterodyned one, from bilby's at samples of the
reference; ln of the Bayes factor, efficiency, effective points and time of each round; and the Jensen-Shannon
divergence of every parameter, beside that of two halves of the reference.
"""

import argparse
import logging
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from chirpleaf.diagnostics.comparison import jensen_shannon
from chirpleaf.inference import load_candidates, prepare
from chirpleaf.inference.certify import CertifySettings, Target, certify
from chirpleaf.inference.certify.draws import EvaluatedDraws
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.certify.mixture import MixtureProposal
from chirpleaf.inference.certify.proposals import NetworkProposal, Proposal
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.physics.derived import derived
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.signals import Multimode
from chirpleaf.physics.spaces import precessing_space
from chirpleaf.physics.spin_angles import SPIN_ANGLES, from_spin_angles
from chirpleaf.result.weights import effective_sample_size, relative_weights
from chirpleaf.strain.segment import Segment

LOGGER = logging.getLogger("precessing_reference")
STANDARD = PrecessingPrior(
    mass_min=1.0, mass_max=400.0, mass_ratio_min=0.125, chirp_mass_min=10.0, chirp_mass_max=100.0
)
"""Prior of the reference analysis: component masses are limited by chirp mass and mass ratio only."""
PLACE = ("luminosity_distance", "psi", "phase", "ra", "dec", "geocent_time")
COMPARED = ("chirp_mass", "mass_ratio", *SPIN_ANGLES, *PLACE, "chi_eff", "chi_p")
Samples = dict[str, np.ndarray]


def read_segment(path: Path) -> Segment:
    """Read the data of the reference analysis, about the trigger time."""
    with np.load(path) as stored:
        inside = (stored["f"] >= 20.0) & (stored["f"] <= 1024.0)
        strain, psd = (np.stack([stored[f"{kind}_{name}"][inside] for name in ("H1", "L1")]) for kind in ("h", "psd"))
        start, trigger = float(stored["tstart"]), float(stored["t0"])
        frequencies = stored["f"][inside]
    return Segment(("H1", "L1"), strain, psd, frequencies, 4.0, start).with_reference_time(trigger)


def compare_likelihoods(weigher: Weigher, reference: Samples, nine: Samples, n: int) -> None:
    """Print differences from bilby's likelihood at samples of the reference."""
    rows = np.random.default_rng(0).choice(len(nine["chirp_mass"]), n, replace=False)
    own, segment = {name: values[rows] for name, values in nine.items()}, weigher.segment
    place = {name: reference[name][rows] for name in (*PLACE, "theta_jn")}
    exact, _ = log_likelihood_ratio(segment, {**own, **place}, weigher.signal)
    fast = weigher.log_likelihood({**own, **place}, weigher.settings.heterodyne)
    nodes = len(weigher.marginal.heterodyne.frequencies)
    for label, found in (("every frequency", exact), (f"{nodes} nodes", fast)):
        difference = found - reference["log_likelihood_ratio"][rows]
        LOGGER.info(
            f"ln L on {label} less bilby's at {n} samples: mean {difference.mean():.4f}, "
            f"standard deviation {difference.std():.4f}, largest {np.abs(difference).max():.4f}"
        )


def weigh(weigher: Weigher, proposal: Proposal, n: int, seed: int) -> tuple[EvaluatedDraws, np.ndarray]:
    """Weigh draws of a proposal, and print their diagnostics."""
    theta = proposal.sample(n, seed)
    log_prob = proposal.log_prob(theta)
    start, busy = time.perf_counter(), time.process_time()
    draws = weigher.weigh(theta, log_prob, seed * n)
    busy, wall = time.process_time() - busy, time.perf_counter() - start
    log_weight = draws.log_target - log_prob
    weight = relative_weights(log_weight)
    effective = effective_sample_size(weight)
    evidence = np.log(np.mean(weight)) + log_weight.max()
    points = effective_sample_size(relative_weights(draws.directions[:, 2]))
    LOGGER.info(
        f"{n} draws: ln B {evidence:.3f} +- {np.sqrt((n / effective - 1) / n):.3f}, efficiency {effective / n:.3f}, "
        f"{effective:.0f} effective draws, {points:.0f} effective points of {len(draws.directions)}, "
        f"{weigher.points} points a round, error of ln L {np.average(draws.error, weights=weight):.3f}, "
        f"{int(draws.failed.sum())} failed, {1e3 * busy / n:.2f} ms of CPU a draw, {wall:.0f} s of wall time"
    )
    return draws, log_weight


def print_divergences(samples: Samples, weight: np.ndarray, reference: Samples) -> None:
    """Print the divergence of each parameter."""
    rng, own = np.random.default_rng(0), reference["weight"]
    LOGGER.info("| parameter | JS divergence | of halves of the reference |")
    LOGGER.info("|---|---|---|")
    for name in COMPARED:
        theirs = reference[name]
        found = jensen_shannon(samples[name], theirs, weights_a=weight, weights_b=own)
        halves = []
        for _ in range(10):
            first = rng.random(len(theirs)) < 0.5
            halves.append(jensen_shannon(theirs[first], theirs[~first], weights_a=own[first], weights_b=own[~first]))
        LOGGER.info(f"| {name} | {found:.4f} | {np.mean(halves):.4f} +- {np.std(halves):.4f} |")


def certify_network(
    model: str, segment: Segment, target: Target, settings: CertifySettings, draws: int, reference: Samples
) -> None:
    """Weigh draws of a network, certify, and compare."""
    data = prepare(load_candidates(model), "GW150914")
    observation, trigger = data.observation, segment.reference_time
    segment = segment.with_reference_time(observation.segment.reference_time)
    network = NetworkProposal(observation)
    weigher = Weigher.prepare(observation, segment, trigger, target, network.sample(draws, 0), settings, 0)
    LOGGER.info("the network's own draws:")
    weigh(weigher, network, draws, 1)
    start = time.perf_counter()
    found = certify(observation, segment, trigger, target, settings)
    one = found.certificate
    LOGGER.info(
        f"certified in {time.perf_counter() - start:.1f} s: ln B {one.log_bayes_factor:.3f} +- "
        f"{one.log_bayes_factor_error:.3f}, efficiency {one.efficiency:.3f}, {one.effective_samples:.0f} effective "
        f"samples, {one.effective_points:.0f} points, {one.effective_pairs:.0f} pairs, Pareto k {one.pareto_k:.2f}"
    )
    print_divergences(found.samples, relative_weights(found.log_weight), reference)


def main() -> None:
    """Certify and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("samples", type=Path)
    parser.add_argument("--model", help="a model of precessing spins, by name or file")
    parser.add_argument("--draws", type=int, default=8192)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--marginal-error", type=float, default=CertifySettings().extrinsic.harmonics.error)
    parser.add_argument("--dephasing", type=float, default=CertifySettings().heterodyne.dephasing)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    table = np.genfromtxt(arguments.samples, delimiter=",", names=True)
    reference = {name: np.array(table[name]) for name in table.dtype.names or ()}
    segment, space, defaults = read_segment(arguments.data), precessing_space(STANDARD), CertifySettings()
    settings = replace(
        defaults,
        extrinsic=replace(
            defaults.extrinsic, harmonics=replace(defaults.extrinsic.harmonics, error=arguments.marginal_error)
        ),
        heterodyne=replace(defaults.heterodyne, dephasing=arguments.dephasing),
    )
    nine = from_spin_angles(reference, 20.0)
    signal = Multimode()
    target = Target(STANDARD, waveform=signal.waveform, prior="standard")
    if arguments.model:
        settings = replace(settings, minimum_draws=arguments.draws)
        certify_network(arguments.model, segment, target, settings, arguments.draws, reference)
        return
    log_weight = np.log(reference["weight"])
    proposal = MixtureProposal.fit(space, space.bijection, nine, log_weight, settings.mixture, 0)
    likely = np.argsort(-reference["log_likelihood_ratio"])
    weigher = Weigher.about(likely, segment, segment.reference_time, target, nine, signal, space, settings, seed=0)
    compare_likelihoods(weigher, reference, nine, 200)
    for turn in range(arguments.rounds):
        draws, log_weight = weigh(weigher, proposal, arguments.draws, seed=turn + 1)
        own = {name: draws.samples[name] for name in space.names}
        proposal = MixtureProposal.fit(space, space.bijection, own, log_weight, settings.mixture, turn)
    print_divergences({**draws.samples, **derived(draws.samples)}, np.exp(log_weight - log_weight.max()), reference)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
