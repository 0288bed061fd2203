"""Flaws of samples: gaps, constant samples and bursts are found; noise, signals and small glitches are not."""

from dataclasses import replace

import numpy as np
import pytest

from chirpleaf.strain.events import events, load_event
from chirpleaf.strain.flaws import FlawSettings, find_flaws
from chirpleaf.strain.strain import Strain

RATE, TRIGGER = 1024.0, 16.0
NOISE = Strain("H1", np.random.default_rng(0).normal(size=round(32 * RATE)), 0.0, RATE)


def changed(start: float, end: float, value: float | np.ndarray) -> Strain:
    values = NOISE.values.copy()
    values[round(start * RATE) : round(end * RATE)] = value
    return replace(NOISE, values=values)


def burst(time: float, height: float, frequency: float = 100.0) -> Strain:
    """A sine-Gaussian of some periods, with a height in standard deviations of white noise."""
    t = NOISE.times - time
    shape = np.exp(-0.5 * (t / 0.02) ** 2) * np.cos(2 * np.pi * frequency * t)
    return replace(NOISE, values=NOISE.values + height * shape)


def test_good_noise_has_no_flaws() -> None:
    found = find_flaws(NOISE, TRIGGER)
    assert found.flaws == ()
    assert found.mask(NOISE) is NOISE


@pytest.mark.parametrize("event", list(events()))
def test_embedded_events_have_no_flaws(event: str) -> None:
    for strain in load_event(event).values():
        assert find_flaws(strain, events()[event].trigger_time).flaws == ()


@pytest.mark.parametrize("value", [0.0, 3e-22])
@pytest.mark.parametrize(("start", "end"), [(0.0, 2.0), (10.0, 10.5), (30.0, 32.0)])
def test_constant_samples_are_found_wherever_they_are(value: float, start: float, end: float) -> None:
    strain = changed(start, end, value)
    found = find_flaws(strain, TRIGGER)
    assert [(flaw.kind, flaw.start, flaw.end) for flaw in found.find("constant")] == [("constant", start, end)]
    assert np.isnan(found.mask(strain, "constant").values).sum() == round((end - start) * RATE)
    assert found.mask(strain, "burst") is strain
    assert f"constant samples from {start - TRIGGER:+.3f} to {end - TRIGGER:+.3f} s" in found.describe()[0]


def test_a_few_equal_samples_are_data() -> None:
    least = FlawSettings().constant
    values = NOISE.values.copy()
    values[100 : 100 + least - 1] = values[100]
    assert find_flaws(replace(NOISE, values=values), TRIGGER).flaws == ()
    values[100 : 100 + least] = values[100]
    assert len(find_flaws(replace(NOISE, values=values), TRIGGER).flaws) == 1


def test_gaps_are_named() -> None:
    found = find_flaws(changed(3.0, 4.0, np.nan), TRIGGER)
    assert found.describe() == ("H1: no data from -13.000 to -12.000 s",)


@pytest.mark.parametrize("height", [50.0, 650.0, 1e5])
@pytest.mark.parametrize("time", [3.0, 7.0, 14.0, 28.0])
def test_bursts_are_found(time: float, height: float) -> None:
    found = find_flaws(burst(time, height), TRIGGER)
    flaws = found.find("burst")
    assert flaws
    assert any(flaw.start < time < flaw.end for flaw in flaws)
    assert max(flaw.height or 0.0 for flaw in flaws) == pytest.approx(height, rel=0.6)
    assert sum(flaw.end - flaw.start for flaw in flaws) < 8.0
    masked = found.mask(burst(time, height))
    assert np.nanmax(np.abs(masked.values)) < 8.0


def test_small_glitches_and_signals_at_the_trigger_are_no_bursts() -> None:
    assert find_flaws(burst(7.0, 10.0), TRIGGER).flaws == ()
    assert find_flaws(burst(TRIGGER, 60.0), TRIGGER).flaws == ()
    assert find_flaws(burst(TRIGGER, 60.0), TRIGGER - 3.0).flaws


def test_bursts_are_found_where_one_asks_and_in_what_is_left() -> None:
    strain = burst(7.0, 650.0)
    assert find_flaws(strain, TRIGGER, search=(10.0, 32.0)).flaws == ()
    assert find_flaws(strain, TRIGGER, search=(0.0, 10.0)).find("burst")
    values = strain.values.copy()
    values[: round(5 * RATE)] = 0.0
    both = find_flaws(replace(strain, values=values), TRIGGER)
    assert [flaw.kind for flaw in both.flaws] == ["constant", "burst"]
    assert [flaw.kind for flaw in both.find(within=(6.0, 8.0))] == ["burst"]


def test_bursts_are_found_beside_mostly_constant_samples() -> None:
    """Their spectrum is not that of the noise."""
    for strain, kinds in ((NOISE, ["constant"]), (burst(28.0, 50.0), ["constant", "burst"])):
        values = strain.values.copy()
        values[: round(20 * RATE)] = 0.0
        assert [flaw.kind for flaw in find_flaws(replace(strain, values=values), TRIGGER).flaws] == kinds


@pytest.mark.parametrize("seconds", [0.01, 0.9, 1.5])
def test_short_and_empty_strain_is_inspected(seconds: float) -> None:
    n = round(seconds * RATE)
    find_flaws(Strain("H1", NOISE.values[:n], 0.0, RATE), 0.0)
    assert find_flaws(Strain("H1", np.zeros(n + 20), 0.0, RATE), 0.0).find("constant")
    assert find_flaws(Strain("H1", np.full(n, np.nan), 0.0, RATE), 0.0).find("gap")
