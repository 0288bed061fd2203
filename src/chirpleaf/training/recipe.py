"""Training of a model by one function: data, optimisation, calibration and provenance."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import torch
from lightning.pytorch.callbacks import Callback

from chirpleaf.models.architecture import Architecture
from chirpleaf.models.estimator import Estimator
from chirpleaf.models.leaves import LeafEstimator
from chirpleaf.models.model import Model
from chirpleaf.models.transfer import begin_with
from chirpleaf.strain.noise import NoiseSource
from chirpleaf.system.checks import check_settings
from chirpleaf.system.progress import report_progress
from chirpleaf.training.calibration import calibrate_intervals
from chirpleaf.training.data import CALIBRATION, build_simulator, held_out_simulator, validation_batches
from chirpleaf.training.engine import fit
from chirpleaf.training.objectives import make_objective
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
        start: trained model whose weights, or those of its encoder and root, the training begins with
            (`models.transfer`); new weights when None.
        noise: source of the noise; the ensemble's when None.
        ranks: the place of this process among the ranks; rank 0 alone writes files.
        communication: how the ranks average their gradients.
        callbacks: further Lightning callbacks, of rank 0.

    Returns:
        The trained model, with its provenance.

    Raises:
        InputError: a setting is out of range, there is no checkpoint to resume from, or the bank belongs to another
            preset.
    """
    for settings in (simulation, schedule, communication):
        check_settings(settings)
    with ranks.connect():
        machine = _prepare_machine(out, seed, cores=cores, resume=resume, ranks=ranks)
        report_progress("templates", 0, 1)
        architecture, estimator = begin_with(start, architecture) if start else (architecture, architecture.build())
        report_progress("templates", 1, 1)
        estimator.network.train()  # a model to begin with comes in evaluation mode, without dropout
        estimator.use_bfloat16(machine.bfloat16)
        setup = (architecture, estimator, simulation)
        validation = validation_batches(*setup, seed=seed, noise=noise, ranks=ranks)
        simulator = build_simulator(*setup, seed=seed, workers=machine.cores, noise=noise, ranks=ranks)
        report_progress("training", 0, schedule.epochs)
        done = fit(
            estimator.network, simulator, validation, schedule, out=out, seed=seed, resume=resume,
            objective=make_objective(estimator, simulation, schedule), workers=machine.workers, ranks=ranks,
            communication=communication,
            callbacks=[History(out / "history.csv"), *callbacks] if ranks.first else (),
        )  # fmt: skip
        widths = _calibrate(estimator.eval(), architecture, simulation, seed, noise)
    estimator.use_bfloat16(False)
    provenance = _describe_training(simulator, simulation, schedule, seed, out, done * simulation.batch_size)
    return Model(name, architecture, estimator, provenance | _describe_run(start, machine, ranks, widths))


def _prepare_machine(out: Path, seed: int, *, cores: int | None, resume: bool, ranks: Ranks) -> Machine:
    """Chooses cores and precision on rank 0, and sets the threads and torch's seed."""
    own = Machine.choose(out / "machine.json", cores=cores, resume=resume, ranks=ranks) if ranks.first else None
    machine = ranks.broadcast(own)
    torch.set_num_threads(machine.threads)
    torch.manual_seed(seed)
    return machine


def _calibrate(
    estimator: Estimator, architecture: Architecture, simulation: Simulation, seed: int, noise: NoiseSource | None
) -> dict[str, float]:
    """Width factors of Bayesian leaves, fitted to as many examples from the prior as there are for validation."""
    if not estimator.has_interval_widths:
        return {}
    prior = replace(simulation, strata=1)
    simulator = held_out_simulator(architecture, estimator, prior, seed=[seed, CALIBRATION], noise=noise)
    batches = [simulator.batch(index) for index in range(simulation.validation_batches)]
    return calibrate_intervals(cast(LeafEstimator, estimator), batches, seed=seed)


def _describe_training(
    simulator: Simulator, simulation: Simulation, schedule: Schedule, seed: int, out: Path, samples: int
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
        "failed_waveforms": simulator.bank.failed_waveforms,
        "simulation": simulation.to_json(),
        "schedule": asdict(schedule),
        "metrics": {
            "validation_loss": rows[-1]["validation_loss"],
            "training_loss": rows[-1]["loss"],
            **{name: value for name, value in rows[-1].items() if name == "relative_error"},
            "minutes": rows[-1]["minutes"],
            "samples": samples,
        },
    }


def _describe_run(start: Model | None, machine: Machine, ranks: Ranks, widths: dict[str, float]) -> dict[str, Any]:
    """Machine and ranks; width factors and the model that was trained further, if there are any."""
    found: dict[str, Any] = {"machine": asdict(machine), "ranks": ranks.size}
    if widths:
        found["widths"] = widths
    if start:
        found["start"] = {"model": start.name, **start.provenance}
    return found
