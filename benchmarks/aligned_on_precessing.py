"""What a model of aligned spins answers to precessing signals, beside a model of precessing spins.

    OMP_NUM_THREADS=1 python benchmarks/aligned_on_precessing.py --injections 30 --out out/aligned-on-precessing

Binaries of `precessing_injections.py` (bilby's generator, spectra of the training) in H1 and L1 with chi_p above 0.4,
mass ratio below 0.5 and a signal-to-noise ratio of 20-50. Both models are certified on the same data with the same
priors of masses, distance and time; spins of the aligned model are projected from isotropic ones. Every injection is a
line of `injections.jsonl`; those that are there are not made again. Prints how often the 90 % intervals hold the truth.
"""

import argparse
import logging
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch
from precessing_injections import DISTANCES, SNR_RANGE, TIME_ERROR, TRIGGER, draw_noise, draw_truths, project_by_bilby
from rows import Row, append_row, find_missing, read_rows

from chirpleaf.diagnostics.calibration import percentile_ranks
from chirpleaf.inference.certify import CertifySettings, Target, certify
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models import Model, load_model
from chirpleaf.physics.derived import derived
from chirpleaf.physics.priors import IsotropicSpinPrior
from chirpleaf.physics.spin_angles import from_spin_angles
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.strain.segment import Segment

LOGGER = logging.getLogger("aligned_on_precessing")
DETECTORS = ("H1", "L1")
STRONG_CHI_P, UNEQUAL, LOUD = 0.4, 0.5, 20.0
COMPARED = ("chirp_mass", "mass_ratio", "chi_eff")


def add_spins(truth: dict[str, float]) -> dict[str, float]:
    """The true parameters with chi_eff and chi_p."""
    arrays = {name: np.array([value]) for name, value in truth.items()}
    nine = {**arrays, **from_spin_angles(arrays, 20.0)}
    found = derived(nine)
    return truth | {name: float(found[name][0]) for name in ("chi_eff", "chi_p")}


def inject(model: Model, seed: int, index: int) -> tuple[Segment, dict[str, float], float]:
    """Data, true parameters and signal-to-noise ratio of a binary that precesses strongly."""
    rng = np.random.default_rng([seed, index])
    noise = draw_noise(model, None, DETECTORS, 0, rng)
    blank = Segment(
        DETECTORS, noise.realise(rng), noise.psd, model.architecture.grid.native_frequencies, model.duration, TRIGGER
    )
    while True:
        for truth in map(add_spins, draw_truths(model, blank, rng)):
            if truth["chi_p"] < STRONG_CHI_P or truth["mass_ratio"] > UNEQUAL:
                continue
            signal = project_by_bilby(model, truth, DETECTORS)
            snr = float(np.sqrt(4 / model.duration * np.sum(np.abs(signal) ** 2 / noise.psd)))
            if LOUD <= snr <= SNR_RANGE[1]:
                return replace(blank, strain=blank.strain + signal), truth, snr


def answer(model: Model, prior: object, segment: Segment, truth: dict[str, float], seed: int) -> Row:
    """Ranks of the truth, and the certificate, by one model."""
    waveform = WaveformSettings(model.architecture.approximant)
    target = Target(prior, DISTANCES, time=TIME_ERROR, waveform=waveform)  # type: ignore[arg-type]
    start = time.perf_counter()
    observation = refine_reference_time(model, segment)
    found = certify(
        observation, observation.segment, TRIGGER, target, CertifySettings(effective_samples=1000), seed=seed
    )
    samples = {**found.samples, **derived(found.samples)}
    ranks = {
        name: float(percentile_ranks(samples[name][None], [truth[name]], found.log_weight[None])[0])
        for name in COMPARED
    }
    certificate = found.certificate
    return {
        "ranks": ranks,
        "seconds": time.perf_counter() - start,
        "efficiency": certificate.efficiency,
        "log_bayes_factor": certificate.log_bayes_factor,
        "reasons": certificate.reasons,
    }


def summarise(rows: list[Row]) -> None:
    """Print how often the intervals hold the truth."""
    LOGGER.info("| model | " + " | ".join(COMPARED) + " | all three | median efficiency |")
    for kind in ("aligned", "precessing"):
        ranks = np.array([[row[kind]["ranks"][name] for name in COMPARED] for row in rows])
        inside = (ranks > 0.05) & (ranks < 0.95)
        counts = [*inside.sum(0), inside.all(1).sum()]
        efficiency = np.median([row[kind]["efficiency"] for row in rows])
        LOGGER.info(
            f"| {kind} | " + " | ".join(f"{count} of {len(rows)}" for count in counts) + f" | {efficiency:.2f} |"
        )
    gain = [row["precessing"]["log_bayes_factor"] - row["aligned"]["log_bayes_factor"] for row in rows]
    low, median, high = np.quantile(gain, (0.0, 0.5, 1.0))
    LOGGER.info(f"ln Bayes factor of precessing over aligned spins: median {median:.1f}, {low:.1f} to {high:.1f}")


def main() -> None:
    """Answer the injections that are missing, and summarise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--aligned", default="bbh")
    parser.add_argument("--precessing", default="bbh-precessing")
    parser.add_argument("--injections", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    path = options.out / "injections.jsonl"
    rows = read_rows(path)
    aligned, precessing = load_model(options.aligned), load_model(options.precessing)
    own = precessing.architecture.prior
    masses = {f.name: getattr(own, f.name) for f in fields(IsotropicSpinPrior) if hasattr(own, f.name)}
    for index in find_missing(rows, range(options.injections)):
        segment, truth, snr = inject(precessing, options.seed, index)
        row: Row = {"index": index, "snr": snr, "truth": truth}
        row["precessing"] = answer(precessing, own, segment, truth, index)
        row["aligned"] = answer(aligned, IsotropicSpinPrior(**masses), segment, truth, index)
        rows.append(row)
        append_row(path, row)
        LOGGER.info(
            f"{index}: chi_p {truth['chi_p']:.2f}, q {truth['mass_ratio']:.2f}, signal-to-noise {snr:.1f}; efficiency "
            f"{row['aligned']['efficiency']:.2f} and {row['precessing']['efficiency']:.2f}"
        )
    summarise(rows)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
