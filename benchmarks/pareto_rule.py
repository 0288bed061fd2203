"""The verdict on importance weights: how often it refuses good posteriors, and passes wrong ones.

    OMP_NUM_THREADS=1 python benchmarks/pareto_rule.py --injections 300 --wrong 10 --noise 20 --out out/pareto-rule

Events are drawn from the prior of `bbh`, with network signal-to-noise ratio log-uniform in 8-50 and ensemble noise.
*Good*: certified as they are; refusals are counted by reason. *Wrong*: for the first events, the network is replaced by
proposals that are wrong on purpose in its normal coordinates (too narrow, shifted, cut at a quantile), each with a
component of 1 % over the prior, as the network has it. Sampling goes on as in certification, with and without draws of
a broadened proposal (`certify.coverage`). The error of a posterior is the largest difference of a distribution function
of chirp mass, mass ratio, chi_1 or chi_2 from that of the good posterior, at its quantiles of 5, 25, 50, 75 and 95 %.
*Noise*: data without a signal; how long certification takes until it is refused. Writes `pareto-rule.json` after each
event; a run that was stopped goes on from it.
"""

import argparse
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import norm

from chirpleaf.diagnostics.injections import inject, training_noise
from chirpleaf.inference.certify import Certified, CertifySettings, Target, certify
from chirpleaf.inference.certify.coverage import broaden
from chirpleaf.inference.certify.gaussian_mixture import GaussianMixture
from chirpleaf.inference.certify.mixture import MixtureProposal, fit_correction
from chirpleaf.inference.certify.pool import Pool
from chirpleaf.inference.certify.proposals import NetworkProposal, Proposal
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models import Model, load_model
from chirpleaf.models.normal import normal_coordinates
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.tail import GREATEST_PARETO_K, has_converged, hidden_share
from chirpleaf.result.weights import relative_weights, weighted_quantiles
from chirpleaf.system.deadline import NEVER

LOGGER = logging.getLogger("pareto_rule")
SETTINGS = CertifySettings()
SNR_RANGE = (8.0, 50.0)
NAMES = ("chirp_mass", "mass_ratio", "chi_1", "chi_2")
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
WRONG = 0.05
"""Error of a distribution function above which a posterior counts as wrong."""
BACKGROUND = 0.01
WIDTHS, SHIFTS, CUTS = (0.7, 0.5, 0.3), (1.0, 2.0, 3.0), (0.1, 0.3, 0.6)


@dataclass(frozen=True, eq=False)
class CutProposal:
    """A proposal without the draws whose first normal coordinate is below a quantile.

    Attributes:
        whole: standard normal in the network's normal coordinates.
        quantile: share of the draws that is missing.
    """

    whole: MixtureProposal
    quantile: float

    def sample(self, n: int, seed: int) -> Samples:
        """Draws intrinsic parameters, each of shape (n,)."""
        theta = self.whole.sample(int(1.2 * n / (1 - self.quantile)) + 200, seed)
        kept = np.flatnonzero(self._is_inside(theta))[:n]
        return {name: values[kept] for name, values in theta.items()}

    def log_prob(self, theta: Samples) -> np.ndarray:
        """ln of the density, shape (n,)."""
        return np.where(self._is_inside(theta), self.whole.log_prob(theta) - np.log1p(-self.quantile), -np.inf)

    def _is_inside(self, theta: Samples) -> np.ndarray:
        z = self.whole.coordinates(torch.from_numpy(self.whole.space.stack(theta)))[:, 0].numpy()
        return np.asarray(z > norm.ppf(self.quantile))


def make_wrong_proposals(observation: Observation) -> Iterator[tuple[str, Proposal]]:
    """Proposals that miss the posterior, with their names."""
    network = NetworkProposal(observation)
    normal = normal_coordinates(observation.model.posterior, observation.canonical)
    d = len(network.space)

    def gaussian(centre: float, width: float) -> MixtureProposal:
        means = np.eye(d)[:1] * centre
        return MixtureProposal(network.space, normal, GaussianMixture(np.zeros(1), means, width * np.eye(d)[None]))

    yield from ((f"too narrow by {width}", gaussian(0.0, width)) for width in WIDTHS)
    yield from ((f"shifted by {shift:g} sigma", gaussian(shift, 1.0)) for shift in SHIFTS)
    yield from ((f"{cut:.0%} cut off", CutProposal(gaussian(0.0, 1.0), cut)) for cut in CUTS)


