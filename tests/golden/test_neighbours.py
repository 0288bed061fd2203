"""Shipped models beyond an end of a model's chirp masses are tried where the posterior comes near to it."""

import numpy as np
import pytest

from chirpleaf.inference.preparation import PreparedData, prepare
from chirpleaf.inference.trust.neighbours import examine_neighbours
from chirpleaf.models import load_model
from chirpleaf.result.trust import Level

N = 1000


@pytest.fixture(scope="module")
def foreign() -> PreparedData:
    """GW150914, whose chirp mass is twice the greatest one of the model."""
    return prepare([load_model("bbh-middle")], "GW150914")


def test_a_heavier_model_that_finds_a_louder_signal_refuses_the_answer(foreign: PreparedData) -> None:
    (found,) = examine_neighbours(foreign, np.linspace(15.5, 15.99, N), np.zeros(N))
    assert found.level is Level.REFUSE
    assert "choose --model bbh" in found.message


def test_posteriors_away_from_the_end_cost_nothing(foreign: PreparedData, monkeypatch: pytest.MonkeyPatch) -> None:
    """Impossible draws do not count, wherever they lie."""
    monkeypatch.setattr("chirpleaf.inference.trust.neighbours.posteriors", None)
    log_weight = np.where(np.arange(N) < N / 2, 0.0, np.nan)
    assert examine_neighbours(foreign, np.repeat([10.0, 15.9], N // 2), log_weight) == ()


def test_lighter_models_that_find_nothing_louder_are_no_reason() -> None:
    """GW150914 by the model that it belongs to, with draws next to its least chirp mass."""
    data = prepare([load_model("bbh")], "GW150914")
    assert examine_neighbours(data, np.full(N, 12.1), np.zeros(N)) == ()
