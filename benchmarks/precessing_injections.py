"""Certified posteriors of precessing injections by bilby's generator: calibration of all parameters, and efficiency.

    OMP_NUM_THREADS=1 python benchmarks/precessing_injections.py --model FILE --injections 300 --out out/precessing
    OMP_NUM_THREADS=1 python benchmarks/precessing_injections.py --out out/precessing --summarise

Binaries are drawn from the model's own prior, with distances squared in 100-3000 Mpc, and kept if the optimal
signal-to-noise ratio of all detectors together is 8-50; the samples are restricted to the same ratios, so that ranks of
the true parameters are uniform if the posteriors are correct. bilby makes the polarisations (without the interpolation
of IMRPhenomXPHM between few frequencies), projects them onto its detectors and shifts their times. The detectors are a
random subset of the model's; every second injection has spectra of an event of `--spectra` (HDF5 of `MeasuredNoise`)
where one has these detectors, the others have the spectra that the model was trained on.

Every injection is a line of `injections.jsonl`; those that are there are not made again. With `--summarise`, and at the
end, prints quantiles of the efficiency, verdicts and p-values, and draws `pp.png`.
"""

import argparse
import json
import logging
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rows import Row, append_row, find_missing, read_rows

from chirpleaf.diagnostics.calibration import calibrate, percentile_ranks
from chirpleaf.diagnostics.injections import training_noise
from chirpleaf.errors import InputError
from chirpleaf.inference.certify import CertifySettings, Target, certify
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models import Model, load_model
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.physics.extrinsic_prior import ExtrinsicPrior
from chirpleaf.physics.spin_angles import SPIN_ANGLES, to_spin_angles
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.plots.calibration import plot_pp
from chirpleaf.strain.noise import MeasuredNoise, NoiseDraw
from chirpleaf.strain.segment import Segment

LOGGER = logging.getLogger("precessing_injections")
TRIGGER, AFTER, RATE = 1126259462.0, 2.0, 4096.0
TIME_ERROR = 0.02
"""Half width of the prior on the arrival, seconds."""
TRIES, STRIDE, MARGIN = 64, 16, 1.2
SNR_RANGE, DISTANCES = (8.0, 50.0), PowerLaw(2.0, 100.0, 3000.0)
PLACE = ("luminosity_distance", "psi", "phase", "ra", "dec", "geocent_time")
FIFTEEN = ("chirp_mass", "mass_ratio", *SPIN_ANGLES, *PLACE)


@cache
def make_generator(approximant: str, duration: float, lowest: float) -> Any:
    """bilby's generator of polarisations."""
    import bilby
    import lal
    import lalsimulation

    bilby.core.utils.logger.setLevel(logging.WARNING)
    options = lal.CreateDict()
    lalsimulation.SimInspiralWaveformParamsInsertPhenomXHMThresholdMband(options, 0.0)
    lalsimulation.SimInspiralWaveformParamsInsertPhenomXPHMThresholdMband(options, 0.0)
    return bilby.gw.WaveformGenerator(
        duration=duration,
        sampling_frequency=RATE,
        frequency_domain_source_model=bilby.gw.source.lal_binary_black_hole,
        waveform_arguments={
            **{"waveform_approximant": approximant, "reference_frequency": 20.0},
            **{"minimum_frequency": lowest, "maximum_frequency": RATE / 2, "lal_waveform_dictionary": options},
        },
    )


