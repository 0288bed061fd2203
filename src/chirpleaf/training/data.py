"""Training data of an architecture: the source of its waveforms, its simulator, its validation batches.

Waveforms, noise spectra and batches follow from the seed, so a folder with a checkpoint and a preset is enough to
resume a training. Nothing here needs Lightning.
"""

from dataclasses import replace

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.models.architecture import Architecture
from chirpleaf.models.estimator import Estimator
from chirpleaf.physics.detectors import detector
from chirpleaf.strain.noise import NoiseSource
from chirpleaf.system.progress import report_progress
from chirpleaf.training.banks.bank import WaveformBank, build_waveform_bank
from chirpleaf.training.banks.file import BankFile
from chirpleaf.training.banks.proposal import StratifiedProposal
from chirpleaf.training.banks.source import WaveformSource
from chirpleaf.training.batch import Batch
from chirpleaf.training.noise import TabulatedNoise
from chirpleaf.training.parallel.ranks import ALONE, Ranks
from chirpleaf.training.simulation import Simulation
from chirpleaf.training.simulator import Simulator

VALIDATION, CALIBRATION = 1, 2
"""Numbers that extend the seed of a training, for data that the training itself must not use."""


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
    return WaveformSource(
        proposal=StratifiedProposal(architecture.space.prior, strata),
        parameters=architecture.space.names,
        signal=architecture.signal_model,
        grid=architecture.grid,
        reference_weights=architecture.reference_weights(),
        seed=seed,
        ranks=ranks,
    )


def build_simulator(
    architecture: Architecture,
    estimator: Estimator,
    simulation: Simulation,
    *,
    seed: int,
    workers: int = 1,
    bank: WaveformBank | None = None,
    noise: NoiseSource | None = None,
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
        noise: source of the noise; that of the settings when None.
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
    report_progress("noise spectra", 0, simulation.spectra)
    table = (noise or simulation.make_noise(architecture.detectors)).tabulate(
        architecture.detectors, source.grid, source.reference_weights, simulation.spectra, seed=seed
    )
    report_progress("noise spectra", simulation.spectra, simulation.spectra)
    return Simulator(
        bank=bank,
        proposal=source.proposal,
        parameters=source.parameters,
        signal_model=source.signal,
        estimator=estimator,
        detectors=tuple(detector(name) for name in architecture.detectors),
        noise=TabulatedNoise.from_table(table),
        snr_range=simulation.snr_range,
        curriculum=simulation.curriculum,
        subsets=simulation.subsets,
        jitter=simulation.jitter,
        batch_size=simulation.batch_size,
        seed=seed,
    )


def validation_batches(
    architecture: Architecture,
    estimator: Estimator,
    simulation: Simulation,
    *,
    seed: int,
    noise: NoiseSource | None = None,
    ranks: Ranks = ALONE,
) -> list[Batch]:
    """Simulates this rank's validation batches, with waveforms, spectra and noise that training never uses.

    Args:
        architecture: the architecture to train.
        estimator: the estimator of that architecture.
        simulation: settings of the training data.
        seed: seed of the training.
        noise: source of the noise; that of the settings when None.
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
    simulator = held_out_simulator(architecture, estimator, simulation, seed=[seed, VALIDATION], noise=noise)
    return [simulator.batch(index) for index in range(ranks.rank, simulation.validation_batches, ranks.size)]


def held_out_simulator(
    architecture: Architecture,
    estimator: Estimator,
    simulation: Simulation,
    *,
    seed: list[int],
    noise: NoiseSource | None = None,
) -> Simulator:
    """Builds a simulator of waveforms, spectra and noise that training never uses.

    Args:
        architecture: the architecture to train.
        estimator: the estimator of that architecture.
        simulation: settings of the training data.
        seed: seed of the training, and the number of the use: `VALIDATION` or `CALIBRATION`.
        noise: source of the noise; that of the settings when None.

    Returns:
        The simulator.
    """
    other_seed = np.random.SeedSequence(seed).generate_state(1)[0].item()
    held_out = replace(
        simulation,
        waveforms=simulation.validation_waveforms,
        fresh=0,
        curriculum=None,
        spectra=min(simulation.spectra, simulation.validation_spectra),
        bank=None,
    )
    return build_simulator(architecture, estimator, held_out, seed=other_seed, noise=noise)
