"""How often noise far from the trigger outshines a quiet signal, by how much such arrivals count less.

    OMP_NUM_THREADS=1 python benchmarks/arrivals.py --psd-file real_psds.hdf5

Events of the model's prior with network signal-to-noise 7-10 and measured noise spectra, triggers up to 20 ms off. The
arrival chosen is the one with the greatest squared signal-to-noise less (delay / s)^2; it is missed when it lies more
than 15 ms from the true arrival in every detector.
"""

import argparse
import logging
from pathlib import Path

import numpy as np
import torch

from chirpleaf.diagnostics.injections import Injection, inject
from chirpleaf.inference.observe import SEARCH, canonicalise
from chirpleaf.models import Model, load_model
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.strain.measured import MeasuredSpectra

LOGGER = logging.getLogger("arrivals")
SPREADS = (np.inf, 0.05, 0.03, 0.02, 0.015, 0.01)
MISSED = 0.015
STRIDE = 0.02


def arrivals(model: Model, injection: Injection) -> np.ndarray:
    """True arrival in each detector after the segment's reference time, seconds."""
    truth = injection.truth
    sky = np.array([truth["ra"]]), np.array([truth["dec"]])
    delays = [detector(name).time_delay(*sky, gmst=float(gmst(0.0)))[0] for name in model.detectors]
    return truth["geocent_time"] + np.array(delays)


def main() -> None:
    """Searches and counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="bbh-long")
    parser.add_argument("--psd-file", type=Path, required=True)
    parser.add_argument("--injections", type=int, default=300)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model, spectra = load_model(arguments.model), MeasuredSpectra(arguments.psd_file)
    offsets = np.arange(-SEARCH, SEARCH + STRIDE / 2, STRIDE)
    missed = np.zeros(len(SPREADS))
    for index in range(arguments.injections):
        injection = inject(model, spectra, np.random.default_rng([12, index]), snr_range=(7.0, 10.0))
        found = canonicalise(model, [injection.segment.about(offset) for offset in offsets])
        loudest = found.time.gather(1, found.snr.argmax(1, keepdim=True))[:, 0].numpy()
        power, times = found.snr.square().sum(-1).numpy(), offsets + loudest
        for place, spread in enumerate(SPREADS):
            chosen = times[np.argmax(power - (times / spread) ** 2)]
            missed[place] += np.abs(chosen - arrivals(model, injection)).min() > MISSED
    LOGGER.info(f"{model.name}, {arguments.injections} events\n| s (ms) | arrivals missed |\n|---|---|")
    for spread, count in zip(SPREADS, missed, strict=True):
        LOGGER.info(f"| {1e3 * spread:g} | {count / arguments.injections:.3f} |")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
