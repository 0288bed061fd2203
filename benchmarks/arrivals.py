"""Accuracy of reference times from templates and from draws of the network.

    OMP_NUM_THREADS=1 python benchmarks/arrivals.py --psd-file real_psds.hdf5

First table: events of the model's prior with network signal-to-noise ratio 7-10 and measured noise spectra, triggers
wrong by up to 20 ms. The chosen arrival maximises the squared signal-to-noise ratio minus (delay / s)^2. It is missed
if it differs by more than 15 ms from the true arrival in every detector. Second table: events of any signal-to-noise
ratio; difference of the reference time from the nearest true arrival, for the best template and for `infer`. Third
table, the same events: how many reference times change if draws are tried only where the best template is loud enough.
"""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from chirpleaf.diagnostics.injections import Injection, inject
from chirpleaf.inference.observation import canonicalise
from chirpleaf.inference.reference_time import SearchSettings, refine_reference_time
from chirpleaf.models import Model, load_model
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.strain.noise import MeasuredNoise

LOGGER = logging.getLogger("arrivals")
SEARCH = SearchSettings()
SPREADS = (np.inf, 0.05, 0.03, 0.02, 0.015, 0.01)
MISSED = 0.015
SHARES = (0.0, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


def compute_arrivals(injection: Injection) -> np.ndarray:
    """Compute the true arrival in each detector relative to the reference time of the segment, in s."""
    truth = injection.truth
    sky = np.array([truth["ra"]]), np.array([truth["dec"]])
    delays = [detector(name).time_delay(*sky, gmst=float(gmst(0.0)))[0] for name in injection.segment.detectors]
    return truth["geocent_time"] + np.array(delays)


def find_by_templates(model: Model, injection: Injection) -> tuple[np.ndarray, np.ndarray]:
    """Find the best template at each reference time: squared signal-to-noise ratio, and arrival time in s."""
    offsets = np.arange(-SEARCH.half_width, SEARCH.half_width + SEARCH.spacing / 2, SEARCH.spacing)
    found = canonicalise(model, [injection.segment.with_reference_time(offset) for offset in offsets])
    loudest = found.time.gather(1, found.snr.argmax(1, keepdim=True))[:, 0].numpy()
    return found.snr.square().sum(-1).numpy(), offsets + loudest


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="bbh-long")
    parser.add_argument("--psd-file", type=Path, required=True)
    parser.add_argument("--detectors", nargs="+", default=["H1", "L1"])
    parser.add_argument("--injections", type=int, default=300)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model, noise, names = load_model(arguments.model), MeasuredNoise(arguments.psd_file), tuple(arguments.detectors)
    missed = np.zeros(len(SPREADS))
    for index in range(arguments.injections):
        injection = inject(model, noise, np.random.default_rng([12, index]), snr_range=(7.0, 10.0), detectors=names)
        power, times = find_by_templates(model, injection)
        for place, spread in enumerate(SPREADS):
            chosen = times[np.argmax(power - (times / spread) ** 2)]
            missed[place] += np.abs(chosen - compute_arrivals(injection)).min() > MISSED
    LOGGER.info(f"{model.name}, {arguments.injections} events\n| s (ms) | arrivals missed |\n|---|---|")
    for spread, count in zip(SPREADS, missed, strict=True):
        LOGGER.info(f"| {1e3 * spread:g} | {count / arguments.injections:.3f} |")
    off: dict[str, list[float]] = {"templates": [], "draws": []}
    by_share: dict[float, list[float]] = {share: [] for share in SHARES}
    for index in range(arguments.injections):
        injection = inject(model, noise, np.random.default_rng([4, index]), detectors=names)
        power, times = find_by_templates(model, injection)
        for share, values in by_share.items():
            settings = replace(SEARCH, least_share=share)
            values.append(refine_reference_time(model, injection.segment, settings).segment.reference_time)
        found = {
            "templates": times[np.argmax(power - (times / SEARCH.trigger_error) ** 2)],
            "draws": by_share[SEARCH.least_share][-1],
        }
        for name, time in found.items():
            off[name].append(1e3 * np.abs(time - compute_arrivals(injection)).min())
    LOGGER.info("| reference time from | error, median (ms) | 75 % | 90 % | 97 % |\n|---|---|---|---|---|")
    for name, values in off.items():
        LOGGER.info(f"| {name} | " + " | ".join(f"{q:.1f}" for q in np.quantile(values, (0.5, 0.75, 0.9, 0.97))) + " |")
    LOGGER.info("| least share | reference times that change |\n|---|---|")
    for share, values in by_share.items():
        LOGGER.info(f"| {share:g} | {np.sum(np.array(values) != np.array(by_share[0.0]))} |")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
