"""Simulated data: coherent signals of the requested signal-to-noise ratio, white noise, reproducible batches."""

from collections.abc import Callable
from dataclasses import replace

import lal
import numpy as np
import pytest
import torch
from scipy.stats import kstest
from torch import Tensor

from chirpleaf.errors import InputError
from chirpleaf.models import Architecture, Model
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.detectors import detector, project
from chirpleaf.physics.extrinsic_prior import ExtrinsicPrior
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain.noise import EnsembleNoise, NoiseSource, RecordedNoise
from chirpleaf.training.batch import Batch
from chirpleaf.training.data import build_simulator
from chirpleaf.training.simulation import Simulation
from chirpleaf.training.simulator import Simulator
from chirpleaf.training.subsets import SubsetSettings, sample_present

N = 3000


@pytest.fixture(scope="module")
def simulator(architecture: Architecture, model: Model) -> Simulator:
    simulation = Simulation(waveforms=4000, spectra=64, batch_size=64)
    return build_simulator(architecture, model.estimator, simulation, seed=3)


def signals(simulator: Simulator, n: int = N, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Dominant series (n, bin), noise-free signals and weights (n, detector, bin)."""
    series, generator = torch.view_as_complex(simulator.bank.series[:n].float()), torch.Generator().manual_seed(seed)
    weights = simulator.noise.weights_at(simulator.noise.sample_rows(n, generator))
    signal = simulator.simulate_signal(series, weights, np.random.default_rng(seed), generator)
    return series[:, simulator.signal_model.dominant], signal, weights


def log_place(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.log(values / low) / np.log(high / low)


def test_optimal_signal_to_noise_is_log_uniform(simulator: Simulator) -> None:
    snr = signals(simulator)[1].abs().square().sum((1, 2)).sqrt().numpy()
    low, high = simulator.snr_range
    assert low * 0.999 < snr.min() < low * 1.1
    assert high * 0.9 < snr.max() < high * 1.001
    assert kstest(log_place(snr, low, high), "uniform").pvalue > 1e-3
    assert kstest((snr - low) / (high - low), "uniform").pvalue < 1e-6


def test_signals_are_the_projected_waveforms(simulator: Simulator) -> None:
    """Up to distance and a common arrival time, which the simulator sets: every other factor by other means."""
    _, signal, weights = signals(simulator, 200)
    grid = simulator.estimator.canonical.grid
    frequencies = grid.frequencies
    chirp_mass, mass_ratio, chi_1, chi_2 = simulator.bank.theta[:200].numpy().T
    mass_1, mass_2 = component_masses(chirp_mass, mass_ratio)
    where = ExtrinsicPrior().sample(200, np.random.default_rng(0))
    binaries = {"mass_1": mass_1, "mass_2": mass_2, "chi_1": chi_1, "chi_2": chi_2}
    binaries |= {name: where[name] for name in ("luminosity_distance", "theta_jn", "phase")}
    hp, hc = polarizations(binaries, frequencies)
    whitening = grid.carrier(frequencies) * simulator.estimator.canonical.reference_weights
    strain = np.stack(
        [
            project(hp, hc, one, where["ra"], where["dec"], where["psi"], 0.0, frequencies)
            for one in simulator.detectors
        ],
        axis=1,
    )
    expected = strain * whitening * weights.numpy()
    ratio = signal.numpy() * expected.conj()
    # What is left is one delay, the same in both detectors, within the error of the trigger plus the light travel.
    delays = np.linspace(-0.03, 0.03, 3001)
    turned = np.abs(ratio.sum(1) @ np.exp(2j * np.pi * np.outer(frequencies, delays)))
    best = delays[turned.argmax(1)]
    aligned = signal.numpy() * np.exp(2j * np.pi * best[:, None, None] * frequencies)
    norms = np.linalg.norm(aligned, axis=(1, 2)) * np.linalg.norm(expected, axis=(1, 2))
    overlap = np.sum(aligned * expected.conj(), axis=(1, 2)) / norms
    assert overlap.real.min() > 0.999
    assert np.abs(overlap.imag).max() < 0.03


def arrival_after(simulator: Simulator, first: Tensor, second: Tensor) -> np.ndarray:
    """Arrival of the second of two signals (n, bin) after the first (s), from the slope of their relative phase."""
    frequencies = simulator.estimator.canonical.grid.frequencies
    strong = first.abs() > 1e-2 * first.abs().amax(1, keepdim=True)
    relative = np.unwrap(np.angle((second * first.conj()).numpy()), axis=1)
    slopes = [
        np.polyfit(frequencies[use], phase[use], 1)[0] for use, phase in zip(strong.numpy(), relative, strict=True)
    ]
    return -np.array(slopes) / (2 * np.pi)


def test_arrival_times_differ_as_light_travels(simulator: Simulator) -> None:
    _, signal, _ = signals(simulator, 500)
    found = arrival_after(simulator, signal[:, 0], signal[:, 1])
    where = ExtrinsicPrior().sample(500, np.random.default_rng(0))
    first, second = (detector(name).time_delay(where["ra"], where["dec"], 0.0) for name in ("H1", "L1"))
    np.testing.assert_allclose(found, second - first, atol=2e-5)
    h1, l1 = (lal.cached_detector_by_prefix[name] for name in ("H1", "L1"))
    light = lal.LightTravelTime(h1, l1) * 1e-9
    assert np.abs(found).max() < light + 2e-5
    # Isotropic sources: the delay is uniform over what light allows.
    assert kstest(found / light, "uniform", args=(-1, 2)).pvalue > 1e-3


def test_the_loudest_detector_sees_the_merger_near_the_reference_time(simulator: Simulator) -> None:
    _, signal, weights = signals(simulator, 300, seed=2)
    canonical = simulator.estimator.canonical(signal, weights)
    loudest = canonical.time.gather(1, canonical.snr.argmax(1, keepdim=True))[:, 0].numpy()
    # A template is not the signal: its peak lies up to some milliseconds from the merger.
    assert np.median(np.abs(loudest)) < simulator.jitter
    assert np.mean(np.abs(loudest) < simulator.jitter + 0.004) > 0.95
    assert np.abs(canonical.time.numpy()).max() <= 0.0145


def test_the_reference_time_is_off_by_up_to_the_jitter(simulator: Simulator) -> None:
    """Of the loudest detector, whose arrival it is: uniform, and neither zero nor twice as wide."""
    series, signal, _ = signals(simulator, 500, seed=4)
    loudest = signal.abs().square().sum(-1).argmax(1)
    own = signal[torch.arange(500), loudest]
    times = arrival_after(simulator, series, own)
    assert kstest(times / simulator.jitter, "uniform", args=(-1, 2)).pvalue > 1e-3
    assert np.abs(times).max() < simulator.jitter + 2e-5
    wider = replace(simulator, jitter=2 * simulator.jitter)
    _, signal, _ = signals(wider, 500, seed=4)
    np.testing.assert_allclose(arrival_after(wider, series, signal[torch.arange(500), loudest]), 2 * times, atol=4e-5)


def test_absent_detectors_do_not_count_for_the_loudness(simulator: Simulator) -> None:
    series, generator = torch.view_as_complex(simulator.bank.series[:200].float()), torch.Generator().manual_seed(0)
    weights = simulator.noise.weights_at(simulator.noise.sample_rows(200, generator))
    present = torch.ones(200, 2, dtype=torch.bool)
    present[:100, 0] = present[100:, 1] = False
    signal = simulator.simulate_signal(series, weights, np.random.default_rng(0), generator, present)
    power = signal.abs().square().sum(-1)
    snr = torch.where(present, power, 0.0).sum(1).sqrt()
    low, high = simulator.snr_range
    assert low * 0.999 < snr.min()
    assert snr.max() < high * 1.001
    assert torch.equal((signal != 0).any(-1), present)


def test_subsets_are_drawn_as_often_as_the_settings_say() -> None:
    settings = SubsetSettings(sizes=(0.5, 0.5, 0.0), weights=(2.0, 1.0, 1.0))
    generator = torch.Generator().manual_seed(0)
    drawn = sample_present(20_000, 3, settings, generator)
    size = drawn.sum(1)
    assert size.unique().tolist() == [1, 2]
    assert (size == 1).float().mean() == pytest.approx(0.5, abs=0.02)
    assert drawn[size == 1].float().mean(0).tolist() == pytest.approx([0.5, 0.25, 0.25], abs=0.02)
    # Of the pairs, (1, 2), (1, 3) and (2, 3) have the weights 2, 2 and 1.
    assert (~drawn[size == 2]).float().mean(0).tolist() == pytest.approx([0.2, 0.4, 0.4], abs=0.02)
    doubled = SubsetSettings(sizes=(3.0, 3.0, 0.0), weights=(2.0, 1.0, 1.0)).probabilities(3)[1]
    np.testing.assert_allclose(doubled, settings.probabilities(3)[1])
    assert doubled.sum() == pytest.approx(1.0)
    before = generator.get_state()
    assert sample_present(5, 3, None, generator).all()
    assert torch.equal(before, generator.get_state())


@pytest.mark.parametrize("settings", [SubsetSettings((1.0,), (1.0,)), SubsetSettings((0.0, 0.0), (1.0, 1.0))])
def test_impossible_subsets_are_refused(settings: SubsetSettings) -> None:
    with pytest.raises(InputError, match=r"expected subsets.sizes .*; got .*: give"):
        sample_present(3, 2, settings, torch.Generator())


def test_absent_detectors_have_neither_signal_nor_noise(simulator: Simulator) -> None:
    with_subsets = replace(simulator, subsets=SubsetSettings(sizes=(1.0, 1.0), weights=(1.0, 1.0)), batch_size=64)
    tokens = with_subsets.batch(0).tokens
    assert tokens.present.sum(1).unique().tolist() == [1, 2]
    assert torch.equal((tokens.values != 0).any(-1), tokens.present)
    assert all(torch.isfinite(part).all() for part in flat(with_subsets.batch(1)))


@pytest.mark.parametrize("source", [RecordedNoise.from_events("GW170814"), EnsembleNoise()])
def test_other_sources_of_noise_make_batches(architecture: Architecture, model: Model, source: NoiseSource) -> None:
    simulation = Simulation(waveforms=100, spectra=32, batch_size=256, snr_range=(1e-6, 2e-6))
    simulator = build_simulator(architecture, model.estimator, simulation, seed=3, noise=source)
    batch = simulator.batch(0)
    assert all(torch.isfinite(part).all() for part in flat(batch))
    assert 0.9 < power_of_the_series(simulator, batch) < 1.2


def test_noise_is_white_and_not_the_same_twice(simulator: Simulator) -> None:
    quiet = replace(simulator, snr_range=(1e-6, 2e-6), batch_size=256)
    first, second = quiet.batch(0), quiet.batch(1)
    assert not torch.equal(first.tokens.values, second.tokens.values)
    assert power_of_the_series(quiet, first) == pytest.approx(1.0, abs=0.02)


def power_of_the_series(simulator: Simulator, batch: Batch) -> float:
    """Mean square of the canonical series' real and imaginary parts."""
    n_bands, n = simulator.estimator.canonical.n_bands, len(batch.weight)
    scaled = batch.tokens.values[..., : 2 * n_bands].reshape(n, 2, n_bands, 2)
    snr = (batch.tokens.values[..., 3 * n_bands] + 2.5).exp().norm(dim=1)
    return float((scaled * (snr / 10).sqrt()[:, None, None, None]).square().mean())


def flat(batch: Batch) -> list[Tensor]:
    """All tensors of a batch."""
    return [*batch.tokens, *batch[1:]]


def test_a_batch_is_a_function_of_seed_and_index(simulator: Simulator) -> None:
    first = simulator.batch(7)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        torch.rand(5)
        again = replace(simulator).batch(7)
    assert all(torch.equal(one, two) for one, two in zip(flat(first), flat(again), strict=True))
    for other in (simulator.batch(8), replace(simulator, seed=4).batch(7)):
        assert not torch.equal(other.target, first.target)


def test_batches_have_the_shapes_and_coordinates_they_say(simulator: Simulator) -> None:
    batch = simulator.batch(0)
    estimator = simulator.estimator
    layout = estimator.canonical.layout
    assert batch.tokens.values.shape == (64, layout.n_detectors, sum(layout.sections))
    assert batch.tokens.shared.shape == (64, layout.n_shared)
    assert batch.tokens.present.all()
    assert batch.target.shape == (64, 4)
    assert all(torch.isfinite(part).all() for part in flat(batch))
    assert (batch.weight > 0).all()
    assert batch.target[:, 0].abs().median() < 3


def test_weights_undo_the_strata_but_for_a_function_of_the_data(simulator: Simulator) -> None:
    loud = replace(simulator, snr_range=(50.0, 60.0), batch_size=512)
    weights = torch.cat([loud.batch(index).weight for index in range(4)])
    assert float((weights - 1).abs().median()) < 0.5
    assert 0.5 < float(weights.mean()) < 2.0


def test_every_detector_has_spectra_of_its_own(simulator: Simulator) -> None:
    weights = signals(simulator, 400)[2]
    assert not torch.allclose(weights[:, 0], weights[:, 1])
    for place, own in enumerate(simulator.noise.weights):
        used = (weights[:, place, None, :8] == own[None, :, :8]).all(-1)
        assert used.any(1).all()
        assert used.any(0).float().mean() > 0.95


def test_no_examples_outweigh_a_batch(shipped: Callable[[str], Architecture]) -> None:
    """Light binaries' templates reach to where the prior has next to nothing: noise chooses those as well as others."""
    architecture = shipped("bbh-long")
    simulator = build_simulator(architecture, architecture.build(), Simulation(waveforms=2000, spectra=64), seed=5)
    weight = torch.cat([simulator.batch(index).weight for index in range(8)])
    assert weight.sum() ** 2 / weight.square().sum() > 0.7 * len(weight)
    assert weight.max() < 10 * weight.mean()
