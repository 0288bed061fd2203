"""Scatter of posteriors over stretches of recorded noise: the regularised noise spectrum against the median of Welch.

The same binary is added to stretches of the strain off the embedded events, time slides included. Each stretch is
analysed with both spectra, which are estimated without it. If spectrum and likelihood are right, (median - truth) /
standard deviation has a root mean square of about one, less where the prior is informative.

    OMP_NUM_THREADS=1 python benchmarks/spectra_scatter.py --stretches 50 --out out/scatter

Prints, for each spectrum, the root mean square of that offset by parameter, the median of ln B and of the efficiency;
then the root mean square of the shift of the median from one spectrum to the other. Writes `scatter.json`.
"""

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch

from chirpleaf.diagnostics.injections import inject
from chirpleaf.inference.certify import CertifySettings, Target, certify
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models import Model, load_model
from chirpleaf.physics.derived import Samples, derived
from chirpleaf.physics.distributions import PowerLaw, Uniform
from chirpleaf.physics.prior_kinds import PriorDistribution
from chirpleaf.result.weights import relative_weights, weighted_quantiles
from chirpleaf.strain.noise import RecordedNoise
from chirpleaf.strain.noise_spectrum import DEFAULT_SPECTRUM, MEDIAN

LOGGER = logging.getLogger("spectra_scatter")
METHODS = {"regularised": DEFAULT_SPECTRUM, "median": MEDIAN}
SHOWN = ("chirp_mass", "mass_ratio", "chi_eff", "luminosity_distance")


@dataclass(frozen=True)
class FixedBinary:
    """A prior that draws the same binary each time; only `sample` is defined."""

    chirp_mass: float = 30.0
    mass_ratio: float = 0.8

    def sample(self, n: int, rng: np.random.Generator) -> Samples:
        """The binary, n times."""
        values = {"chirp_mass": self.chirp_mass, "mass_ratio": self.mass_ratio, "chi_1": 0.0, "chi_2": 0.0}
        return {name: np.full(n, value) for name, value in values.items()}


def analyse_stretch(
    model: Model, sources: dict[str, RecordedNoise], index: int, snr: float
) -> dict[str, dict[str, float]]:
    """Adds the binary to one stretch and certifies its posterior with each spectrum.

    Args:
        model: proposes the draws.
        sources: the same recordings with each spectrum.
        index: number of the stretch.
        snr: optimal signal-to-noise ratio by the first spectrum; the distance is the same for all.
    """
    target = Target(model.architecture.space.prior, PowerLaw(2.0, 10.0, 10_000.0))
    settings, found, distance = CertifySettings(effective_samples=2000, budget=30.0), {}, None
    binary = cast(PriorDistribution, FixedBinary())
    for name, noise in sources.items():
        rng = np.random.default_rng([17, index])
        limits = (snr, 1.0001 * snr) if distance is None else (0.0, np.inf)
        event = inject(
            model,
            noise,
            rng,
            prior=binary,
            snr_range=limits,
            distance=distance,
            detectors=("H1", "L1"),
        )
        truth = {**derived({key: np.array([value]) for key, value in event.truth.items()})}
        truth["luminosity_distance"] = np.array([event.truth["luminosity_distance"]])
        if distance is None:
            known = event.truth["luminosity_distance"]
            distance = Uniform(known, known * (1 + 1e-9))
        observation = refine_reference_time(model, event.segment)
        result = certify(observation, observation.segment, 0.0, target, settings, seed=index)
        samples = {**derived(result.samples), "luminosity_distance": result.samples["luminosity_distance"]}
        weight = relative_weights(result.log_weight)
        row = {"log_bayes_factor": result.certificate.log_bayes_factor, "efficiency": result.certificate.efficiency}
        for key in SHOWN:
            mean = np.average(samples[key], weights=weight)
            deviation = float(np.sqrt(np.average((samples[key] - mean) ** 2, weights=weight)))
            median = float(weighted_quantiles(samples[key], (0.5,), weight)[0])
            row |= {key: median, f"{key}_deviation": deviation, f"{key}_offset": (median - truth[key][0]) / deviation}
        found[name] = row
    return found


def report(rows: list[dict[str, dict[str, float]]]) -> None:
    """Prints the table."""
    for name in METHODS:
        offsets = {key: np.array([row[name][f"{key}_offset"] for row in rows]) for key in SHOWN}
        shown = ", ".join(f"{key} {np.sqrt(np.mean(values**2)):.2f}" for key, values in offsets.items())
        bayes, efficiency = (np.median([row[name][key] for row in rows]) for key in ("log_bayes_factor", "efficiency"))
        LOGGER.info(f"{name}: offset / standard deviation: {shown}; ln B {bayes:.1f}, efficiency {efficiency:.2f}")
    one, two = METHODS
    for key in SHOWN:
        shift = [(row[two][key] - row[one][key]) / row[one][f"{key}_deviation"] for row in rows]
        width = np.median([row[two][f"{key}_deviation"] / row[one][f"{key}_deviation"] for row in rows])
        LOGGER.info(f"{key}, {two} against {one}: shift {np.sqrt(np.mean(np.square(shift))):.2f}, width {width:.2f}")


def main() -> None:
    """Analyses all stretches."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="bbh")
    parser.add_argument("--stretches", type=int, default=50)
    parser.add_argument("--snr", type=float, default=15.0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    model = load_model(arguments.model)
    sources = {name: RecordedNoise.from_events(spectrum=settings) for name, settings in METHODS.items()}
    rows = []
    for index in range(arguments.stretches):
        rows.append(analyse_stretch(model, sources, index, arguments.snr))
        (arguments.out / "scatter.json").write_text(json.dumps(rows))
        LOGGER.info("%d of %d", index + 1, arguments.stretches)
    report(rows)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
