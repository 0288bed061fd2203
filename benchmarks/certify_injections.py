"""Certified posteriors of simulated events: efficiency of importance sampling, and calibration of all parameters.

    OMP_NUM_THREADS=1 python benchmarks/certify_injections.py --model bbh --injections 200 --out out/efficiency
    OMP_NUM_THREADS=1 python benchmarks/certify_injections.py --model bbh --injections 200 --prior --out out/pp
    OMP_NUM_THREADS=1 python benchmarks/certify_injections.py --model FILE --detectors H1 V1 --prior --out out/pp-h1-v1

Events are drawn from the model's prior, with noise of the ensemble or recorded noise off the embedded events
(`--noise recorded`; `recorded-before` has the conditioning and the median spectra of before decision 53). Without
`--prior`, the network signal-to-noise ratio is log-uniform in 8-50, and the prior of the distance covers 10 to
10,000 Mpc. With `--prior`, distances follow their prior (distance squared, 100-3000 Mpc). Events and samples are then
restricted to optimal signal-to-noise ratios of 8-50, so that the ranks of the true parameters are uniform if the
posteriors are correct.
Writes a line of `certified.jsonl` for each event; a run that was stopped goes on from it. At the end it prints tables
and, with `--prior`, draws `pp.png`.
"""

import argparse
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rows import Row, append_row, find_missing, read_rows

from chirpleaf.diagnostics.calibration import calibrate, percentile_ranks
from chirpleaf.diagnostics.injections import inject, training_noise
from chirpleaf.inference.certify import Certified, CertifySettings, Target, certify
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models import Model, load_model
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.plots.calibration import plot_pp
from chirpleaf.strain.conditioning import STANDARD
from chirpleaf.strain.noise import NoiseSource, RecordedNoise
from chirpleaf.strain.noise_spectrum import MEDIAN

LOGGER = logging.getLogger("certify_injections")
SNR_RANGE = (8.0, 50.0)
SAMPLED = (
    "chirp_mass", "mass_ratio", "chi_1", "chi_2", "luminosity_distance", "theta_jn", "psi", "phase", "ra", "dec",
    "geocent_time",
)  # fmt: skip

SOURCES: dict[str, Callable[[Model], NoiseSource]] = {
    "ensemble": training_noise,
    "recorded": lambda _: RecordedNoise.from_events(),
    "recorded-before": lambda _: RecordedNoise.from_events(conditioning=STANDARD, spectrum=MEDIAN),
}


def format_row(name: str, efficiency: np.ndarray) -> str:
    """Format a row of the table."""
    low, tenth, median, ninth = np.quantile(efficiency, (0.0, 0.1, 0.5, 0.9))
    return f"| {name} | {len(efficiency)} | {median:.2f} | {tenth:.2f} | {low:.4f} | {ninth:.2f} |"


def rank(result: Certified, truth: dict[str, float]) -> dict[str, float]:
    """Percentile ranks of the true parameters among the samples within `SNR_RANGE`; of a missed event, among all."""
    snr = result.samples["network_optimal_snr"]
    inside = np.where((snr > SNR_RANGE[0]) & (snr < SNR_RANGE[1]), result.log_weight, -np.inf)
    if not np.isfinite(inside).any():
        inside = result.log_weight
    return {
        name: float(percentile_ranks(result.samples[name][None], [value], inside[None])[0])
        for name, value in truth.items()
    }


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="bbh")
    parser.add_argument("--injections", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--effective-samples", type=int, default=5000)
    parser.add_argument("--budget", type=float, default=None, help="seconds; by default the draws end by their number")
    parser.add_argument("--prior", action="store_true")
    parser.add_argument("--noise", choices=SOURCES, default="ensemble")
    parser.add_argument("--detectors", nargs="+", help="some of the model's; all of them by default")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    """Certify the events that are missing and summarise."""
    arguments = parse_arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    model = load_model(arguments.model)
    detectors = model.select_detectors(arguments.detectors or model.detectors)
    distances = (100.0, 3000.0) if arguments.prior else (10.0, 10_000.0)
    target = Target(model.architecture.space.prior, PowerLaw(2.0, *distances))
    settings = CertifySettings(effective_samples=arguments.effective_samples, budget=arguments.budget)
    noise = SOURCES[arguments.noise](model)
    path = arguments.out / "certified.jsonl"
    for index in find_missing(read_rows(path), range(arguments.injections)):
        rng = np.random.default_rng([arguments.seed, index])
        distance = target.distance if arguments.prior else None
        injection = inject(model, noise, rng, snr_range=SNR_RANGE, distance=distance, detectors=detectors)
        start = time.perf_counter()
        observation = refine_reference_time(model, injection.segment)
        result = certify(observation, observation.segment, 0.0, target, settings, seed=arguments.seed + index)
        seconds = time.perf_counter() - start
        truth = {name: injection.truth[name] for name in SAMPLED}
        row = {
            "index": index,
            "snr": injection.snr,
            "found_snr": observation.snr,
            "seconds": seconds,
            "ranks": rank(result, truth),
        }
        row["reasons"] = result.certificate.reasons
        append_row(path, row | truth | result.certificate.to_json())
        LOGGER.info(
            f"{index}: chirp mass {truth['chirp_mass']:.1f}, signal-to-noise {injection.snr:.1f}, "
            f"efficiency {result.certificate.efficiency:.3f}, {result.certificate.draws} draws, {seconds:.1f} s"
        )
    summarise(read_rows(path), arguments)


def summarise(rows: list[Row], arguments: argparse.Namespace) -> None:
    """Print the tables, and draw the P-P plot of a run with `--prior`."""
    efficiency, mass = (np.array([row[name] for row in rows]) for name in ("efficiency", "chirp_mass"))
    LOGGER.info("| injections | n | median | 10th percentile | minimum | 90th percentile |\n|---|---|---|---|---|---|")
    for name, chosen in {"all": mass > 0, "chirp mass < 20": mass < 20, "chirp mass > 20": mass >= 20}.items():
        if chosen.any():
            LOGGER.info(format_row(name, efficiency[chosen]))
    seconds, errors = (np.array([row[name] for row in rows]) for name in ("seconds", "likelihood_error"))
    trusted = sum(not row["reasons"] for row in rows)
    for name, values in {"seconds": seconds, "error of ln L compared with all frequencies": errors}.items():
        LOGGER.info(f"{name}: median {np.median(values):.3g}, 90th percentile {np.quantile(values, 0.9):.3g}")
    LOGGER.info(f"trusted: {trusted} of {len(rows)}")
    if arguments.prior:
        table = {name: np.array([row["ranks"][name] for row in rows]) for name in SAMPLED}
        calibration = calibrate(table)
        LOGGER.info(json.dumps(calibration.to_dict(), indent=1))
        p_values, covered = calibration.p_values, [row.coverage_90.fraction for row in calibration.parameters.values()]
        least = min(p_values, key=lambda name: p_values[name])
        low, tenth, median = np.quantile(efficiency, (0.0, 0.1, 0.5))
        LOGGER.info(
            "| detectors | n | combined p | least p (of eleven) | coverage of 90 % intervals "
            "| efficiency: median | 10th percentile | minimum | trusted by the weights |\n" + 9 * "|---" + "|\n"
            f"| {' '.join(arguments.detectors or ())} | {len(rows)} | {calibration.combined_p_value:.3f} "
            f"| {p_values[least]:.3f}, {least} | {min(covered):.3f}-{max(covered):.3f} "
            f"| {median:.2f} | {tenth:.2f} | {low:.4f} | {trusted} |"
        )
        plot_pp(table).savefig(arguments.out / "pp.png", dpi=120)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
