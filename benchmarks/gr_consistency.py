"""Calibration of the test of general relativity: quantiles of simulated signals, and of signals that deviate.

    OMP_NUM_THREADS=1 python benchmarks/gr_consistency.py run --n 100 --seed 1 --out out/relativity
    OMP_NUM_THREADS=1 python benchmarks/gr_consistency.py run --n 20 --seed 2 --scale 1.3 --out out/relativity
    python benchmarks/gr_consistency.py report --out out/relativity

Binaries of the model's prior with a network signal-to-noise ratio (H1, L1) that is log-uniform in 15-40, in Gaussian
noise of the ensemble. Those whose true signal has a ratio below 7 on one side of the cut-off are left out before they
are analysed, since most of them would be refused. With `--scale`, the frequencies above the cut-off come from a binary
of that many times the masses: a post-inspiral that does not belong to the inspiral.

Each event is a line of `SCALE-SEED.jsonl`, made once, so that a run that was stopped goes on. `report` prints the
table: p value of a Kolmogorov-Smirnov test of the quantiles of general relativity against the uniform distribution, and
the share of them above 0.5 and 0.9.
"""

import argparse
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rows import append_row, find_missing, read_rows
from scipy.stats import kstest

from chirpleaf.diagnostics.injections import Injection, inject, training_noise
from chirpleaf.inference.certify import CertifySettings, Prior, certify
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio, project_signals
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.inference.relativity import RelativitySettings, compare_parts
from chirpleaf.inference.relativity.analysis import PRIOR
from chirpleaf.inference.relativity.flat_prior import find_remnant
from chirpleaf.models import Model, load_model
from chirpleaf.physics.kerr import innermost_stable_frequency
from chirpleaf.strain.segment import Segment

LOGGER = logging.getLogger("gr_consistency")
DETECTORS = ("H1", "L1")
SNR_RANGE = (15.0, 40.0)
LEAST_SNR = 7.0


def split(segment: Segment, cutoff: float) -> tuple[Segment, Segment]:
    """Parts below and above a frequency."""
    return segment.select_band(0.0, cutoff), segment.select_band(cutoff, np.inf)


def find_cutoff(truth: dict[str, np.ndarray]) -> float:
    """Frequency that divides a true signal."""
    remnant = find_remnant(truth)
    return float(innermost_stable_frequency(remnant["final_mass"], remnant["final_spin"])[0])


def draw_event(model: Model, rng: np.random.Generator) -> Injection:
    """An event whose signal is loud enough in both parts."""
    noise, signal = training_noise(model), model.architecture.signal_model
    while True:
        event = inject(model, noise, rng, snr_range=SNR_RANGE, detectors=DETECTORS)
        truth = {name: np.array([value]) for name, value in event.truth.items()}
        cutoff = find_cutoff(truth)
        low, high = float(event.segment.frequencies[0]), float(event.segment.frequencies[-1])
        if not 1.2 * low < cutoff < high / 1.2:
            continue
        parts = [np.linalg.norm(log_likelihood_ratio(one, truth, signal)[1]) for one in split(event.segment, cutoff)]
        if min(parts) > LEAST_SNR:
            return event


def deviate(event: Injection, model: Model, scale: float) -> Segment:
    """The data with the post-inspiral of a binary of other masses."""
    if scale == 1.0:
        return event.segment
    truth = {name: np.array([value]) for name, value in event.truth.items()}
    other = {**truth, "chirp_mass": truth["chirp_mass"] * scale}
    signal = model.architecture.signal_model
    own, foreign = (np.concatenate(list(project_signals(event.segment, one, signal))) for one in (truth, other))
    above = event.segment.frequencies >= find_cutoff(truth)
    loudness = [np.sum(np.abs(one[:, above]) ** 2 / event.segment.psd[:, above]) for one in (own, foreign)]
    strain = event.segment.strain + np.where(above, foreign * np.sqrt(loudness[0] / loudness[1]) - own, 0.0)
    return Segment(
        event.segment.detectors, strain, event.segment.psd, event.segment.frequencies, event.segment.duration, 0.0
    )


def analyse(model: Model, index: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """One event: its truth, its quantile and its deviations."""
    event = draw_event(model, np.random.default_rng([arguments.seed, index]))
    settings = RelativitySettings()
    start, used = time.perf_counter(), time.process_time()
    observation = refine_reference_time(model, deviate(event, model, arguments.scale))
    target = Prior.load(PRIOR).make_target(model.architecture.prior, trigger_time=0.0)
    certify_settings = CertifySettings(
        minimum_draws=settings.draws, effective_samples=settings.effective_samples, budget=60.0
    )
    whole = certify(observation, observation.segment, 0.0, target, certify_settings, seed=index)
    found = compare_parts(observation, observation.segment, 0.0, target, whole, settings, seed=index)
    row: dict[str, Any] = {"index": index, "snr": event.snr, "truth": event.truth, "cutoff": found.cutoff}
    row |= {"seconds": time.perf_counter() - start, "cpu": time.process_time() - used}
    row["snr_parts"] = {name: part.snr for name, part in found.parts.items()}
    row["draws"] = {name: part.certificate.draws for name, part in found.parts.items() if part.certificate}
    row["reasons"] = [one.message for one in found.findings]
    if found.deviation is not None:
        mass, spin = found.deviation.quantiles((0.05, 0.5, 0.95))
        row |= {"quantile": found.deviation.quantile, "mass": mass.tolist(), "spin": spin.tolist()}
    return row


def run(arguments: argparse.Namespace) -> None:
    """Analyse the events that have no line yet."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    model = load_model("bbh")
    path = arguments.out / f"{arguments.scale:g}-{arguments.seed}.jsonl"
    for index in find_missing(read_rows(path), range(arguments.first, arguments.n, arguments.step)):
        row = analyse(model, index, arguments)
        append_row(path, row)
        LOGGER.info(
            f"{index}: chirp mass {row['truth']['chirp_mass']:.1f}, ratios {row['snr_parts']}, quantile "
            f"{row.get('quantile', float('nan')):.3f}, {row['cpu']:.1f} s of CPU {row['reasons']}"
        )


def report(arguments: argparse.Namespace) -> None:
    """Print the table."""
    LOGGER.info("| post-inspiral | events | refused | KS p | quantile > 0.5 | > 0.9 | > 0.99 | CPU, s |")
    LOGGER.info("|---|---|---|---|---|---|---|---|")
    for path in sorted(arguments.out.glob("*.jsonl")):
        rows = read_rows(path)
        kept = [row for row in rows if "quantile" in row and not row["reasons"]]
        quantiles = np.array([row["quantile"] for row in kept])
        shares = " | ".join(f"{np.mean(quantiles > limit):.2f}" for limit in (0.5, 0.9, 0.99))
        scale = float(path.stem.split("-")[0])
        name = "its own" if scale == 1.0 else f"masses times {scale:g}"
        p_value, cpu = kstest(quantiles, "uniform").pvalue, np.median([row["cpu"] for row in kept])
        LOGGER.info(f"| {name} | {len(kept)} | {len(rows) - len(kept)} | {p_value:.3g} | {shares} | {cpu:.1f} |")


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=("run", "report"))
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="first event")
    parser.add_argument("--step", type=int, default=1, help="every which event, for several processes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    given = parse_arguments()
    run(given) if given.verb == "run" else report(given)