def draw_truths(model: Model, segment: Segment, rng: np.random.Generator) -> list[dict[str, float]]:
    """Binaries of the model's prior whose signal-to-noise ratio is about in the range, by our own waveforms.

    Each has the fifteen parameters and component masses. The ratio on every `STRIDE`-th frequency is wrong by some
    percent, so that the range is wider here; bilby's ratio decides.
    """
    nine = model.architecture.prior.sample(TRIES, rng)
    place = ExtrinsicPrior().sample(TRIES, rng) | {"luminosity_distance": DISTANCES.sample(TRIES, rng)}
    values = {**nine, **place, **to_spin_angles(nine, 20.0)}
    values["mass_1"], values["mass_2"] = component_masses(nine["chirp_mass"], nine["mass_ratio"])
    values["geocent_time"] = TRIGGER + rng.uniform(-TIME_ERROR, TIME_ERROR, TRIES)
    few = (segment.strain[:, ::STRIDE], segment.psd[:, ::STRIDE], segment.frequencies[::STRIDE])
    sparse = Segment(segment.detectors, *few, segment.duration / STRIDE, TRIGGER)
    _, own = log_likelihood_ratio(sparse, values, model.architecture.signal_model)
    snr = np.sqrt(np.square(own).sum(axis=1))
    rows = np.flatnonzero((snr > SNR_RANGE[0] / MARGIN) & (snr < SNR_RANGE[1] * MARGIN))
    return [{name: float(values[name][row]) for name in (*FIFTEEN, "mass_1", "mass_2")} for row in rows]


def project_by_bilby(model: Model, truth: dict[str, float], names: tuple[str, ...]) -> np.ndarray:
    """The signal in each detector, about the trigger, shape (detector, F)."""
    import bilby

    duration, frequencies = model.duration, model.architecture.grid.native_frequencies
    start = TRIGGER + AFTER - duration
    masses = {name: truth[name] for name in ("mass_1", "mass_2")}
    parameters = {name: truth[name] for name in FIFTEEN if name not in ("chirp_mass", "mass_ratio")} | masses
    waves = make_generator(model.architecture.approximant, duration, float(frequencies[0])).frequency_domain_strain(
        parameters
    )
    rows, place = [], np.round(frequencies * duration).astype(int)
    for name in names:
        one = bilby.gw.detector.get_empty_interferometer(name)
        one.minimum_frequency, one.maximum_frequency = float(frequencies[0]), RATE / 2
        one.set_strain_data_from_zero_noise(RATE, duration, start)
        rows.append(one.get_detector_response(waves, parameters)[place])
    return np.asarray(np.stack(rows) * np.exp(2j * np.pi * frequencies * (TRIGGER - start)))


def draw_noise(
    model: Model, measured: MeasuredNoise | None, names: tuple[str, ...], index: int, rng: np.random.Generator
) -> NoiseDraw:
    """Spectra of an event for every second injection, else those of the training."""
    frequencies = model.architecture.grid.native_frequencies
    if measured is not None and index % 2:
        try:
            return measured.sample(names, frequencies, model.duration, rng)
        except InputError:
            pass  # no event has these detectors
    return training_noise(model).sample(names, frequencies, model.duration, rng)


def inject(
    model: Model, measured: MeasuredNoise | None, seed: int, index: int
) -> tuple[Segment, dict[str, float], float, str]:
    """Data, true parameters, signal-to-noise ratio, and origin of the spectra."""
    rng = np.random.default_rng([seed, index])
    chosen = rng.permutation(len(model.detectors))[: rng.integers(1, len(model.detectors) + 1)]
    names = model.select_detectors([model.detectors[place] for place in sorted(chosen)])
    frequencies = model.architecture.grid.native_frequencies
    noise = draw_noise(model, measured, names, index, rng)
    blank = Segment(names, noise.realise(rng), noise.psd, frequencies, model.duration, TRIGGER)
    while True:
        for truth in draw_truths(model, blank, rng):
            signal = project_by_bilby(model, truth, names)
            snr = float(np.sqrt(4 / model.duration * np.sum(np.abs(signal) ** 2 / noise.psd)))
            if SNR_RANGE[0] <= snr <= SNR_RANGE[1]:
                return replace(blank, strain=blank.strain + signal), truth, snr, noise.origin


