"""Whole analyses of strain that is not what it claims to be, and of single detectors: each gets its verdict.

The strain is that of GW150914, 15.4 s before the trigger and 16.6 s after it.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

import chirpleaf
from chirpleaf.errors import InputError
from chirpleaf.result import Posterior
from chirpleaf.result.trust import Finding, Grade, Level
from chirpleaf.strain import Strain, load_event
from chirpleaf.strain.events import events

TRIGGER = events()["GW150914"].trigger_time
QUIET = TRIGGER - 6.0


def analyse(strain: Mapping[str, Strain], trigger: float = TRIGGER) -> Posterior:
    found = chirpleaf.infer(
        strain=strain, trigger_time=trigger, model="bbh", samples=600, effective_samples=100, seed=1
    )
    assert isinstance(found, Posterior)
    return found


def refusals(found: Posterior) -> dict[str, Finding]:
    return {one.check: one for one in found.trust.findings if one.level is Level.REFUSE}


def add_glitch(strain: Mapping[str, Strain], name: str, time: float, height: float = 1.2e-21) -> dict[str, Strain]:
    """Strain with a sine-Gaussian of 90 Hz, of a signal-to-noise ratio of 15 by default."""
    one = strain[name]
    t = one.times - time
    burst = height * np.exp(-((2 * np.pi * 90 * t / 9) ** 2)) * np.cos(2 * np.pi * 90 * t)
    return {**strain, name: replace(one, values=one.values + burst)}


def test_samples_in_reversed_order_are_refused() -> None:
    """The other detector has a signal, and the reversed one noise: that was trusted."""
    strain = load_event("GW150914")
    found = analyse({**strain, "H1": replace(strain["H1"], values=strain["H1"].values[::-1].copy())})
    placed = refusals(found)["data.placement"]
    assert placed.detector == "H1"
    assert "lies +1.16 s from the merger, backwards in time" in placed.message
    assert found.trust.grade is Grade.REFUSE


def test_a_start_that_is_wrong_by_eight_seconds_is_refused() -> None:
    strain = load_event("GW150914")
    found = analyse({**strain, "L1": replace(strain["L1"], start_time=strain["L1"].start_time - 8.0)})
    placed = refusals(found)["data.placement"]
    assert placed.detector == "L1"
    assert "lies -8.0" in placed.message
    assert "backwards" not in placed.message


def test_both_detectors_in_reversed_order_are_refused_as_no_binary() -> None:
    reversed_ = {name: replace(one, values=one.values[::-1].copy()) for name, one in load_event("GW150914").items()}
    middle = reversed_["H1"].start_time + reversed_["H1"].duration / 2
    found = analyse(reversed_, 2 * middle - TRIGGER)
    assert {"signal.glitch", "model.residual"} <= set(refusals(found))
    assert found.certificate is not None
    assert found.certificate.stopped == "refused"


@pytest.mark.parametrize("name", ["H1", "L1"])
def test_a_signal_in_one_detector_is_trusted(name: str) -> None:
    found = analyse({name: load_event("GW150914")[name]})
    assert found.trust.grade is Grade.PASS
    assert [one.check for one in found.trust.findings] == ["signal.glitch"]  # the others need two detectors


def test_a_glitch_in_one_detector_is_refused_before_most_draws() -> None:
    strain = add_glitch(load_event("GW150914"), "L1", QUIET)
    alone = analyse({"L1": strain["L1"]}, QUIET)
    assert "one detector cannot tell the two apart by coherence" in refusals(alone)["signal.glitch"].message
    both = analyse(strain, QUIET)
    assert "a glitch in L1" in refusals(both)["signal.glitch"].message
    for found in (alone, both):
        assert found.certificate is not None
        assert (found.certificate.stopped, found.certificate.draws < 1000) == ("refused", True)


@pytest.mark.parametrize("height", [1.2e-21, 2e-20])
def test_a_glitch_on_the_signal_is_refused(height: float) -> None:
    """Most answers near a glitch missed the truth; a burst of 2e-20 ended with an IndexError."""
    found = analyse(add_glitch(load_event("GW150914"), "L1", TRIGGER - 0.02, height))
    assert {"signal.glitch", "model.residual", "data.burst"} & set(refusals(found))


@pytest.mark.parametrize("names", [("H1",), ("H1", "L1")])
def test_noise_is_refused_before_most_draws(names: tuple[str, ...]) -> None:
    strain = load_event("GW150914")
    found = analyse({name: strain[name] for name in names}, QUIET)
    assert {"signal.noise", "signal.snr"} <= set(refusals(found))
    assert found.certificate is not None
    assert (found.certificate.stopped, found.certificate.draws < 1000) == ("refused", True)


@pytest.mark.parametrize("names", [("L1",), ("H1", "L1")])
def test_twelve_seconds_of_zeros_are_no_data(names: tuple[str, ...]) -> None:
    """They came back with a table, a corner plot and a sky map."""
    strain = {name: Strain(name, np.zeros(12 * 4096), TRIGGER - 8.0, 4096.0) for name in names}
    with pytest.raises(InputError, match=f"{names[0]}"):
        analyse(strain)
    recorded = load_event("GW150914")
    values = recorded["H1"].values.copy()
    values[np.abs(recorded["H1"].times - TRIGGER) < 6.0] = 0.0
    with pytest.raises(InputError, match=r"H1 .*expected"):
        analyse({**recorded, "H1": replace(recorded["H1"], values=values)})
