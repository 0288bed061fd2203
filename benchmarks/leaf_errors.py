"""Errors of leaves compared with those of the joint density, on the same simulated events, by signal-to-noise ratio.

    OMP_NUM_THREADS=1 python benchmarks/leaf_errors.py --joint bbh --leaves masses remnant --out out/leaf-errors

Events are drawn from the prior and the noise of the first model of leaves, in the detectors that all models take, the
same number in each bin of network signal-to-noise ratio. All models analyse the same segments. The estimate of the
joint density is the posterior median. Writes `errors.json` and a figure for each quantity; prints the median errors,
and those of convolutional roots divided by those of canonical ones.
"""

import argparse
import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from scipy.stats import bootstrap

from chirpleaf.diagnostics.binning import bin_indices
from chirpleaf.diagnostics.errors import SPINS, absolute_errors, relative_errors, tabulate_errors
from chirpleaf.diagnostics.injections import inject, training_noise
from chirpleaf.inference.amortised import sample_posterior
from chirpleaf.inference.observation import canonicalise
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models import Model, load_model
from chirpleaf.physics.derived import derived
from chirpleaf.plots.errors import plot_errors
from chirpleaf.strain.segment import Segment

LOGGER = logging.getLogger("leaf_errors")
EDGES = (8.0, 12.0, 16.0, 20.0, 30.0, 40.0, 50.0)
LIMITED = (20.0, 30.0)
"""Range of signal-to-noise ratios for which medians are printed with their standard errors."""
PUBLISHED = {"mass_1": 0.026, "mass_2": 0.026, "omega_r": 0.0016, "omega_i": 0.0016}
"""Relative error at which the published training stops, for masses and remnant; a mean over its test set."""


def main() -> None:
    """Simulate, estimate and summarise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--joint", default="bbh")
    parser.add_argument("--leaves", nargs="+", required=True)
    parser.add_argument("--injections", type=int, default=1000, help="events per bin")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    joint, leaves = load_model(arguments.joint), [load_model(name) for name in arguments.leaves]
    names = dict.fromkeys(name for model in leaves for name in model.leaves.targets.names)
    widest = max((joint, *leaves), key=lambda model: len(model.architecture.grid.native_frequencies))
    prior, noise = leaves[0].architecture.prior, training_noise(leaves[0])
    detectors = tuple(
        name for name in leaves[0].detectors if all(name in model.detectors for model in (joint, *leaves))
    )
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for place, snr_range in enumerate(pairwise(EDGES)):
        for index in range(arguments.injections):
            rng = np.random.default_rng([arguments.seed, place, index])
            injection = inject(widest, noise, rng, snr_range=snr_range, prior=prior, detectors=detectors)
            truth = derived({name: np.array([value]) for name, value in injection.truth.items()})
            observation = refine_reference_time(joint, restrict_frequencies(injection.segment, joint))
            segment = injection.segment.with_reference_time(observation.segment.reference_time)
            samples, _ = sample_posterior(observation, arguments.samples, seed=index)
            found["truth"]["snr"].append(injection.snr)
            for name in names:
                found["truth"][name].append(float(truth[name][0]))
                found[f"{joint.name}, median"][name].append(float(np.median(samples[name])))
            for model in leaves:
                seen = canonicalise(model, [restrict_frequencies(segment, model)])
                for name, value in model.leaves.estimate(seen).items():
                    found[describe(model)][name].append(float(value))
        LOGGER.info(f"signal-to-noise {snr_range[0]:g}-{snr_range[1]:g}: {arguments.injections} events")
    (arguments.out / "errors.json").write_text(json.dumps(found))
    print_report(found, list(names), arguments.out)


def restrict_frequencies(segment: Segment, model: Model) -> Segment:
    """Restrict a segment to the frequencies of a model's grid."""
    kept = np.isin(segment.frequencies, model.architecture.grid.native_frequencies)
    return replace(
        segment, strain=segment.strain[:, kept], psd=segment.psd[:, kept], frequencies=segment.frequencies[kept]
    )


def describe(model: Model) -> str:
    """Describe a network for tables, with the same text for masses and remnant."""
    kind = "convolutional" if model.architecture.series else "canonical"
    return f"{kind} root, {'Bayesian' if model.estimator.has_interval_widths else 'deterministic'}"


def print_report(found: dict[str, dict[str, list[float]]], names: list[str], out: Path) -> None:
    """Print a row for each quantity and network, and draw a figure for each quantity."""
    truth = found.pop("truth")
    curves: dict[str, dict[str, tuple[float | None, ...]]] = {name: {} for name in names}
    for network, estimates in found.items():
        table = tabulate_errors(estimates, truth, truth["snr"], EDGES)
        for name, row in table.parameters.items():
            curves[name][network] = row.medians
    LOGGER.info(f"| quantity | network | {' | '.join(table.bins)} |\n|---|---|{'---|' * len(table.bins)}")
    for name, by_network in curves.items():
        for network, medians in by_network.items():
            LOGGER.info(f"| {name} | {network} | {' | '.join(f'{median:.3f}' for median in medians)} |")
        kind = "absolute" if name in SPINS else "relative"
        published = {"published (mean)": PUBLISHED[name]} if name in PUBLISHED else None
        figure = plot_errors(table.bins, by_network, error_label=f"median {kind} error of {name}", levels=published)
        figure.savefig(out / f"{name}.png", dpi=110)
    snr = np.array(truth["snr"])
    inside = (snr >= LIMITED[0]) & (snr < LIMITED[1])
    for name, by_network in curves.items():
        for network in by_network:
            away = absolute_errors if name in SPINS else relative_errors
            errors = away(found[network][name], truth[name])[inside]
            spread = bootstrap((errors,), np.median, n_resamples=999, method="percentile", rng=0).standard_error
            LOGGER.info(f"{name}, {network}, {LIMITED[0]:g}-{LIMITED[1]:g}: {np.median(errors):.4f} +- {spread:.4f}")
    print_ratios(found, truth, names, table.bins)


def print_ratios(
    found: dict[str, dict[str, list[float]]], truth: dict[str, list[float]], names: list[str], bins: Sequence[str]
) -> None:
    """Print median errors of convolutional roots divided by those of canonical ones, where both kinds are there."""
    rng, place = np.random.default_rng(0), bin_indices(truth["snr"], EDGES)

    def divide(own: np.ndarray, other: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(np.median(own, axis=axis) / np.median(other, axis=axis))

    LOGGER.info(f"| quantity | leaves | {' | '.join(bins)} |\n|---|---|{'---|' * len(bins)}")
    for kind in ("deterministic", "Bayesian"):
        own, other = (found.get(f"{root} root, {kind}", {}) for root in ("convolutional", "canonical"))
        for name in (name for name in names if name in own and name in other):
            away = absolute_errors if name in SPINS else relative_errors
            pair = [away(estimates[name], truth[name]) for estimates in (own, other)]
            cells = []
            for number in range(len(bins)):
                some = [errors[place == number] for errors in pair]
                spread = bootstrap(some, divide, paired=True, n_resamples=399, method="percentile", rng=rng)
                cells.append(f"{divide(*some):.2f} +- {spread.standard_error:.2f}")
            LOGGER.info(f"| {name} | {kind} | {' | '.join(cells)} |")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
