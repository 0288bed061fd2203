"""Ablation of the convolutional root: errors by signal-to-noise ratio, changing one choice of its preset at a time.

    OMP_NUM_THREADS=1 python benchmarks/convolutional_ablation.py --minutes 30 --out out/convolutional-ablation

Each variant trains for the same processor time (`--minutes`, of one core that also simulates), with a complete cosine
schedule, and is measured on simulated events of its own prior in bins of signal-to-noise ratio. The number of steps
follows from the processor time of some steps at the beginning, so a busy machine changes nothing. The script resumes: a
finished variant is a row of `rows.json`, and an unfinished one goes on from its checkpoint. It prints the table of the
rows, with ratios to the canonical root, which trains for the same time. `--only` names variants; `--list` prints names.
"""

import argparse
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import torch
from simulated_events import estimate_simulated

from chirpleaf.cli.lightning import silence_lightning
from chirpleaf.config import Preset, read_preset, vary_preset
from chirpleaf.diagnostics.errors import SPINS, absolute_errors, relative_errors
from chirpleaf.models import Model, load_model
from chirpleaf.models.leaves import LeafEstimator
from chirpleaf.training.banks.bank import WaveformBank, build_waveform_bank
from chirpleaf.training.batch import Batch
from chirpleaf.training.data import build_simulator, waveform_source
from chirpleaf.training.engine import fit
from chirpleaf.training.objectives import make_objective
from chirpleaf.training.parallel.threads import bfloat16_pays
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulator import Simulator

LOGGER = logging.getLogger("convolutional_ablation")
PRESETS = Path(str(resources.files("chirpleaf.training"))) / "presets"
EDGES = (8.0, 12.0, 16.0, 20.0, 30.0, 40.0, 50.0)
CANONICAL = "canonical root"
TIMED, UNTIMED, EPOCHS = 20, 5, 10
"""Steps that are timed, steps before them, and epochs of a variant."""

COMPARED = {"detectors": ["H1", "L1"], "simulation": {"subsets": None}}
"""Changes of every variant, so that all have the detectors of the canonical root."""

Changes = Mapping[str, Any]


def name_variants(preset: Preset) -> dict[str, tuple[str, Changes]]:
    """Preset and changes of each variant, by name."""
    layers = preset.model_dump(mode="json")["root"]["layers"]
    native = {"fold": 16, "widest": 1 / preset.duration}
    raw = {"rate": 2048, "n_samples": 2048, "before": 0.75}
    long = [{"kernel": 32, "channels": 48, "stride": 4}, {"kernel": 16, "channels": 64, "stride": 4}, *layers[2:]]
    alone = {"coherent": False}

    def change_layers(**changes: Any) -> Changes:
        return {"root": {"layers": [{**layer, **changes} for layer in layers]}}

    def scale_channels(factor: float) -> Changes:
        return {"root": {"layers": [{**layer, "channels": round(factor * layer["channels"])} for layer in layers]}}

    own: dict[str, Changes] = {
        "preset": {},
        "aligned by phase": {**native, "series": {**raw, "align": "phase"}, "root": {"layers": long}},
        "aligned in time": {
            **native,
            "series": {**raw, **alone, "align": "time"},
            "root": {"layers": long, "detectors": "channels"},
        },
        "not aligned, 0.1 s": {
            **native,
            "series": {**raw, **alone, "align": "none", "arrival": 0.1},
            "root": {"layers": long, "detectors": "channels"},
        },
        "no context": {"series": {"context": False}, "root": {"conditions": 0}},
        "context after the root alone": {"root": {"conditions": 0}},
        "not scaled by the SNR": {"series": {"scale": False}},
        "detectors as channels": {"series": alone, "root": {"detectors": "channels"}},
        "detectors pooled": {"series": alone, "root": {"detectors": "pooled"}},
        "half the filters": scale_channels(0.5),
        "twice the filters": scale_channels(2),
        "first kernel 16": {"root": {"layers": [{**layers[0], "kernel": 16}, *layers[1:]]}},
        "first stride 4": {"root": {"layers": [{**layers[0], "stride": 4}, {**layers[1], "stride": 1}, *layers[2:]]}},
        "maximum pooling": {
            "root": {"layers": [{**layer, "stride": 1, "pool": layer.get("stride", 1)} for layer in layers]}
        },
        "normalisation": {"root": {"normalisation": "group"}},
        "residual links": {"root": {"residual": True}},
        "rate 2048": {"series": {"rate": 2048, "n_samples": 2 * preset.series.n_samples}} if preset.series else {},
        "window of 0.22 s": {"series": {"n_samples": 224}},
        "window twice as long": {"series": {"n_samples": 512}},
        "random shifts of 5 ms": {"series": {"arrival": 0.005}},
        "AdamW alone": {"schedule": {"muon": None}},
        "twice the rates": {"schedule": {"learning_rate": 1.6e-3, "muon": 4e-3}},
        "half the rates": {"schedule": {"learning_rate": 4e-4, "muon": 1e-3}},
        "constant rates": {"schedule": {"cosine": False}},
        "batch of 128": {"simulation": {"batch_size": 128}},
        "loud signals first": {"simulation": {"curriculum": {"snr_min": 30.0, "batches": 1}}},
        "no dropout": {"head": {"dropout": 0.0}},
        "float32": {"root": {"bfloat16": False}},
        "contiguous memory": {"root": {"channels_last": False}},
        "few fresh waveforms": {"simulation": {"fresh": 4}},
    }
    others: dict[str, tuple[str, Changes]] = {CANONICAL: ("canonical", {})}
    return others | {name: ("convolutional", changes) for name, changes in own.items()}


