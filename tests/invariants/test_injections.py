"""Injections: signals of the requested signal-to-noise ratio in noise of any source; evaluation on recorded strain."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from tiny import TinySignal, registered_tiny, tiny_architecture

from chirpleaf.diagnostics.evaluation import MASS_EDGES, evaluate
from chirpleaf.diagnostics.injections import FORMER_FAMILIES, inject, training_noise
from chirpleaf.models import Model, available_models, load_model
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.physics.detectors import detector, gmst, project
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain.ensemble import PsdEnsemble
from chirpleaf.strain.noise import EnsembleNoise, NoiseDraw, RecordedNoise
from chirpleaf.strain.strain import Spectrum


@dataclass(frozen=True)
class OneDraw:
    """A source that gives the same draw again and again, with or without its recorded strain."""

    draw: NoiseDraw
    silent: bool = False

    def sample(
        self, detectors: tuple[str, ...], frequencies: Spectrum, duration: float, rng: np.random.Generator
    ) -> NoiseDraw:
        factor = 0.0 if self.silent else 1.0
        return NoiseDraw(self.draw.psd, duration, "one", factor * self.draw.realise(rng))

    def tabulate(self, *_: object, **__: object) -> None:
        raise NotImplementedError


@pytest.fixture(scope="module")
def recorded() -> RecordedNoise:
    return RecordedNoise.from_events("GW150914")


def test_recorded_strain_is_added_to_the_signal(model: Model, recorded: RecordedNoise) -> None:
    frequencies = model.architecture.grid.native_frequencies
    draw = recorded.sample(model.detectors, frequencies, model.duration, np.random.default_rng(1))
    noisy, silent = (inject(model, OneDraw(draw, off), np.random.default_rng(2)) for off in (False, True))
    np.testing.assert_allclose(noisy.segment.strain - silent.segment.strain, draw.strain, rtol=1e-9, atol=1e-30)
    assert noisy.truth == silent.truth
    assert (noisy.family, noisy.snr) == ("one", silent.snr)
    power = 4 / model.duration * np.sum(np.abs(silent.segment.strain) ** 2 / draw.psd)
    assert silent.snr == pytest.approx(np.sqrt(power))


def test_gaussian_noise_is_added_where_none_is_recorded(model: Model) -> None:
    injection = inject(model, EnsembleNoise(), np.random.default_rng(3), snr_range=(7.0, 8.0))
    whitened = injection.segment.strain / np.sqrt(injection.segment.psd * model.duration / 4)
    assert np.mean(np.abs(whitened) ** 2) / 2 == pytest.approx(1.0, abs=0.05)
    assert 7.0 <= injection.snr <= 8.0


def test_a_model_is_evaluated_on_recorded_strain(model: Model, recorded: RecordedNoise) -> None:
    first, again = (evaluate(model, 6, seed=5, samples=100, noise=recorded) for _ in range(2))
    assert set(first.family) == {"GW150914"}
    assert np.all((first.snr >= 7.0) & (first.snr <= 60.0))
    for name, ranks in first.ranks.items():
        assert np.all((ranks >= 0) & (ranks <= 1))
        np.testing.assert_array_equal(ranks, again.ranks[name])
    other = evaluate(model, 6, seed=5, samples=100)
    assert set(other.family) != {"GW150914"}


def signal_of(model: Model, seed: int = 2) -> tuple[dict[str, float], np.ndarray]:
    """Truth and strain of an injection without noise."""
    frequencies = model.architecture.grid.native_frequencies
    draw = NoiseDraw(np.ones((2, len(frequencies))), model.duration, "flat")
    injection = inject(model, OneDraw(draw, silent=True), np.random.default_rng(seed))
    return injection.truth, injection.segment.strain


def test_the_signal_is_that_of_lalsimulation(model: Model) -> None:
    truth, strain = signal_of(model)
    frequencies = model.architecture.grid.native_frequencies
    hp, hc = polarizations(truth, frequencies, model.architecture.approximant)
    sky = (truth["ra"], truth["dec"], truth["psi"], float(gmst(0.0)))
    for row, name in zip(strain, model.detectors, strict=True):
        expected = project(hp, hc, detector(name), *sky, frequencies, truth["geocent_time"])[0]
        np.testing.assert_allclose(row, expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())


@pytest.fixture
def tiny() -> Iterator[Model]:
    """An untrained network of the tiny signal and space."""
    with registered_tiny(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = MixtureSettings(n_components=2, n_hidden=8)
        architecture = tiny_architecture(root=ResidualSettings(width=16, n_blocks=1), n_context=8, head=head)
        yield Model("tiny", architecture, architecture.build().eval(), {})


def test_the_signal_is_that_of_the_signal_model(tiny: Model) -> None:
    truth, strain = signal_of(tiny)
    frequencies, signal, moment = tiny.architecture.grid.native_frequencies, TinySignal(), float(gmst(0.0))
    for row, name in zip(strain, tiny.detectors, strict=True):
        fp, fc = detector(name).antenna_pattern(truth["ra"], truth["dec"], truth["psi"], moment)
        arrival = truth["geocent_time"] + detector(name).time_delay(truth["ra"], truth["dec"], moment)
        second, third = signal.series(truth, frequencies)[0] * np.exp(-2j * np.pi * frequencies * arrival)
        turn = np.exp(1j * truth["phase"])
        pattern = fp * (1 + np.cos(truth["theta_jn"]) ** 2) / 2 - 1j * fc * np.cos(truth["theta_jn"])
        expected = pattern * (turn**2 * second + np.sin(truth["theta_jn"]) * turn**3 * third)
        np.testing.assert_allclose(row, expected / truth["luminosity_distance"], rtol=1e-9, atol=1e-40)


def test_a_model_of_another_signal_is_evaluated(tiny: Model) -> None:
    found = evaluate(tiny, 3, seed=1, samples=50)
    assert {"chirp_mass", "mass_ratio"} <= set(found.ranks)
    assert np.all((found.truths["chirp_mass"] > 25) & (found.truths["chirp_mass"] < 45))


def test_a_model_is_evaluated_on_the_families_that_it_was_trained_on(model: Model) -> None:
    assert training_noise(model).ensemble.families == FORMER_FAMILIES
    for simulation, families in (
        ({"spectra": 9}, FORMER_FAMILIES),
        ({"spectra": 9, "subsets": None}, PsdEnsemble.families),
        ({"spectra": 9, "subsets": None, "families": ["O2"]}, ("O2",)),
    ):
        trained = replace(model, provenance={"simulation": simulation})
        assert training_noise(trained).ensemble.families == families
    assert set("/".join(evaluate(trained, 2, samples=10).family).split("/")) == {"O2"}


@pytest.mark.parametrize("name", sorted(available_models()))
def test_the_groups_of_an_evaluation_hold_every_binary_of_a_shipped_model(name: str) -> None:
    lowest, highest = load_model(name).architecture.prior.chirp_mass_range
    assert MASS_EDGES[0] <= lowest < highest <= MASS_EDGES[-1]
