"""The refined reference time is near the true arrival, also if no template resembles the signal."""

from typing import Any

import numpy as np
import pytest

from chirpleaf.diagnostics.injections import Injection, inject
from chirpleaf.inference import reference_time
from chirpleaf.inference.reference_time import SearchSettings, refine_reference_time
from chirpleaf.models import Model, load_model
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.strain.noise import EnsembleNoise

EVENTS = 40
TRAINED = 0.0015
"""By how much training moves the reference time, seconds."""


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("bbh-long")


@pytest.fixture(scope="module")
def injections(model: Model) -> list[Injection]:
    rngs = [np.random.default_rng([11, index]) for index in range(EVENTS)]
    return [inject(model, EnsembleNoise(), rng, snr_range=(15.0, 30.0)) for rng in rngs]


def errors(model: Model, injections: list[Injection]) -> np.ndarray:
    """Reference times less the arrivals nearest to them, seconds, shape (EVENTS,)."""
    found = []
    for injection in injections:
        truth = injection.truth
        place, sidereal = (truth["ra"], truth["dec"]), float(gmst(0.0))
        delays = [float(detector(name).time_delay(*place, gmst=sidereal)) for name in model.detectors]
        found_time = refine_reference_time(model, injection.segment).segment.reference_time
        off = found_time - truth["geocent_time"] - np.array(delays)
        found.append(off[np.abs(off).argmin()])
    return np.array(found)


def test_draws_of_the_network_give_the_arrival_time_better_than_templates(
    model: Model, injections: list[Injection], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_draws = np.abs(errors(model, injections))
    assert np.quantile(by_draws, 0.75) < TRAINED
    assert np.quantile(by_draws, 0.9) < 2 * TRAINED
    monkeypatch.setattr(type(model.estimator), "can_propose", False)
    by_templates = np.abs(errors(model, injections))
    assert np.quantile(by_templates, 0.9) > 1.5 * np.quantile(by_draws, 0.9)


def test_draws_about_quiet_reference_times_cost_nothing_and_change_nothing(
    model: Model, injections: list[Injection], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    find = reference_time.find_loudest_waveforms

    def count_tries(model: Model, data: np.ndarray, *others: Any) -> tuple[np.ndarray, np.ndarray]:
        tried.append(len(data))
        return find(model, data, *others)

    monkeypatch.setattr(reference_time, "find_loudest_waveforms", count_tries)
    segments = [injection.segment for injection in injections[:10]]
    some = [refine_reference_time(model, segment).segment.reference_time for segment in segments]
    everywhere = SearchSettings(least_share=0.0)
    every = [refine_reference_time(model, segment, everywhere).segment.reference_time for segment in segments]
    assert some == every
    assert np.mean(tried[:10]) < 8 < min(tried[10:]) == 11
