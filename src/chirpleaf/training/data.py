"""Training data of an architecture: the source of its waveforms, its simulator, its validation batches.

Waveforms, noise spectra and batches follow from the seed, so a folder with a checkpoint and a preset is enough to
resume a training. Nothing here needs Lightning.
"""

from dataclasses import replace

import numpy as np
import torch

from chirpleaf.errors import InputError
from chirpleaf.models.architecture import Architecture
from chirpleaf.models.estimator import Estimator
from chirpleaf.physics.detectors import detector
from chirpleaf.strain.ensemble import PsdEnsemble
from chirpleaf.training.banks.bank import WaveformBank, build_waveform_bank
from chirpleaf.training.banks.file import BankFile
from chirpleaf.training.banks.proposal import StratifiedProposal
from chirpleaf.training.banks.source import WaveformSource
from chirpleaf.training.batch import Batch
from chirpleaf.training.parallel.ranks import ALONE, Ranks
from chirpleaf.training.simulation import Simulation
from chirpleaf.training.simulator import Simulator

_SPECTRA_CHUNK = 256

VALIDATION, CALIBRATION = 1, 2
"""Numbers that are joined to the seed of a training for data that the training itself must not use."""


def waveform_source(
    architecture: Architecture, *, seed: int, strata: int = Simulation.strata, ranks: Ranks = ALONE
) -> WaveformSource:
    """Makes the source of an architecture's training waveforms.

    Args:
        architecture: the architecture to train.
        seed: seed of the binaries.
        strata: intervals of ln(chirp mass) from which the same number of binaries is drawn; see `Simulation`.
        ranks: the place of this process.

    Returns:
        The source.
    """
    proposal, reference = StratifiedProposal(architecture.prior, strata), architecture.reference_weights()
    return WaveformSource(proposal, architecture.grid, reference, architecture.approximant, seed, ranks)


def build_simulator(
    architecture: Architecture,
    estimator: Estimator,
    simulation: Simulation,
    *,
    seed: int,
    workers: int = 1,
    bank: WaveformBank | None = None,
    ranks: Ranks = ALONE,
) -> Simulator:
    """Builds the simulator of training batches.

    Args:
        architecture: the architecture to train.
        estimator: the estimator of that architecture.
        simulation: settings of the data.
        seed: seed of bank, noise spectra and batches.
        workers: processes that compute the bank.
        bank: this rank's waveforms; when None, read from `simulation.bank` or computed.
        ranks: the place of this process.

    Returns:
        The simulator.

    Raises:
        InputError: the file `simulation.bank` belongs to another preset or is not finished.
    """
    source = waveform_source(architecture, seed=seed, strata=simulation.strata, ranks=ranks)
    if bank is None and simulation.bank is not None:
        bank = BankFile(simulation.bank).bank(source)
    if bank is None:
        bank = build_waveform_bank(source, simulation.waveforms, fresh=simulation.fresh, workers=workers)
    return Simulator(
        bank=bank,
        proposal=source.proposal,
        estimator=estimator,
        detectors=tuple(detector(name) for name in architecture.detectors),
        spectra=_spectra(architecture, simulation.spectra, seed),
        snr_range=simulation.snr_range,
        jitter=simulation.jitter,
        batch_size=simulation.batch_size,
        seed=seed,
    )


def validation_batches(
    estimator: Estimator,
    architecture: Architecture,
    simulation: Simulation,
    *,
    seed: int,
    ranks: Ranks = ALONE,
) -> list[Batch]:
    """Simulates this rank's validation batches, with waveforms, spectra and noise that training never uses.

    Args:
        estimator: the estimator to validate.
        architecture: its architecture.
        simulation: settings of the training data.
        seed: seed of the training.
        ranks: the place of this process; the ranks share the batches.

    Returns:
        The batches.

    Raises:
        InputError: there are fewer batches than ranks.
    """
    if simulation.validation_batches < ranks.size:
        raise InputError(
            f"expected at least a validation batch for each of {ranks.size} ranks; got {simulation.validation_batches}:"
            " raise simulation.validation_batches"
        )
    simulator = held_out_simulator(estimator, architecture, simulation, seed=[seed, VALIDATION])
    return [simulator.batch(index) for index in range(ranks.rank, simulation.validation_batches, ranks.size)]


def held_out_simulator(
    estimator: Estimator, architecture: Architecture, simulation: Simulation, *, seed: list[int]
) -> Simulator:
    """Builds a simulator of waveforms, spectra and noise that training never uses.

    Args:
        estimator: the estimator.
        architecture: its architecture.
        simulation: settings of the training data.
        seed: seed of the training, and the number of the use: `VALIDATION` or `CALIBRATION`.

    Returns:
        The simulator.
    """
    other_seed = np.random.SeedSequence(seed).generate_state(1)[0].item()
    held_out = replace(
        simulation,
        waveforms=simulation.validation_waveforms,
        fresh=0,
        spectra=min(simulation.spectra, simulation.validation_spectra),
        bank=None,
    )
    return build_simulator(architecture, estimator, held_out, seed=other_seed)


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