@lru_cache(maxsize=1)
def share_bank(preset_json: str, seed: int, waveforms: int, fresh: int) -> WaveformBank:
    """Waveforms of a grid, computed once for the variants that have it one after another."""
    preset = Preset.model_validate_json(preset_json)
    source = waveform_source(preset.architecture(), seed=seed, strata=preset.simulation.strata)
    return build_waveform_bank(source, waveforms, fresh=fresh)


def build_training(preset: Preset, estimator: LeafEstimator) -> Simulator:
    """Simulator of a variant; variants of one grid share their waveforms."""
    architecture, simulation = preset.architecture(), preset.simulation
    default = Preset(name="bank")
    unused = ("encoder", "root", "head", "schedule")  # what waveforms do not depend on
    others: dict[str, Any] = {"name": default.name, "detectors": ("H1",), "series": None, "arrival_margin": None}
    others["simulation"] = replace(simulation, subsets=None, curriculum=None, batch_size=1)
    bare = preset.model_copy(update=others | {field: getattr(default, field) for field in unused})
    bank = share_bank(bare.model_dump_json(), preset.seed, simulation.waveforms, simulation.fresh)
    return build_simulator(architecture, estimator, simulation, seed=preset.seed, bank=bank)


def time_step(preset: Preset, simulator: Simulator, estimator: LeafEstimator) -> float:
    """Processor time of a step with its simulation, seconds."""
    times = []
    for steps in (UNTIMED, UNTIMED + TIMED):
        schedule = replace(preset.schedule, epochs=1, batches=steps, stop_below=None)
        with TemporaryDirectory() as folder:
            start = time.process_time()
            train(preset, estimator, simulator, schedule, Path(folder), resume=False)
            times.append(time.process_time() - start)
    return max(times[1] - times[0], 1e-3) / TIMED


def train(
    preset: Preset, estimator: LeafEstimator, simulator: Simulator, schedule: Schedule, folder: Path, *, resume: bool
) -> None:
    """Train an estimator in place."""
    objective = make_objective(estimator, preset.simulation, schedule)
    held_out: list[Batch] = [simulator.batch(10**9)]
    fit(
        estimator.network, simulator, held_out, schedule, out=folder, objective=objective, seed=preset.seed,
        resume=resume,
    )  # fmt: skip


def build_estimator(preset: Preset) -> LeafEstimator:
    """Estimator with the initial weights of the preset's seed."""
    torch.manual_seed(preset.seed)
    estimator = cast(LeafEstimator, preset.architecture().build())  # all variants have leaves
    estimator.use_bfloat16(bfloat16_pays())
    return estimator


def measure_errors(preset: Preset, estimator: LeafEstimator, events: int) -> dict[str, list[float]]:
    """Median error of each leaf by bin of signal-to-noise ratio, on all detectors of the preset."""
    errors: dict[str, list[float]] = {name: [] for name in estimator.quantities}
    for estimates, truth in estimate_simulated(preset, estimator, EDGES, events):
        for name, row in errors.items():
            away = absolute_errors if name in SPINS else relative_errors
            row.append(float(np.median(away(estimates[name].numpy(), truth[name].numpy()))))
    return errors