def certify_injection(model: Model, measured: MeasuredNoise | None, index: int, options: argparse.Namespace) -> Row:
    """One line of the table."""
    segment, truth, snr, origin = inject(model, measured, options.seed, index)
    waveform = WaveformSettings(model.architecture.approximant)
    target = Target(model.architecture.prior, DISTANCES, time=TIME_ERROR, waveform=waveform)
    settings = CertifySettings(effective_samples=options.effective_samples, budget=options.budget)
    start = time.perf_counter()
    observation = refine_reference_time(model, segment)
    found = certify(observation, observation.segment, TRIGGER, target, settings, seed=options.seed + index)
    seconds = time.perf_counter() - start
    own_snr = found.samples["network_optimal_snr"]
    inside = np.where((own_snr > SNR_RANGE[0]) & (own_snr < SNR_RANGE[1]), found.log_weight, -np.inf)
    if not np.isfinite(inside).any():  # a missed event counts with all its samples
        inside = found.log_weight
    known = np.isfinite(inside).any()
    ranks = {
        name: float(percentile_ranks(found.samples[name][None], [truth[name]], inside[None])[0]) if known else 0.0
        for name in FIFTEEN
    }
    row = {"index": index, "snr": snr, "detectors": list(segment.detectors), "spectra": origin, "seconds": seconds}
    certificate = found.certificate
    return {**row, "reasons": certificate.reasons, "certificate": certificate.to_json(), "truth": truth, "ranks": ranks}


def summarise(rows: list[Row], out: Path) -> None:
    """Print the table of efficiencies and the p-values, and draw the P-P plot."""
    efficiency = np.array([row["certificate"]["efficiency"] for row in rows])
    names = {"all": np.ones(len(rows), bool)}
    names |= {f"{n} detectors": np.array([len(row["detectors"]) == n for row in rows]) for n in (1, 2, 3, 4)}
    LOGGER.info("| injections | n | median efficiency | 10th percentile | least | trusted |\n|---|---|---|---|---|---|")
    trusted = np.array([not row["reasons"] for row in rows])
    for name, chosen in names.items():
        if chosen.any():
            low, tenth, median = np.quantile(efficiency[chosen], (0.0, 0.1, 0.5))
            counts = f"{trusted[chosen].sum()} of {chosen.sum()}"
            LOGGER.info(f"| {name} | {chosen.sum()} | {median:.3f} | {tenth:.3f} | {low:.4f} | {counts} |")
    LOGGER.info(f"trusted with an efficiency below 0.01: {int((trusted & (efficiency < 0.01)).sum())}")
    LOGGER.info(f"seconds: median {np.median([row['seconds'] for row in rows]):.1f}")
    table = {name: np.array([row["ranks"][name] for row in rows]) for name in FIFTEEN}
    if len(rows) > 1:
        LOGGER.info(json.dumps(calibrate(table).to_dict(), indent=1))
        plot_pp(table).savefig(out / "pp.png", dpi=120)


def main() -> None:
    """Certify the injections that are missing, and summarise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="bbh-precessing")
    parser.add_argument("--injections", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--effective-samples", type=int, default=1000)
    parser.add_argument("--budget", type=float, help="seconds; no limit by default")
    parser.add_argument("--spectra", type=Path, help="measured noise spectra")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--summarise", action="store_true", help="make no injection")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    path = options.out / "injections.jsonl"
    rows = read_rows(path)
    if not options.summarise:
        model = load_model(options.model)
        measured = MeasuredNoise(options.spectra) if options.spectra else None
        for index in find_missing(rows, range(options.injections)):
            row = certify_injection(model, measured, index, options)
            rows.append(row)
            append_row(path, row)
            LOGGER.info(
                f"{index}: {' '.join(row['detectors'])}, chirp mass {row['truth']['chirp_mass']:.1f}, "
                f"signal-to-noise {row['snr']:.1f}, efficiency {row['certificate']['efficiency']:.3f}, "
                f"{row['certificate']['draws']} draws, {row['seconds']:.0f} s"
            )
    if rows:
        summarise(rows, options.out)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