def sample_wrong(observation: Observation, proposal: Proposal, target: Target, coverage: bool, seed: int) -> Pool:
    """Draws from a wrong proposal, as certification draws from the network."""
    network, sampling = NetworkProposal(observation), SETTINGS.sampling
    theta = proposal.sample(sampling.first_draws, seed)
    weigher = Weigher.prepare(observation, observation.segment, 0.0, target, theta, SETTINGS, seed)
    pool, d = Pool(weigher, SETTINGS), len(network.space)
    standard = GaussianMixture(np.zeros(1), np.zeros((1, d)), np.eye(d)[None])
    prior = MixtureProposal(network.space, network.space.bijection, standard)
    pool.add(prior, int(BACKGROUND * SETTINGS.effective_samples), background=True)
    pool.add(proposal, theta)
    if coverage:
        known = fit_correction(observation, theta, np.zeros(sampling.first_draws), SETTINGS.mixture, seed)
        draws = int(sampling.coverage_share * SETTINGS.effective_samples)
        pool.add(broaden(known, sampling.coverage_scale), draws, background=True)

    def refit(draws: Samples, log_weight: np.ndarray) -> Proposal:
        return fit_correction(observation, draws, log_weight, SETTINGS.mixture, seed)

    pool.fill(0, SETTINGS.effective_samples, refit, NEVER)
    return pool


def measure_error(samples: Samples, log_weight: np.ndarray, good: Certified) -> float:
    """Largest difference of the distribution functions of two weighted posteriors."""
    weight, reference = relative_weights(log_weight), relative_weights(good.log_weight)
    errors = []
    for name in NAMES:
        levels = weighted_quantiles(good.samples[name], LEVELS, reference)
        below = [weight[samples[name] <= level].sum() / weight.sum() for level in levels]
        errors.append(np.abs(np.array(below) - LEVELS).max())
    return float(max(errors))


def describe(certificate: Certificate) -> dict[str, Any]:
    """The numbers that the verdict needs."""
    hidden = hidden_share(certificate.pareto_k, certificate.largest_weight)
    return certificate.to_json() | {"reasons": certificate.reasons, "hidden": min(hidden, 9.0)}


def examine_wrong(observation: Observation, good: Certified, target: Target, seed: int) -> list[dict[str, Any]]:
    """All wrong proposals of one event, with and without coverage."""
    rows = []
    for name, proposal in make_wrong_proposals(observation):
        for coverage in (False, True):
            start = time.perf_counter()
            pool = sample_wrong(observation, proposal, target, coverage, seed)
            found = pool.diagnostics
            enough = found.effective_samples >= SETTINGS.effective_samples
            row = {
                "proposal": name,
                "coverage": coverage,
                "error": measure_error(pool.draws.samples, pool.log_weight, good),
                "passed": enough and has_converged(found.pareto_k, found.largest_weight, pool.size),
                "passed_by_k": enough and found.pareto_k <= GREATEST_PARETO_K,
                "pareto_k": found.pareto_k,
                "largest_weight": found.largest_weight,
                "effective_samples": found.effective_samples,
                "draws": pool.size,
                "stopped": pool.stopped,
                "seconds": time.perf_counter() - start,
            }
            LOGGER.info(f"  {row}")
            rows.append(row)
    return rows


def certify_noise(model: Model, target: Target, seed: int, index: int) -> dict[str, Any]:
    """Certification of data that hold a signal of negligible amplitude."""
    rng = np.random.default_rng([seed, index, 1])
    injection = inject(model, training_noise(model), rng, snr_range=(0.01, 0.011))
    start = time.perf_counter()
    observation = refine_reference_time(model, injection.segment)
    found = certify(observation, observation.segment, 0.0, target, SETTINGS, seed=index).certificate
    row = describe(found) | {"snr": observation.snr, "seconds": time.perf_counter() - start}
    LOGGER.info(
        f"noise {index}: found {observation.snr:.1f}, ln B {found.log_bayes_factor:.1f}, {found.draws} draws, "
        f"{found.effective_samples:.0f} effective, {found.stopped}, {row['seconds']:.1f} s"
    )
    return row


