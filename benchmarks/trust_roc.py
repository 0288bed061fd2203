"""Verdicts on signals, glitches, noise and precessing binaries: how often each check is right, and ROC curves.

    OMP_NUM_THREADS=1 python benchmarks/trust_roc.py run --kind signal --n 400 --seed 1 --out out/trust
    OMP_NUM_THREADS=1 python benchmarks/trust_roc.py run --kind all --n 40 --seed 1 --out out/trust
    python benchmarks/trust_roc.py report --out out/trust

Every case is strain of 32 s, analysed as `chirpleaf infer` does: spectra are estimated from it. Kinds:

- `signal`: binaries of the prior of the model, signal-to-noise ratio uniform in 10-40, in Gaussian noise of the
  measured spectra of the embedded events;
- `glitch`: one of six families in one detector, 8-40, trigger within 20 ms of it;
- `overlap`: a glitch of signal-to-noise ratio 10-40 within 50 ms of a signal of 15-30;
- `noise`: recorded noise of the embedded events, at least 3 s off the event, the detectors shifted against each other;
- `precessing`: IMRPhenomXPHM, isotropic spins, 12-40; wrong if a true value of `JUDGED` is beyond the 99 % quantiles.

Each case is a line of `KIND-SEED.jsonl`, made once. Thresholds come from seed 1 (glitches: `--families setting`).
"""

import argparse
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from glitch_families import FAMILIES, RATE, Array, Shape, phase
from numpy.typing import NDArray
from rows import append_row, find_missing, read_rows
from trust_curves import is_wrong

from chirpleaf.inference import PreparedData, certify_draws, load_candidates, plan_certification, prepare
from chirpleaf.inference.certify import Certified, Target
from chirpleaf.inference.certify.likelihood import project_signals
from chirpleaf.inference.trust import assess_certified
from chirpleaf.inference.trust.after import examine_posterior
from chirpleaf.models import Model, load_model
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.result.trust import Finding
from chirpleaf.strain.events import events, load_event
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.strain import Strain

LOGGER = logging.getLogger("trust_roc")
KINDS = ("signal", "glitch", "overlap", "noise", "precessing")
EVENTS, DETECTORS = ("GW150914", "GW170814"), ("H1", "L1")
LENGTH, START = 32.0, 1126259446.0
TRIGGER = START + 16.4
APART = 3.0
"""Least time between the trigger and the event of recorded strain, seconds."""
BAND = (20.0, 1800.0)
JUDGED = ("chirp_mass", "mass_ratio", "chi_eff", "luminosity_distance")


