"""A second signal model and space, of two harmonics and two parameters, from bank to calibrated posterior."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import PRIOR, TinySignal, registered_tiny, tiny_architecture
from torch import Tensor

from chirpleaf.models import Architecture, Model
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.physics.detectors import detector
from chirpleaf.physics.extrinsic_prior import ExtrinsicPrior
from chirpleaf.training.banks.file import BankFile
from chirpleaf.training.banks.source import WaveformSource
from chirpleaf.training.data import build_simulator, held_out_simulator, waveform_source
from chirpleaf.training.progress import read_history
from chirpleaf.training.recipe import train
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulation import Simulation
from chirpleaf.training.simulator import Simulator, signal_power

SIMULATION = Simulation(
    waveforms=8192, validation_waveforms=2000, spectra=128, snr_range=(15.0, 40.0), batch_size=128, validation_batches=4
)
N = 300


@pytest.fixture(scope="module", autouse=True)
def registered() -> object:
    """The tiny model and space among those that an architecture may name."""
    with registered_tiny():
        yield


@pytest.fixture(scope="module")
def tiny(registered: object) -> Architecture:
    head = MixtureSettings(n_components=6, n_hidden=32)
    return tiny_architecture(root=ResidualSettings(width=64, n_blocks=2), n_context=32, head=head)


@pytest.fixture(scope="module")
def source(tiny: Architecture) -> WaveformSource:
    return waveform_source(tiny, seed=3)


@pytest.fixture(scope="module")
def simulator(tiny: Architecture) -> Simulator:
    return build_simulator(tiny, tiny.build(), replace(SIMULATION, waveforms=N), seed=3)


def test_a_row_holds_the_series_with_one_joint_norm(tiny: Architecture, source: WaveformSource) -> None:
    theta, series = source.rows(0, 50)
    assert theta.shape == (50, 2)
    assert series.shape == (50, 2, tiny.grid.n_bins, 2)
    found = series[..., 0] + 1j * series[..., 1].astype(np.complex128)
    np.testing.assert_allclose(np.sum(np.abs(found) ** 2, axis=(1, 2)), 1.0, atol=2e-3)
    expected = TinySignal().series(tiny.space.unstack(theta), tiny.grid.frequencies)
    expected = expected * tiny.grid.carrier(tiny.grid.frequencies) * tiny.reference_weights()
    expected /= np.sqrt(np.sum(np.abs(expected) ** 2, axis=(1, 2), keepdims=True))
    np.testing.assert_allclose(found, expected, atol=5e-4)
    shares = np.sum(np.abs(found[:, 1]) ** 2, axis=1)
    assert shares.max() > 0.02
    assert shares.min() < 0.005


def test_a_file_keeps_all_series(source: WaveformSource, tmp_path: Path) -> None:
    file = BankFile.create(tmp_path / "bank.h5", source, 300, 128)
    pieces = file.missing()
    assert list(file.write(((piece, source.rows(piece.start, piece.stop)) for piece in pieces), seed=3)) == pieces
    theta, series = source.first(300)
    assert torch.equal(file.bank(source).theta, theta)
    assert torch.equal(file.bank(source).series, series)


def simulated(simulator: Simulator) -> tuple[Tensor, Tensor, Tensor]:
    """Series, weights, and signals that the simulator makes of them with the sky of seed 5."""
    series, generator = torch.view_as_complex(simulator.bank.series.float()), torch.Generator().manual_seed(1)
    weights = simulator.noise.weights_at(simulator.noise.sample_rows(N, generator))
    return series, weights, simulator.simulate_signal(series, weights, np.random.default_rng(5), generator)


def test_the_signal_is_the_sum_over_the_series(simulator: Simulator) -> None:
    """By a loop over binaries and detectors, up to the distance and an arrival time common to the detectors."""
    series, weights, signal = simulated(simulator)
    where = ExtrinsicPrior().sample(N, np.random.default_rng(5))
    frequencies = simulator.estimator.canonical.grid.frequencies
    delays = np.linspace(-0.03, 0.03, 6001)
    for row in range(0, N, 10):
        expected = []
        for place, name in enumerate(("H1", "L1")):
            sky = (where["ra"][row], where["dec"][row])
            fp, fc = detector(name).antenna_pattern(*sky, where["psi"][row], gmst=0.0)
            one = sum(
                factor * series[row, index].numpy()
                for index, factor in enumerate(
                    TinySignal().response(fp, fc, where["theta_jn"][row], where["phase"][row])
                )
            )
            delay = np.exp(-2j * np.pi * frequencies * detector(name).time_delay(*sky, gmst=0.0))
            expected.append(one * delay * weights[row, place].numpy())
        ratio = (signal[row].numpy() * np.conj(expected)).sum(0)
        turned = np.abs(ratio @ np.exp(2j * np.pi * np.outer(frequencies, delays)))
        aligned = signal[row].numpy() * np.exp(2j * np.pi * delays[turned.argmax()] * frequencies)
        overlap = np.vdot(expected, aligned) / np.linalg.norm(expected) / np.linalg.norm(aligned)
        assert overlap.real > 0.9999
        assert abs(overlap.imag) < 0.01


def test_the_loudness_counts_both_series_and_what_they_share(simulator: Simulator) -> None:
    series, weights, signal = simulated(simulator)
    snr = signal.abs().square().sum((1, 2)).sqrt()
    low, high = simulator.snr_range
    assert low * 0.999 < snr.min()
    assert snr.max() < high * 1.001
    response = torch.randn(N, 2, 2, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    whole = torch.einsum("nds,nsf->ndf", response, series) * weights
    torch.testing.assert_close(signal_power(series, response, weights), whole.abs().square().sum(-1))
    alone = sum(signal_power(series[:, [s]], response[..., [s]], weights) for s in (0, 1))
    assert ((alone - whole.abs().square().sum(-1)) / alone).abs().max() > 1e-3


@pytest.mark.usefixtures("one_thread_and_a_seed")
def test_training_learns_a_calibrated_posterior(tiny: Architecture, tmp_path: Path) -> None:
    schedule = Schedule(epochs=6, batches=100, learning_rate=3e-3, warmup=30, ema_decay=0.98)
    model = train("tiny", tiny, SIMULATION, schedule, out=tmp_path, seed=1, cores=1)
    losses = [row["validation_loss"] for row in read_history(tmp_path / "history.csv")]
    assert losses[-1] < losses[0] - 0.3
    places, widths = ranks_and_widths(model)
    for place in places.T:
        inside_50, inside_90 = ((place - 0.5).abs().lt(level / 2).float().mean() for level in (0.5, 0.9))
        assert 0.40 < inside_50 < 0.60
        assert 0.84 < inside_90 < 0.96
    low, high = PRIOR.chirp_mass_range
    assert widths[0] < 0.2 * (high - low) / 12**0.5


@torch.no_grad()
def ranks_and_widths(model: Model, batches: int = 4, draws: int = 200) -> tuple[Tensor, Tensor]:
    """Percentile ranks of true values (n, 2) among draws, and median standard deviations (2,), under the prior."""
    estimator = model.posterior
    simulation = replace(SIMULATION, strata=1)
    simulator = held_out_simulator(model.architecture, estimator, simulation, seed=[1, 7])
    found, spread = [], []
    for index in range(batches):
        generator, rng = torch.Generator().manual_seed(index), np.random.default_rng(index)
        rows = simulator.bank.sample_rows(index, simulator.batch_size, generator)
        noise_rows = simulator.noise.sample_rows(simulator.batch_size, generator)
        weights = simulator.noise.weights_at(noise_rows)
        series = torch.view_as_complex(simulator.bank.series[rows].float())
        data = simulator.simulate_signal(series, weights, rng, generator)
        data += simulator.noise.sample_noise(noise_rows, generator)
        theta, _ = estimator.sample(estimator.preprocess(data, weights), draws, generator)
        found.append((theta < simulator.bank.theta[rows]).double().mean(0))
        spread.append(theta.std(0))
    return torch.cat(found), torch.cat(spread).median(0).values
