"""Recipe: from an architecture to a trained model, in one call.

Templates, waveform bank and spectra are made anew from the seed (a minute or two), so a folder with the checkpoint and
the preset is all that a resumed training needs.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning.pytorch.callbacks import Callback

from chirpleaf.errors import InputError
from chirpleaf.models.architecture import Architecture
from chirpleaf.models.estimator import Estimator
from chirpleaf.models.leaves import LeafEstimator
from chirpleaf.models.model import Model
from chirpleaf.physics.detectors import detector
from chirpleaf.strain.ensemble import PsdEnsemble
from chirpleaf.training.banks.bank import WaveformBank, build_waveform_bank
from chirpleaf.training.banks.file import BankFile
from chirpleaf.training.banks.proposal import StratifiedProposal
from chirpleaf.training.banks.source import WaveformSource
from chirpleaf.training.batch import Batch
from chirpleaf.training.engine import fit
from chirpleaf.training.objectives import EvidenceBound, LogScore, Objective, SquaredError
from chirpleaf.training.parallel.communication import DEFAULT, Communication
from chirpleaf.training.parallel.ranks import ALONE, Ranks
from chirpleaf.training.parallel.threads import Machine
from chirpleaf.training.progress import History, read_history
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulator import Simulator
from chirpleaf.training.widths import settle_widths

_SPECTRA_CHUNK = 256


@dataclass(frozen=True)
class Simulation:
    """What is simulated.

    Attributes:
        waveforms: size of the training bank.
        fresh: waveforms of it that each batch renews.
        validation_waveforms: size of the bank of the validation batches, apart from it.
        spectra: power spectral densities drawn for each detector.
        snr_range: least and greatest optimal signal-to-noise of the network (log-uniform between).
        batch_size: examples in a batch.
        validation_batches: batches to validate on.
    """

    waveforms: int = 1_000_000
    fresh: int = 0
    validation_waveforms: int = 20_000
    spectra: int = 8192
    snr_range: tuple[float, float] = (7.0, 60.0)
    batch_size: int = 512
    validation_batches: int = 32


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
    bank: Path | None = None,
    ranks: Ranks = ALONE,
    communication: Communication = DEFAULT,
    callbacks: Sequence[Callback] = (),
) -> Model:
    """Trains a model, on each of the ranks the same.

    Args:
        name: of the model.
        architecture: what to train.
        simulation: on what.
        schedule: how long and how fast.
        out: folder of checkpoint and history, which exists.
        seed: seed of weights, bank, spectra and batches.
        resume: go on from the folder's checkpoint.
        cores: cores that this rank uses; when None, its part of those that are free, or what an interrupted run had.
        start: a trained model of this architecture, whose weights are trained further; fresh ones when None.
        bank: file of waveforms, by `chirpleaf bank`; they are made anew when None.
        ranks: the place of this process among those that train; rank 0 alone writes.
        communication: how ranks average their gradients.
        callbacks: further Lightning callbacks, of rank 0.

    Returns:
        The trained model, with its provenance.

    Raises:
        InputError: there is nothing to resume from, or the bank is of another preset.
    """
    with ranks.joined():
        machine = ranks.agreed(
            Machine.settled(out / "machine.json", cores=cores, resume=resume, ranks=ranks) if ranks.first else None
        )
        torch.set_num_threads(machine.threads)
        torch.manual_seed(seed)
        estimator = start.estimator if start else architecture.build()
        estimator.use_bfloat16(machine.bfloat16)
        source = waveform_source(architecture, seed=seed, ranks=ranks)
        simulator = build_simulator(
            architecture,
            estimator,
            simulation,
            seed=seed,
            workers=machine.cores,
            bank=BankFile(bank).bank(source) if bank else None,
            ranks=ranks,
        )
        validation = validation_batches(simulator, architecture, simulation, seed=seed, ranks=ranks)
        batches = fit(
            estimator.network,
            simulator,
            validation,
            schedule,
            out=out,
            objective=objective(estimator, simulation, schedule),
            seed=seed,
            resume=resume,
            workers=machine.workers,
            ranks=ranks,
            communication=communication,
            callbacks=[History(out / "history.csv"), *callbacks] if ranks.first else (),
        )
        widths = _settled(estimator.eval(), architecture, simulation, seed)
    estimator.use_bfloat16(False)
    provenance = _provenance(simulator, simulation, schedule, seed, out)
    provenance |= {"machine": asdict(machine), "ranks": ranks.size}
    provenance["metrics"]["samples"] = batches * simulation.batch_size
    if widths:
        provenance["widths"] = widths
    if start:
        provenance["start"] = {"model": start.name, **start.provenance}
    return Model(name, architecture, estimator, provenance)


def objective(estimator: Estimator, simulation: Simulation, schedule: Schedule) -> Objective:
    """What training lowers for an estimator; examples of Bayesian leaves are counted by their waveforms."""
    if estimator.can_propose:
        return LogScore(estimator.mixture, alone=schedule.warmup)  # type: ignore[attr-defined]
    targets = estimator.targets  # type: ignore[attr-defined]
    return (
        EvidenceBound(targets, simulation.waveforms) if estimator.kind == "bayesian-leaves" else SquaredError(targets)
    )


def waveform_source(
    architecture: Architecture, *, seed: int, strata: int = StratifiedProposal.n_strata, ranks: Ranks = ALONE
) -> WaveformSource:
    """Where an architecture's training waveforms come from.

    Args:
        architecture: what is trained.
        seed: of the draws.
        strata: of chirp mass that are drawn evenly; 1 draws from the prior.
        ranks: the place of this process.
    """
    proposal, reference = StratifiedProposal(architecture.prior, strata), architecture.reference_weights()
    return WaveformSource(proposal, architecture.grid, reference, architecture.approximant, seed, ranks)


def build_simulator(
    architecture: Architecture,
    estimator: Estimator,
    simulation: Simulation,
    *,
    seed: int,
    strata: int = StratifiedProposal.n_strata,
    workers: int = 1,
    bank: WaveformBank | None = None,
    ranks: Ranks = ALONE,
) -> Simulator:
    """The simulator of training batches.

    Args:
        architecture: what is trained.
        estimator: its estimator.
        simulation: sizes and ranges.
        seed: of bank, spectra and batches.
        strata: see `waveform_source`.
        workers: processes that compute the bank.
        bank: waveforms to draw from; computed when None.
        ranks: the place of this process: such a bank is its part.
    """
    source = waveform_source(architecture, seed=seed, strata=strata, ranks=ranks)
    if bank is None:
        bank = build_waveform_bank(source, simulation.waveforms, fresh=simulation.fresh, workers=workers)
    return Simulator(
        bank=bank,
        proposal=source.proposal,
        estimator=estimator,
        detectors=tuple(detector(name) for name in architecture.detectors),
        spectra=_spectra(architecture, simulation.spectra, seed),
        snr_range=simulation.snr_range,
        batch_size=simulation.batch_size,
        seed=seed,
    )


def validation_batches(
    simulator: Simulator, architecture: Architecture, simulation: Simulation, *, seed: int, ranks: Ranks = ALONE
) -> list[Batch]:
    """Batches of waveforms, spectra and noise that training never sees: those of a rank, of which each has some.

    Raises:
        InputError: there are fewer than ranks.
    """
    if simulation.validation_batches < ranks.size:
        raise InputError(
            f"expected at least a validation batch for each of {ranks.size} ranks; got {simulation.validation_batches}:"
            " raise simulation.validation_batches"
        )
    other = _unseen(simulator.estimator, architecture, simulation, [seed, 1])
    return [other.batch(index) for index in range(ranks.rank, simulation.validation_batches, ranks.size)]


def _settled(estimator: Estimator, architecture: Architecture, simulation: Simulation, seed: int) -> dict[str, float]:
    """Factors by which the widths of Bayesian leaves were settled, on as many events of the prior as in validation."""
    if estimator.kind != "bayesian-leaves":
        return {}
    prior = _unseen(estimator, architecture, simulation, [seed, 2], strata=1)
    return settle_widths(
        cast(LeafEstimator, estimator), [prior.batch(index) for index in range(simulation.validation_batches)], seed
    )


def _unseen(
    estimator: Estimator,
    architecture: Architecture,
    simulation: Simulation,
    seed: list[int],
    strata: int = StratifiedProposal.n_strata,
) -> Simulator:
    """A simulator of waveforms, spectra and noise that training never sees."""
    apart = np.random.SeedSequence(seed).generate_state(1)[0].item()
    small = replace(
        simulation, waveforms=simulation.validation_waveforms, fresh=0, spectra=min(simulation.spectra, 1024)
    )
    return build_simulator(architecture, estimator, small, seed=apart, strata=strata)


def _spectra(architecture: Architecture, n: int, seed: int) -> torch.Tensor:
    """Weights of drawn spectra over the reference weights, (detector, n, n_bins)."""
    grid, reference = architecture.grid, architecture.reference_weights()
    weights = np.empty((len(architecture.detectors), n, grid.n_bins), dtype=np.float32)
    for place, name in enumerate(architecture.detectors):
        ensemble = PsdEnsemble((name,))
        for start in range(0, n, _SPECTRA_CHUNK):
            rng = np.random.default_rng([seed, place, start])
            draws = ensemble.sample(min(_SPECTRA_CHUNK, n - start), grid.native_frequencies, rng)
            weights[place, start : start + _SPECTRA_CHUNK] = grid.weights(draws.values) / reference
    return torch.from_numpy(weights)


def _provenance(
    simulator: Simulator, simulation: Simulation, schedule: Schedule, seed: int, out: Path
) -> dict[str, Any]:
    digest = hashlib.sha256()
    digest.update(simulator.bank.theta.numpy().tobytes())
    digest.update(simulator.spectra.numpy().tobytes())
    rows = read_history(out / "history.csv")
    return {
        "chirpleaf": version("chirpleaf"),
        "torch": torch.__version__,
        "lalsimulation": version("lalsuite"),
        "seed": seed,
        "data_sha256": digest.hexdigest(),
        "simulation": asdict(simulation),
        "schedule": asdict(schedule),
        "metrics": {
            "validation_loss": rows[-1]["validation_loss"],
            "training_loss": rows[-1]["loss"],
            **{name: value for name, value in rows[-1].items() if name == "relative_error"},
            "minutes": rows[-1]["minutes"],
        },
    }
