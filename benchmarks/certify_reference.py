"""Comparison of the certified posterior of GW150914 with a reference posterior of the same likelihood and priors.

    python benchmarks/certify_reference.py GW150914_fd.npz GW150914.csv

The first file has strain and noise of the reference analysis (`f`, `h_H1`, `h_L1`, `psd_H1`, `psd_L1`, `tstart`, `t0`:
4 s, 20-1024 Hz), the second its samples with bilby's names. The network's proposal is for the embedded strain (8 s).
The target has IMRPhenomD and priors uniform in component masses, with chirp mass in 10-100 solar masses and mass ratio
above 1/8. Prints the Jensen-Shannon divergence of each marginal, and for comparison the divergence of two halves of the
reference. The reference was resampled by weight: copies of a draw (rows of equal `ra`) stay in the same half.
"""

import argparse
import logging
import time
from pathlib import Path

import numpy as np
import torch

from chirpleaf.diagnostics.comparison import jensen_shannon
from chirpleaf.inference.certify import Certified, CertifySettings, Target, certify
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.observe import observe
from chirpleaf.models import load_model
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.result.weights import resample_systematically
from chirpleaf.strain.events import events, load_event
from chirpleaf.strain.psd_estimation import welch
from chirpleaf.strain.segment import Segment

LOGGER = logging.getLogger("certify_reference")
COMPARED = (
    "chirp_mass", "mass_ratio", "chi_eff", "luminosity_distance", "theta_jn", "ra", "dec", "final_spin", "psi", "phase",
)  # fmt: skip
STANDARD = IntrinsicPrior(
    mass_min=1.0, mass_max=400.0, mass_ratio_min=0.125, spin_max=0.99, chirp_mass_min=10.0, chirp_mass_max=100.0
)
"""Prior of the reference analysis: component masses are limited by chirp mass and mass ratio only."""


def read_segment(path: Path, reference_time: float) -> tuple[Segment, float]:
    """Read the data of the reference analysis for a reference time, and its trigger time."""
    with np.load(path) as stored:
        inside = (stored["f"] >= 20.0) & (stored["f"] <= 1024.0)
        frequencies = stored["f"][inside]
        strain = np.stack([stored[f"h_{name}"][inside] for name in ("H1", "L1")])
        psd = np.stack([stored[f"psd_{name}"][inside] for name in ("H1", "L1")])
        start, trigger = float(stored["tstart"]), float(stored["t0"])
    return Segment(("H1", "L1"), strain, psd, frequencies, 4.0, start).with_reference_time(reference_time), trigger


def prepare_observation() -> Observation:
    """Prepare the embedded event for the network."""
    event, strain = events()["GW150914"], load_event("GW150914")
    densities = {name: welch(series) for name, series in strain.items()}
    return observe(load_model("bbh"), strain, densities, event.trigger_time)


def print_comparison(certified: Certified, reference: dict[str, np.ndarray], seed: int) -> None:
    """Print a row for each parameter."""
    rng = np.random.default_rng(seed)
    weight = np.exp(certified.log_weight)
    _, draw, copies = np.unique(reference["ra"], return_inverse=True, return_counts=True)
    towards = reference["theta_jn"] < np.pi / 2
    again = rng.multinomial(len(copies), np.full(len(copies), 1 / len(copies)), size=500)[:, draw]
    error = np.std([np.average(towards, weights=times) for times in again])
    here = np.average(certified.samples["theta_jn"] < np.pi / 2, weights=weight)
    LOGGER.info(
        f"fraction of theta_jn below 90 degrees: certified {here:.4f}, reference {towards.mean():.4f} +- {error:.4f}"
    )
    LOGGER.info("| parameter | certified | reference | JS divergence | of the halves of the reference |")
    LOGGER.info("|---|---|---|---|---|")
    for name in COMPARED:
        ours, theirs = certified.samples[name], reference[name]
        halves = []
        for _ in range(20):
            first = rng.random(len(copies))[draw] < 0.5
            halves.append(jensen_shannon(theirs[first], theirs[~first]))
        divergence = jensen_shannon(ours, theirs, weights_a=weight)
        resampled = ours[resample_systematically(weight, 20_000, seed)]
        rows = [np.quantile(values, (0.5, 0.05, 0.95)) for values in (resampled, theirs)]
        cells = [f"{median:.3f} ({low:.3f}, {high:.3f})" for median, low, high in rows]
        LOGGER.info(
            f"| {name} | {' | '.join(cells)} | {divergence:.4f} | {np.mean(halves):.4f} +- {np.std(halves):.4f} |"
        )


def main() -> None:
    """Certify and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("samples", type=Path)
    parser.add_argument("--effective-samples", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    observation = prepare_observation()
    segment, trigger = read_segment(arguments.data, observation.segment.reference_time)
    start = time.perf_counter()
    result = certify(
        observation,
        segment,
        trigger,
        Target(STANDARD, waveform=WaveformSettings("IMRPhenomD")),
        CertifySettings(effective_samples=arguments.effective_samples),
        seed=arguments.seed,
    )
    LOGGER.info(f"{result.certificate} in {time.perf_counter() - start:.1f} s")
    table = np.genfromtxt(arguments.samples, delimiter=",", names=True)
    print_comparison(result, {name: table[name] for name in table.dtype.names or ()}, arguments.seed)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