def summarise(rows: dict[str, list[dict[str, Any]]]) -> None:
    """Logs the tables."""
    good, n = rows["good"], len(rows["good"])
    refused = [row for row in good if row["reasons"]]
    tail = [row for row in good if any("heavy tail" in one or "single draw" in one for one in row["reasons"])]
    heavy = sum((row["pareto_k"] or 9.0) > GREATEST_PARETO_K for row in good)
    LOGGER.info(f"good: {n}; refused {len(refused)}, of which for the tail {len(tail)}; Pareto k above 0.7: {heavy}")
    for row in refused:
        LOGGER.info(f"  SNR {row['injected_snr']:.1f}: {'; '.join(row['reasons'])}")
    LOGGER.info("| proposal | coverage | n | wrong | of these passed | by k alone | largest error passed | draws |")
    LOGGER.info("|---|---|---|---|---|---|---|---|")
    for name in dict.fromkeys(row["proposal"] for row in rows["wrong"]):
        for coverage in (False, True):
            some = [row for row in rows["wrong"] if row["proposal"] == name and row["coverage"] == coverage]
            wrong = [row for row in some if row["error"] > WRONG]
            passed = max((row["error"] for row in some if row["passed"]), default=0.0)
            counts = " | ".join(str(sum(row[key] for row in wrong)) for key in ("passed", "passed_by_k"))
            draws = np.median([row["draws"] for row in some])
            LOGGER.info(
                f"| {name} | {'yes' if coverage else 'no'} | {len(some)} | {len(wrong)} | {counts} | {passed:.3f} "
                f"| {draws:.0f} |"
            )
    if rows["noise"]:
        seconds, draws = (np.array([row[key] for row in rows["noise"]]) for key in ("seconds", "draws"))
        LOGGER.info(f"noise: seconds {np.quantile(seconds, (0.5, 1)).round(1)}, draws {np.quantile(draws, (0.5, 1))}")


def main() -> None:
    """Certify all events and summarise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in {"injections": 300, "wrong": 10, "noise": 20, "seed": 17}.items():
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    model = load_model("bbh")
    target = Target(model.architecture.space.prior, PowerLaw(2.0, 10.0, 10_000.0))
    path = arguments.out / "pareto-rule.json"
    rows: dict[str, list[dict[str, Any]]] = {"good": [], "wrong": [], "noise": []}
    if path.is_file():
        rows = json.loads(path.read_text())
    for index in range(len(rows["noise"]), arguments.noise):
        rows["noise"].append(certify_noise(model, target, arguments.seed, index))
        path.write_text(json.dumps(rows))
    for index in range(len(rows["good"]), arguments.injections):
        rng = np.random.default_rng([arguments.seed, index])
        injection = inject(model, training_noise(model), rng, snr_range=SNR_RANGE)
        start = time.perf_counter()
        observation = refine_reference_time(model, injection.segment)
        good = certify(observation, observation.segment, 0.0, target, SETTINGS, seed=index)
        row = describe(good.certificate) | {"injected_snr": injection.snr, "seconds": time.perf_counter() - start}
        rows["good"].append(row)
        LOGGER.info(
            f"{index}: SNR {injection.snr:.1f}, efficiency {row['efficiency']:.3f}, k {row['pareto_k']:.2f}, hidden "
            f"{row['hidden']:.4f}, {row['draws']} draws, {row['seconds']:.1f} s {row['reasons']}"
        )
        if index < arguments.wrong and not row["reasons"]:
            found = examine_wrong(observation, good, target, index + 1000)
            rows["wrong"] += [one | {"event": index} for one in found]
        path.write_text(json.dumps(rows))
    summarise(rows)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
