"""Answers that are refused before all draws are made: only those that no draw could save."""

from dataclasses import replace

import numpy as np
import pytest

from chirpleaf.inference import prepare
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.trust.before import Preliminary, examine_before
from chirpleaf.inference.trust.observation import examine_observation
from chirpleaf.models import load_model
from chirpleaf.result.trust import Finding, Level
from chirpleaf.strain.wavelets import Burst

LOUD = Burst(100.0, 15.0, 0.0, 100.0, 5.0, 1)
QUIET = replace(LOUD, log_evidence=-3.0)
WARNING = Finding("data.power", Level.WARN, "power")


def known(*bursts: Burst, snr: float, findings: tuple[Finding, ...] = ()) -> Preliminary:
    return Preliminary(findings, dict(zip(("H1", "L1"), bursts, strict=False)), snr)


@pytest.mark.parametrize(
    ("before", "refused"),
    [
        pytest.param(known(QUIET, QUIET, snr=8.0), False, id="a signal"),
        pytest.param(known(QUIET, QUIET, snr=8.0, findings=(WARNING,)), False, id="doubtful data"),
        pytest.param(
            known(QUIET, QUIET, snr=8.0, findings=(replace(WARNING, level=Level.REFUSE),)), True, id="refused data"
        ),
        pytest.param(known(QUIET, LOUD, snr=12.0), True, id="12^2 / 2 / 0.9 = 80 nats against 99.3 of a glitch"),
        pytest.param(known(QUIET, LOUD, snr=13.5), False, id="101 nats against 99.3 of a glitch"),
        pytest.param(known(LOUD, snr=12.0), True, id="one detector"),
    ],
)
def test_what_no_draw_can_save_is_refused_before_any(before: Preliminary, refused: bool) -> None:
    assert before.refused is refused
    assert before.rules_out(1e3) is refused


@pytest.mark.parametrize(
    ("before", "greatest", "refused"),
    [
        pytest.param(known(QUIET, QUIET, snr=6.0), 0.1, True, id="0.1 + 3 + 1.8 < 5: noise"),
        pytest.param(known(QUIET, QUIET, snr=6.0), 0.3, False, id="noise would need 0.1 more"),
        pytest.param(known(QUIET, LOUD, snr=13.5), 83.0, True, id="83 + 3 + 9.1 < 99.3 - 3: a glitch"),
        pytest.param(known(QUIET, LOUD, snr=13.5), 85.0, False, id="a glitch, less certain"),
        pytest.param(known(QUIET, QUIET, snr=12.0), 60.0, False, id="a signal"),
        pytest.param(known(QUIET, QUIET, snr=12.0), -np.inf, False, id="no draw is possible"),
    ],
)
def test_the_first_draws_bound_the_evidence(before: Preliminary, greatest: float, refused: bool) -> None:
    assert not before.refused
    assert before.rules_out(greatest) is refused


@pytest.mark.parametrize("event", ["GW150914", "GW170814"])
def test_events_are_not_refused_before_their_draws(event: str) -> None:
    before = examine_before(prepare([load_model("bbh")], event))
    assert not before.refused
    assert set(before.bursts) >= {"H1", "L1"}
    half = before.snr**2 / 2
    assert not before.rules_out(half - 15.0)  # what the volume of the prior costs


class Heaviest(Observation):
    """Data whose best template is the heaviest one."""

    @property
    def chirp_mass(self) -> float:
        return float(self.model.estimator.canonical.chirp_mass.max())


class Lightest(Observation):
    @property
    def chirp_mass(self) -> float:
        return float(self.model.estimator.canonical.chirp_mass.min())


@pytest.mark.parametrize(
    ("kind", "certified", "refused"),
    [(Heaviest, True, False), (Heaviest, False, True), (Lightest, True, True), (Lightest, False, True)],
)
def test_the_heaviest_template_refuses_no_certified_answer(
    kind: type[Observation], certified: bool, refused: bool
) -> None:
    """Its posterior is compared with the end of the prior; three of twenty-four signals of the prior were refused."""
    seen = prepare([load_model("bbh")], "GW150914").observation
    found = examine_observation(
        kind(seen.model, seen.segment, seen.canonical, seen.snr_by_detector), certified=certified
    )
    assert [one.check for one in found] == ["model.template"] * refused
