"""Zeros, gaps and bursts in the strain of GW150914: named, kept out of noise spectra, and never unnoticed."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

import chirpleaf
from chirpleaf.errors import InputError
from chirpleaf.inference import PreparedData, prepare
from chirpleaf.inference.build import build_posterior
from chirpleaf.inference.kinds import propose
from chirpleaf.models import load_model
from chirpleaf.result import Posterior
from chirpleaf.strain import Strain, load_event
from chirpleaf.strain.events import events

TRIGGER = events()["GW150914"].trigger_time
BAND = np.arange(20.0, 1024.0, 0.25)


def change(
    value: float, *intervals: tuple[float, float], detectors: tuple[str, ...] = ("H1", "L1")
) -> dict[str, Strain]:
    """The event's strain with other samples in some intervals, in seconds after the trigger."""
    found = load_event("GW150914")
    for name in detectors:
        values, times = found[name].values.copy(), found[name].times - TRIGGER
        for low, high in intervals:
            values[(times >= low) & (times < high)] = value
        found[name] = replace(found[name], values=values)
    return found


def add_burst(time: float, height: float = 650.0) -> dict[str, Strain]:
    """The event's strain with a burst in L1, of a height in medians of the strain above 15 Hz."""
    found = load_event("GW150914")
    t = found["L1"].times - TRIGGER - time
    level = 1.5e-22
    burst = height * level * np.exp(-0.5 * (t / 0.01) ** 2) * np.cos(2 * np.pi * 120.0 * t)
    found["L1"] = replace(found["L1"], values=found["L1"].values + burst)
    return found


def prepare_strain(strain: Mapping[str, Strain]) -> PreparedData:
    return prepare([load_model("bbh")], strain=strain, trigger_time=TRIGGER)


@pytest.fixture(scope="module")
def clean() -> PreparedData:
    return prepare_strain(load_event("GW150914"))


def answer(data: PreparedData) -> Posterior:
    return build_posterior(data, propose(data, 100, 0), 0, {})


def change_of_spectra(data: PreparedData, clean: PreparedData) -> float:
    """Largest median change of a detector's density."""
    ratios = [np.median(data.spectra[name].at(BAND) / clean.spectra[name].at(BAND)) for name in ("H1", "L1")]
    return float(np.max(np.abs(np.log(ratios))))


HARMLESS: dict[str, tuple[Callable[[], dict[str, Strain]], str]] = {
    "zeros after the segment": (lambda: change(0.0, (2.5, 20.0), detectors=("L1",)), "L1: constant samples from +2.5"),
    "zeros beside the segment": (lambda: change(0.0, (2.0, 9.0)), "H1: constant samples from +2.0"),
    "zeros at both ends": (lambda: change(0.0, (-20.0, -13.0), (12.0, 20.0)), "H1: constant samples from -15.4"),
    "a gap": (lambda: change(np.nan, (-12.0, -10.0)), "H1: no data from -12.0"),
    "a burst before the segment": (lambda: add_burst(-9.0), "L1: a burst of "),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_flaws_outside_of_the_segment_are_named_and_do_no_harm(case: str, clean: PreparedData) -> None:
    make, expected = HARMLESS[case]
    data = prepare_strain(make())
    assert change_of_spectra(data, clean) < 0.12
    assert data.observation.snr == pytest.approx(clean.observation.snr, rel=0.03)
    assert any(line.startswith(expected) for line in data.describe_flaws())
    found = answer(data)
    assert found.trust.verdict == "not certified"
    assert found.summary_document()["data"]["flaws"] == list(data.describe_flaws())


@pytest.mark.parametrize("interval", [(-3.0, -2.0), (1.5, 4.0), (-0.05, 0.0)])
def test_zeros_in_the_segment_are_refused(interval: tuple[float, float]) -> None:
    with pytest.raises(InputError, match=r"segment: expected data without gaps; got .* take another time or omit"):
        prepare_strain(change(0.0, interval, detectors=("H1",)))


def test_a_burst_in_the_segment_is_not_trusted(clean: PreparedData) -> None:
    data = prepare_strain(add_burst(-3.0))
    assert change_of_spectra(data, clean) < 0.12
    found = answer(data)
    assert found.trust.verdict == "untrusted"
    assert found.trust.reasons[0].startswith("L1: a burst of ")
    assert "within the 8 s that are analysed; subtract it or leave this detector out" in found.trust.reasons[0]
    assert answer(clean).trust.verdict == "not certified"


def test_zeros_at_both_ends_of_both_detectors_are_certified() -> None:
    """They ended with an IndexError."""
    zeros = change(0.0, (-20.0, -13.0), (12.0, 20.0))
    found = chirpleaf.infer(
        strain=zeros, trigger_time=TRIGGER, model="bbh", samples=1000, effective_samples=100, seed=1
    )
    assert isinstance(found, Posterior)
    assert found.certificate is not None
    assert found.trust.network_snr == pytest.approx(23.7, abs=1.0)
    assert len(found.provenance.flaws) == 4


def test_too_little_is_left_beside_zeros() -> None:
    with pytest.raises(InputError, match=r"H1 power spectral density: expected at least 16 s of good data; got 9"):
        prepare_strain(change(0.0, (-20.0, -6.5), (2.5, 20.0)))
