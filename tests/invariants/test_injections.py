"""Injections: signals of the requested signal-to-noise ratio in noise of any source; evaluation on recorded strain."""

from dataclasses import dataclass

import numpy as np
import pytest

from chirpleaf.diagnostics.evaluation import evaluate
from chirpleaf.diagnostics.injections import inject
from chirpleaf.models import Model
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