def run_variant(preset: Preset, folder: Path, minutes: float, events: int) -> dict[str, Any]:
    """Train and measure a variant, or go on with it; returns its row."""
    folder.mkdir(parents=True, exist_ok=True)
    estimator = build_estimator(preset)
    simulator, plan = build_training(preset, estimator), folder / "plan.json"
    if not plan.exists():
        step = time_step(preset, simulator, estimator)
        plan.write_text(json.dumps({"milliseconds": 1e3 * step, "steps": max(EPOCHS, round(60 * minutes / step))}))
        estimator = build_estimator(preset)
        simulator = replace(simulator, estimator=estimator)
    known = json.loads(plan.read_text())
    batches = max(1, known["steps"] // EPOCHS)
    steps = EPOCHS * batches
    schedule = replace(
        preset.schedule, epochs=EPOCHS, batches=batches, stop_below=None,
        warmup=min(preset.schedule.warmup, max(1, steps // 10)), ema_decay=min(0.999, 1 - 10 / steps),
    )  # fmt: skip
    if preset.simulation.curriculum is not None:  # over the first half of the training
        curriculum = replace(preset.simulation.curriculum, batches=max(1, steps // 2))
        simulator = replace(simulator, curriculum=curriculum)
    train(preset, estimator, simulator, schedule, folder, resume=(folder / "last.ckpt").exists())
    weights = sum(weight.numel() for weight in estimator.network.parameters())
    return {**known, "weights": weights, "errors": measure_errors(preset, estimator, events)}


def measure_shipped(name: str, events: int) -> dict[str, Any]:
    """Row of a trained model on the same kind of events."""
    model: Model = load_model(name)
    preset = read_preset(PRESETS / "canonical.yaml")
    fields = {field: getattr(model.architecture, field) for field in ("detectors", "prior", "duration", "fold")}
    wanted = {"widest", "templates", "series", "encoder", "root", "n_context", "head", "delay", "arrival_margin"}
    fields |= {field: getattr(model.architecture, field) for field in wanted}
    own = preset.model_copy(update=fields)
    n_weights = model.n_parameters
    return {"milliseconds": 0.0, "steps": 0, "weights": n_weights, "errors": measure_errors(own, model.leaves, events)}


def print_table(rows: Mapping[str, dict[str, Any]]) -> None:
    """Print errors by bin, and their mean ratio to those of the canonical root."""
    bins = [f"{low:g}-{high:g}" for low, high in pairwise(EDGES)]
    LOGGER.info(f"| variant | leaf | ms a step | steps | weights | {' | '.join(bins)} | to canonical |")
    LOGGER.info(f"|---|---|---|---|---|{'---|' * len(bins)}---|")
    reference = rows.get(CANONICAL, {}).get("errors", {})
    for name, row in rows.items():
        for leaf, errors in row["errors"].items():
            ratio = f"{np.mean(np.divide(errors, reference[leaf])):.3f}" if leaf in reference else ""
            cells = " | ".join(f"{error:.4f}" for error in errors)
            LOGGER.info(
                f"| {name} | {leaf} | {row['milliseconds']:.1f} | {row['steps']} | {row['weights']:,} | {cells} | "
                f"{ratio} |"
            )


def main() -> None:
    """Run the variants that have no row yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="processor time of each training")
    parser.add_argument("--events", type=int, default=2048, help="events in each bin")
    parser.add_argument("--waveforms", type=int, default=50_000, help="waveforms of the bank")
    parser.add_argument("--spectra", type=int, default=2048)
    parser.add_argument("--only", nargs="*", default=[], help="names of variants")
    parser.add_argument("--shipped", nargs="*", default=[], help="trained models to measure as well")
    parser.add_argument("--list", action="store_true", help="print the names of the variants")
    parser.add_argument("--out", type=Path, default=Path("out/convolutional-ablation"))
    arguments = parser.parse_args()
    silence_lightning()
    torch.set_num_threads(1)
    variants = name_variants(read_preset(PRESETS / "convolutional.yaml"))
    if arguments.list:
        LOGGER.info("\n".join(variants))
        return
    unknown = [name for name in arguments.only if name not in variants]
    if unknown:
        parser.error(f"expected variants that --list prints; got {', '.join(unknown)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "rows.json"
    rows: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
    sizes = {"waveforms": arguments.waveforms, "spectra": arguments.spectra, "validation_batches": 1}
    for name in arguments.only or list(variants):
        if name in rows:
            continue
        base, changes = variants[name]
        preset = vary_preset(read_preset(PRESETS / f"{base}.yaml"), COMPARED)
        preset = vary_preset(vary_preset(preset, changes), {"simulation": sizes})
        folder = arguments.out / name.replace(",", "").replace(" ", "-")
        rows[name] = run_variant(preset, folder, arguments.minutes, arguments.events)
        path.write_text(json.dumps(rows, indent=1))
        LOGGER.info(f"{name}: {rows[name]}")
    for name in arguments.shipped:
        if f"shipped {name}" not in rows:
            rows[f"shipped {name}"] = measure_shipped(name, arguments.events)
            path.write_text(json.dumps(rows, indent=1))
    print_table(rows)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
