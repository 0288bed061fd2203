"""Training of a model in one call: data, optimisation, calibration and provenance."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import torch
from lightning.pytorch.callbacks import Callback

from chirpleaf.models.architecture import Architecture
from chirpleaf.models.estimator import Estimator, EstimatorKind
from chirpleaf.models.leaves import LeafEstimator
from chirpleaf.models.model import Model
from chirpleaf.models.posterior import PosteriorEstimator
from chirpleaf.strain.noise import NoiseSource
from chirpleaf.training.calibration import calibrate_intervals
from chirpleaf.training.data import CALIBRATION, build_simulator, held_out_simulator, validation_batches
from chirpleaf.training.engine import fit
from chirpleaf.training.objectives import EvidenceBound, LogScore, Objective, SquaredError
from chirpleaf.training.parallel.communication import DEFAULT_COMMUNICATION, Communication
from chirpleaf.training.parallel.ranks import ALONE, Ranks
from chirpleaf.training.parallel.threads import Machine
from chirpleaf.training.progress import History, read_history
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulation import Simulation
from chirpleaf.training.simulator import Simulator


def train(
    name: str,
    architecture: Architecture,
    simulation: Simulation,
    schedule: Schedule,
    *,
    out: Path,
    seed: int = 0,
    resume: bool = False,
    cores: int | None = None,
    start: Model | None = None,
    noise: NoiseSource | None = None,
    ranks: Ranks = ALONE,
    communication: Communication = DEFAULT_COMMUNICATION,
    callbacks: Sequence[Callback] = (),
) -> Model:
    """Trains a model; called in the same way on each rank.

    Args:
        name: name of the model.
        architecture: the architecture to train.
        simulation: settings of the data.
        schedule: settings of the optimisation.
        out: folder of checkpoint and history, which exists.
        seed: seed of weights, bank, noise spectra and batches.
        resume: whether to go on from the folder's checkpoint.
        cores: cores that this rank uses; when None, those of the interrupted training or its share of the free ones.
        start: trained model of this architecture whose weights are trained further; new weights when None.
        noise: source of the noise; the ensemble's when None.
        ranks: the place of this process among the ranks; rank 0 alone writes files.
        communication: how the ranks average their gradients.
        callbacks: further Lightning callbacks, of rank 0.

    Returns:
        The trained model, with its provenance.

    Raises:
        InputError: there is no checkpoint to resume from, or the bank belongs to another preset.
    """
    with ranks.connect():
        machine = ranks.broadcast(
            Machine.choose(out / "machine.json", cores=cores, resume=resume, ranks=ranks) if ranks.first else None
        )
        torch.set_num_threads(machine.threads)
        torch.manual_seed(seed)
        estimator = start.estimator if start else architecture.build()
        estimator.use_bfloat16(machine.bfloat16)
        simulator = build_simulator(
            architecture, estimator, simulation, seed=seed, workers=machine.cores, noise=noise, ranks=ranks
        )
        done = fit(
            estimator.network,
            simulator,
            validation_batches(estimator, architecture, simulation, seed=seed, noise=noise, ranks=ranks),
            schedule,
            out=out,
            objective=make_objective(estimator, simulation, schedule),
            seed=seed,
            resume=resume,
            workers=machine.workers,
            ranks=ranks,
            communication=communication,
            callbacks=[History(out / "history.csv"), *callbacks] if ranks.first else (),
        )
        widths = _calibrate(estimator.eval(), architecture, simulation, seed, noise)
    estimator.use_bfloat16(False)
    provenance = _provenance(simulator, simulation, schedule, seed, out)
    provenance |= {"machine": asdict(machine), "ranks": ranks.size}
    provenance["metrics"]["samples"] = done * simulation.batch_size
    if widths:
        provenance["widths"] = widths
    if start:
        provenance["start"] = {"model": start.name, **start.provenance}
    return Model(name, architecture, estimator, provenance)


def make_objective(estimator: Estimator, simulation: Simulation, schedule: Schedule) -> Objective:
    """Makes the objective of an estimator.

    Args:
        estimator: the estimator to train.
        simulation: settings of the data; Bayesian leaves count their examples by the waveforms.
        schedule: settings of the optimisation; a density is trained without background during the warm-up.

    Returns:
        The objective.
    """
    return OBJECTIVES[estimator.kind](estimator, simulation, schedule)


def _log_score(estimator: Estimator, simulation: Simulation, schedule: Schedule) -> Objective:
    return LogScore(cast(PosteriorEstimator, estimator).mixture, foreground_steps=schedule.warmup)


def _squared_error(estimator: Estimator, simulation: Simulation, schedule: Schedule) -> Objective:
    return SquaredError(cast(LeafEstimator, estimator).targets)


def _evidence_bound(estimator: Estimator, simulation: Simulation, schedule: Schedule) -> Objective:
    return EvidenceBound(cast(LeafEstimator, estimator).targets, simulation.waveforms)


OBJECTIVES: Mapping[EstimatorKind, Callable[[Estimator, Simulation, Schedule], Objective]] = {
    "posterior": _log_score,
    "leaves": _squared_error,
    "bayesian-leaves": _evidence_bound,
}
"""Function that makes the objective, for each kind of estimator."""


def _calibrate(
    estimator: Estimator, architecture: Architecture, simulation: Simulation, seed: int, noise: NoiseSource | None
) -> dict[str, float]:
    """Width factors of Bayesian leaves, fitted to as many examples from the prior as there are for validation."""
    if estimator.kind != "bayesian-leaves":
        return {}
    prior = replace(simulation, strata=1)
    simulator = held_out_simulator(estimator, architecture, prior, seed=[seed, CALIBRATION], noise=noise)
    batches = [simulator.batch(index) for index in range(simulation.validation_batches)]
    return calibrate_intervals(cast(LeafEstimator, estimator), batches, seed=seed)


def _provenance(
    simulator: Simulator, simulation: Simulation, schedule: Schedule, seed: int, out: Path
) -> dict[str, Any]:
    """Versions, seed, hash of the data, settings and metrics, as JSON values."""
    digest = hashlib.sha256()
    digest.update(simulator.bank.theta.numpy().tobytes())
    digest.update(simulator.noise.weights.numpy().tobytes())
    rows = read_history(out / "history.csv")
    return {
        "chirpleaf": version("chirpleaf"),
        "torch": torch.__version__,
        "lalsimulation": version("lalsuite"),
        "seed": seed,
        "data_sha256": digest.hexdigest(),
        "simulation": simulation.to_json(),
        "schedule": asdict(schedule),
        "metrics": {
            "validation_loss": rows[-1]["validation_loss"],
            "training_loss": rows[-1]["loss"],
            **{name: value for name, value in rows[-1].items() if name == "relative_error"},
            "minutes": rows[-1]["minutes"],
        },
    }
