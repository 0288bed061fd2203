"""Notes of the checks that an answer tells, although they change no verdict."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from chirpleaf.inference.preparation import prepare
from chirpleaf.inference.trust.assessment import examine_draws
from chirpleaf.models import load_model
from chirpleaf.result.trust import Finding, Level


def test_an_end_of_the_prior_that_is_reached_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As is a glitch that is less likely than the signal; notes of checks that found nothing are not."""
    found = (
        Finding("model.wall", Level.NOTE, "reached", value=0.3),
        Finding("model.wall", Level.NOTE, "far away", value=0.01),
        Finding("signal.glitch", Level.NOTE, "no glitch", value=40.0),
        Finding("model.residual", Level.NOTE, "nothing is left", value=1.0),
    )
    monkeypatch.setattr("chirpleaf.inference.trust.after.examine_posterior", lambda *_: found)
    certificate = SimpleNamespace(effective_samples=1000.0)
    draws = SimpleNamespace(samples={"chirp_mass": np.full(9, 30.0)}, log_weight=np.zeros(9), certificate=certificate)
    data = prepare([load_model("bbh")], "GW150914")
    told = examine_draws(data, cast("Any", draws), cast("Any", None))
    assert [one.message for one in told] == ["reached", "no glitch"]
