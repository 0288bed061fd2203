"""Effect of calibration and noise spectra on the embedded events.

    OMP_NUM_THREADS=1 python benchmarks/systematics.py [--samples 10000] [--seed 0]

Each event is certified once and reweighted for: calibration envelopes that are flat in frequency, of 5 % and 3 degrees,
and of 10 % and 10 degrees (arXiv:1602.03840 states these for GW150914), the uncertainty of its estimated noise spectra,
and the median Welch density of the same strain in place of the regularised one. The last is also certified directly, as
`--certify-psd` does. Prints a table in Markdown: median and 90 % interval, 90 % sky area, change of ln of the Bayes
factor, efficiency of the reweighting, and processor time.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np
import torch

from chirpleaf.inference import (
    Posterior,
    PreparedData,
    analyse,
    load_candidates,
    plan_certification,
    prepare,
)
from chirpleaf.inference.systematics.calibration import marginalise_calibration
from chirpleaf.inference.systematics.drawn_spectra import marginalise_spectra
from chirpleaf.inference.systematics.given_spectra import reweight_to_spectra
from chirpleaf.strain.calibration import CalibrationEnvelope
from chirpleaf.strain.noise_spectrum import MEDIAN, estimate_spectrum

EVENTS = ("GW150914", "GW170814")
PARAMETERS = {"chirp_mass": 2, "mass_ratio": 3, "chi_eff": 3, "luminosity_distance": 0}
"""Parameters of the table, with their decimals."""


def make_envelopes(detectors: tuple[str, ...], amplitude: float, degrees: float) -> dict[str, CalibrationEnvelope]:
    """Envelopes about one, of the same width at all frequencies."""
    frequencies = np.array([10.0, 2048.0])
    zero, one = np.zeros(2), np.ones(2)
    envelope = CalibrationEnvelope(frequencies, zero, amplitude * one, zero, np.radians(degrees) * one)
    return dict.fromkeys(detectors, envelope)


def list_cases(
    posterior: Posterior, data: PreparedData, seed: int, samples: int
) -> Iterator[tuple[str, Callable[[], Posterior]]]:
    """Names of the cases, and the functions that make their posteriors."""
    detectors = posterior.provenance.detectors
    median = {name: estimate_spectrum(series, MEDIAN) for name, series in data.source.strain.items()}
    yield "as certified", lambda: posterior
    for amplitude, degrees in ((0.05, 3.0), (0.1, 10.0)):
        envelopes = make_envelopes(detectors, amplitude, degrees)
        yield (
            f"calibration, {amplitude:.0%} and {degrees:g} degrees",
            partial(marginalise_calibration, posterior, data, envelopes, seed=seed),
        )
    yield "uncertainty of the noise spectra", lambda: marginalise_spectra(posterior, data, seed=seed)
    yield "median Welch density, reweighted", lambda: reweight_to_spectra(posterior, data, median)[0]
    other = replace(data, likelihood_spectra=median)
    plan = plan_certification(data.model)
    yield "median Welch density, certified", lambda: cast(Posterior, analyse(other, plan, samples=samples, seed=seed))


def show(name: str, found: Posterior, before: Posterior, seconds: float) -> str:
    """A line of the table."""
    after, former = found.certificate, before.certificate
    assert after is not None
    assert former is not None
    cells = []
    for parameter, digits in PARAMETERS.items():
        row = found.summary(parameter)[parameter]
        median, lower, upper = (f"{float(row[key]):.{digits}f}" for key in ("median", "lower", "upper"))
        cells.append(f"{median} ({lower} to {upper})")
    assert found.sky is not None
    change = f"{after.log_bayes_factor - former.log_bayes_factor:+.2f}"
    if after.reweightings and after.reweightings[-1].log_bayes_factor_scatter:
        change += f" +- {after.reweightings[-1].log_bayes_factor_scatter:.2f}"
    efficiency = after.reweightings[-1].efficiency if after.reweightings else after.efficiency
    cells += [f"{found.sky.area(0.9):.0f}", change, f"{efficiency:.2f}", f"{seconds:.1f}", found.trust.verdict]
    return " | ".join(["", name, *cells, ""]).strip()


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    heads = [*PARAMETERS, "sky, square degrees", "ln Bayes factor", "efficiency", "CPU s", "verdict"]
    sys.stdout.write(f"| | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 1)}\n")
    for event in EVENTS:
        data = prepare(load_candidates(), event)
        plan = plan_certification(data.model)
        posterior = analyse(data, plan, samples=arguments.samples, seed=arguments.seed)
        assert isinstance(posterior, Posterior)
        for name, make in list_cases(posterior, data, arguments.seed, arguments.samples):
            start = time.process_time()
            found = make()
            line = show(f"{event}, {name}", found, posterior, time.process_time() - start)
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