class Bench:
    """Noise, signals and glitches of one model."""

    def __init__(self, model: Model, families: str) -> None:
        self.model, self.families = model, FAMILIES[families]
        self.strain = {event: load_event(event) for event in EVENTS}
        data = {event: prepare([model], event) for event in EVENTS}
        self.spectra: dict[str, Mapping[str, PowerSpectralDensity]] = {e: d.spectra for e, d in data.items()}
        self.frequencies = np.arange(round(LENGTH * BAND[0]), round(LENGTH * BAND[1])) / LENGTH

    def make(self, kind: str, rng: np.random.Generator) -> tuple[dict[str, Strain], dict[str, Any]]:
        """Strain of a case, and what is in it."""
        event = EVENTS[rng.integers(len(EVENTS))]
        if kind == "noise":
            return self._shift_recorded(event, rng), {"event": event}
        psd = np.stack([self.spectra[event][name].at(self.frequencies) for name in DETECTORS])
        white = rng.normal(size=psd.shape) + 1j * rng.normal(size=psd.shape)
        spectrum = np.asarray(white * np.sqrt(psd * LENGTH) / 2, dtype=np.complex128)
        truth: dict[str, Any] = {"event": event}
        if kind in ("signal", "overlap", "precessing"):
            ranges = {"signal": (10, 40), "overlap": (15, 30), "precessing": (12, 40)}
            signal, parameters = self._make_signal(kind == "precessing", psd, float(rng.uniform(*ranges[kind])), rng)
            spectrum += signal
            truth["parameters"] = parameters
        if kind in ("glitch", "overlap"):
            row = int(rng.integers(2))
            name = list(self.families)[rng.integers(len(self.families))]
            snr = float(np.exp(rng.uniform(*np.log([8, 40] if kind == "glitch" else [10, 40]))))
            offset = float(rng.uniform(-0.02, 0.02) if kind == "glitch" else rng.uniform(-0.05, 0.05))
            spectrum[row] += self._make_glitch(self.families[name], psd[row], snr, offset, rng)
            truth |= {"family": name, "glitch_snr": snr, "detector": DETECTORS[row], "offset": offset}
        return {name: self._to_strain(name, one) for name, one in zip(DETECTORS, spectrum, strict=True)}, truth

    def _make_signal(
        self, precessing: bool, psd: Array, snr: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.complex128], dict[str, float]]:
        prior = self.model.architecture.prior
        sample = {name: np.asarray(value) for name, value in prior.sample(1, rng).items()}
        sample |= {
            "ra": rng.uniform(0, 2 * np.pi, 1), "dec": np.arcsin(rng.uniform(-1, 1, 1)),
            "theta_jn": np.arccos(rng.uniform(-1, 1, 1)), "psi": rng.uniform(0, np.pi, 1),
            "phase": rng.uniform(0, 2 * np.pi, 1), "luminosity_distance": np.array([1000.0]),
            "geocent_time": TRIGGER + rng.uniform(-0.02, 0.02, 1),
        }  # fmt: skip
        sample["mass_1"], sample["mass_2"] = component_masses(sample["chirp_mass"], sample["mass_ratio"])
        approximant = self.model.architecture.approximant
        if precessing:
            approximant = "IMRPhenomXPHM"
            for index in ("1", "2"):
                size, cosine = rng.uniform(0, 0.99, 1), rng.uniform(-1, 1, 1)
                sample[f"chi_{index}"] = size * cosine
                sample[f"a_{index}"], sample[f"tilt_{index}"] = size, np.arccos(cosine)
                angle = phase(rng)
                for axis, value in (("x", np.cos(angle)), ("y", np.sin(angle))):
                    sample[f"spin_{index}{axis}"] = size * np.sqrt(1 - cosine**2) * value
        grid = Segment(DETECTORS, np.zeros(psd.shape, complex), psd, self.frequencies, LENGTH, TRIGGER)
        if precessing:
            strain = project_precessing(grid, sample)
        else:
            strain = np.concatenate(list(project_signals(grid, sample, WaveformSettings(approximant))))
        loudness = np.sqrt(4 / LENGTH * np.sum(np.abs(strain) ** 2 / psd, axis=1))
        factor = snr / float(np.linalg.norm(loudness))
        q, one, two = (float(sample[name][0]) for name in ("mass_ratio", "chi_1", "chi_2"))
        parameters = {name: float(value[0]) for name, value in sample.items()}
        parameters |= {"luminosity_distance": 1000.0 / factor, "chi_eff": (one + q * two) / (1 + q), "snr": snr}
        parameters |= {f"{name}_snr": float(one) * factor for name, one in zip(DETECTORS, loudness, strict=True)}
        return strain * factor, parameters

    def _make_glitch(
        self, shape: Shape, psd: Array, snr: float, offset: float, rng: np.random.Generator
    ) -> NDArray[np.complex128]:
        t = np.arange(-4 * RATE, 4 * RATE) / RATE
        series = np.zeros(round(LENGTH * RATE))
        series[: len(t)] = shape(t, rng)
        spectrum = np.fft.rfft(series)[round(LENGTH * BAND[0]) : round(LENGTH * BAND[1])] / RATE
        spectrum *= np.exp(2j * np.pi * self.frequencies * (4.0 - offset))
        return np.asarray(spectrum * snr / np.sqrt(4 / LENGTH * np.sum(np.abs(spectrum) ** 2 / psd)))

    def _to_strain(self, name: str, spectrum: NDArray[np.complex128]) -> Strain:
        """Time series of a spectrum whose phases are relative to the trigger."""
        full = np.zeros(round(LENGTH * RATE) // 2 + 1, complex)
        full[round(LENGTH * BAND[0]) : round(LENGTH * BAND[1])] = spectrum
        full[round(LENGTH * BAND[0]) :] *= np.exp(
            -2j * np.pi * np.arange(round(LENGTH * BAND[0]), len(full)) / LENGTH * (TRIGGER - START)
        )
        return Strain(name, np.fft.irfft(full, round(LENGTH * RATE)) * RATE, START, RATE)

    def _shift_recorded(self, event: str, rng: np.random.Generator) -> dict[str, Strain]:
        """Recorded noise, each detector rolled by a time of its own, with the event at least 3 s from the trigger."""
        found = {}
        for name in DETECTORS:
            one = self.strain[event][name]
            middle = len(one.values) // 2
            place = events()[event].trigger_time - one.start_time
            while True:
                shift = round(rng.uniform(5.0, 27.0) * one.sample_rate) - middle
                if abs(START + place - shift / one.sample_rate - TRIGGER) > APART:
                    break
            found[name] = Strain(name, np.roll(one.values, -shift), START, one.sample_rate)
        return found


def project_precessing(grid: Segment, sample: Mapping[str, Array]) -> NDArray[np.complex128]:
    """Signal of a precessing binary in each detector, at the masses and spins of a sample."""
    import lal
    import lalsimulation

    from chirpleaf.physics.detectors import detector, gmst

    value = {name: float(one[0]) for name, one in sample.items()}
    vector = lal.CreateREAL8Vector(len(grid.frequencies))
    vector.data = grid.frequencies
    hp, hc = lalsimulation.SimInspiralChooseFDWaveformSequence(
        value["phase"], value["mass_1"] * lal.MSUN_SI, value["mass_2"] * lal.MSUN_SI,
        value["spin_1x"], value["spin_1y"], value["chi_1"], value["spin_2x"], value["spin_2y"], value["chi_2"],
        20.0, value["luminosity_distance"] * 1e6 * lal.PC_SI, value["theta_jn"], None,
        lalsimulation.GetApproximantFromString("IMRPhenomXPHM"), vector,
    )  # fmt: skip
    sidereal, rows = gmst(grid.reference_time), []
    for one in map(detector, grid.detectors):
        fp, fc = one.antenna_pattern(value["ra"], value["dec"], value["psi"], sidereal)
        arrival = value["geocent_time"] - grid.reference_time + one.time_delay(value["ra"], value["dec"], sidereal)
        rows.append((fp * hp.data.data + fc * hc.data.data) * np.exp(-2j * np.pi * arrival * grid.frequencies))
    return np.array(rows)


def judge(strain: dict[str, Strain], arguments: argparse.Namespace, truth: dict[str, Any]) -> dict[str, Any]:
    """Verdict and every statistic of one case."""
    models = load_candidates(arguments.model)
    plan = plan_certification(models[0].load(), budget=arguments.budget, effective_samples=arguments.samples // 4)
    assert plan is not None
    start = time.perf_counter()
    data = prepare(models, strain=strain, trigger_time=TRIGGER)
    target = plan.make_target(data)
    draws = certify_draws(data, target, plan, samples=arguments.samples, seed=0)
    middle, processor = time.perf_counter(), time.process_time()
    trust = assess_certified(data, draws, target)
    end, processor = time.perf_counter(), time.process_time() - processor
    certificate = draws.certificate
    return {
        "grade": trust.grade.value,
        "reasons": [[one.check, one.level.name, one.message] for one in trust.findings if one.level > 0],
        "snr": trust.network_snr,
        "by_detector": dict(trust.snr),
        "certificate": certificate.to_json(),
        "statistics": collect_statistics(data, draws, target),
        "quantiles": find_quantiles(draws, truth.get("parameters")),
        "seconds": [middle - start, end - middle],
        "checks_processor_seconds": processor,
    }


def collect_statistics(data: PreparedData, draws: Certified, target: Target) -> dict[str, float]:
    """The worst value of every check."""
    if draws.certificate.effective_samples < 1:
        return {}
    segment = data.cut_network_segment()
    found: dict[str, list[Finding]] = {}
    for one in examine_posterior(data.model.architecture, segment, data.source.trigger_time, draws, target):
        found.setdefault(one.check, []).append(one)
    low = ("signal.noise", "signal.glitch", "signal.coherence", "signal.balance")
    return {
        check: (min if check in low else max)(float(one.value or 0.0) for one in several)
        for check, several in found.items()
    }


def find_quantiles(draws: Certified, truth: Mapping[str, float] | None) -> dict[str, float]:
    """Share of the posterior below the truth."""
    if truth is None or not np.isfinite(draws.log_weight).any():
        return {}
    weight = np.exp(draws.log_weight - draws.log_weight.max())
    weight /= weight.sum()
    return {name: float(weight[draws.samples[name] < truth[name]].sum()) for name in JUDGED}


def run(arguments: argparse.Namespace) -> None:
    """Runs the cases that are not there yet."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    bench = Bench(load_model(arguments.model), arguments.families)
    kinds = KINDS if arguments.kind == "all" else (arguments.kind,)
    for index in range(arguments.n):
        for kind in kinds:
            path = arguments.out / f"{kind}-{arguments.families}-{arguments.seed}.jsonl"
            if not find_missing(read_rows(path), [index]):
                continue
            rng = np.random.default_rng([arguments.seed, index, KINDS.index(kind)])
            strain, truth = bench.make(kind, rng)
            try:
                row = judge(strain, arguments, truth)
            except Exception as error:  # a case that ends in an error is a result
                row = {"grade": "ERROR", "error": f"{type(error).__name__}: {error}"}
            row |= {"index": index, "kind": kind, "truth": truth}
            append_row(path, row)
            LOGGER.info(
                f"{kind} {index} {truth.get('family', '')} {row['grade']} {row.get('reasons', row.get('error'))}"
            )


def report(arguments: argparse.Namespace) -> None:
    """Prints the share of each verdict by kind and family, and what each check contributes."""
    for path in sorted(arguments.out.glob("*.jsonl")):
        rows = read_rows(path)
        groups = {"all": rows}
        for row in rows:
            if "family" in row["truth"]:
                groups.setdefault(row["truth"]["family"], []).append(row)
        if rows[0]["kind"] == "precessing":
            groups["wrong"] = [row for row in rows if is_wrong(row)]
        for name, group in groups.items():
            shares = {
                grade: sum(row["grade"] == grade for row in group) for grade in ("PASS", "WARN", "REFUSE", "ERROR")
            }
            LOGGER.info(f"{path.stem} {name}: {len(group)} {shares}")
        checks: dict[str, int] = {}
        for row in rows:
            for check in {f"{one[0]} {one[1]}" for one in row.get("reasons", [])}:
                checks[check] = checks.get(check, 0) + 1
        LOGGER.info(f"   {dict(sorted(checks.items()))}")
        if used := [row["checks_processor_seconds"] for row in rows if "checks_processor_seconds" in row]:
            LOGGER.info(f"   checks: {np.median(used):.2f} s of processor time in the median, {max(used):.2f} at most")


def main() -> None:
    """Run or report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=("run", "report"))
    parser.add_argument("--kind", choices=(*KINDS, "all"), default="all")
    parser.add_argument("--families", choices=FAMILIES, default="report")
    parser.add_argument("--n", type=int, default=400)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--model", default="bbh")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--budget", type=float, default=None, help="seconds; by default the draws end by their number")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    run(arguments) if arguments.task == "run" else report(arguments)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
