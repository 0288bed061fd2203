"""What users give by detector: values that contradict their detector, or are none, are refused in one line."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import chirpleaf
from chirpleaf.diagnostics.strain_injection import add_signal
from chirpleaf.errors import InputError
from chirpleaf.inference import Request, prepare
from chirpleaf.inference.options import DataOptions, WaveformOptions
from chirpleaf.inference.sources import ReadSettings, gather_strain
from chirpleaf.inference.stream import RollingBuffer, Stream
from chirpleaf.inference.systematics.options import Systematics
from chirpleaf.models import load_model
from chirpleaf.strain import Strain, load_event
from chirpleaf.strain.conditioning import Conditioning

TIME = 1126259462.4
EVENT = load_event("GW150914")
SWAPPED = {"H1": EVENT["L1"], "L1": EVENT["H1"]}


@pytest.mark.parametrize(
    "take",
    [
        lambda strain: chirpleaf.infer(strain=strain, trigger_time=TIME, certify=False, samples=10),
        lambda strain: gather_strain(None, strain, TIME),
        lambda strain: RollingBuffer(30.0).push(strain),
        lambda strain: add_signal(strain, {"geocent_time": TIME}),
    ],
    ids=["infer", "gather_strain", "stream", "add_signal"],
)
def test_strain_of_another_detector_is_refused(take: Callable[[dict[str, Strain]], object]) -> None:
    with pytest.raises(InputError, match=r"^expected strain of H1; got that of L1; pair it with L1$"):
        take(SWAPPED)


H1 = EVENT["H1"]
WRONG = {
    "strain": (H1.values, [H1], "H1", {1: H1}, {None: H1}, {"H1": H1.values}, {"H1": None},
               {"H1": 5}, {"H1": b"file"}, {"H1": [H1]}, {"H1": [1.0, 2.0]}),
    "psd": (np.ones(5), [np.ones(5)], "file", {1: "file"}, {"H1": np.ones(5)}, {"H1": None}, {"H1": ["file"]}),
    "channel": (["A"], "A", {1: "A"}, {"H1": None}, {"H1": 5}),
    "trigger_time": ([TIME], (TIME,), np.array([TIME]), "now", "", True, {}, 1j, 10**400, b"now", object()),
    "psd_analysis": (5, {}, ["A"]),
    "model": (5, {}, True, b"bbh"),
    "certify": ("yes", "no", 0, 1, [], {}),
    "options": (None, {}, "duration=4"),
    "waveform": (None, {}, "IMRPhenomXAS"),
    "approximant": (5, [], {}, True, b"IMRPhenomXAS"),
    "prior": ({}, 5, [], True, b"uniform"),
    "systematics": (None, {}, "calibration"),
}  # fmt: skip
"""Argument of `infer` to values of types that it does not take."""


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]])
@pytest.mark.usefixtures("unchecked_types")
def test_arguments_of_other_types_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=r"^expected .*; got .*: \w+") as caught:
        chirpleaf.infer(**{"strain": dict(EVENT), "trigger_time": TIME, "samples": 10, name: value})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [5, TIME, ["GW150914"], b"GW150914"])
@pytest.mark.usefixtures("unchecked_types")
def test_an_event_is_text(value: Any) -> None:
    with pytest.raises(InputError, match="expected event to be str or None; got"):
        chirpleaf.infer(value)


@pytest.mark.usefixtures("unchecked_types")
def test_an_array_is_to_be_made_strain_or_a_spectrum() -> None:
    for name, kind in (("strain", "Strain"), ("psd", "PowerSpectralDensity")):
        with pytest.raises(InputError, match=rf"of H1 to be .*; got array.*: .* make chirpleaf.strain.{kind}"):
            chirpleaf.infer(**{"strain": EVENT, "trigger_time": TIME, name: {"H1": np.ones(9)}})


@pytest.mark.parametrize(
    "make",
    [
        lambda: Systematics(calibration=["file"]),
        lambda: Systematics(calibration={"H1": np.ones(5)}),
        lambda: Systematics(psd={"H1": np.ones(5)}),
        lambda: Systematics(psd={1: "file"}),
        lambda: Systematics(psd_uncertainty="no"),
        lambda: ReadSettings(offline="no"),
        lambda: DataOptions(skip_absent="no"),
        lambda: DataOptions(detectors="H1"),
        lambda: DataOptions(detectors=(1,)),
        lambda: DataOptions(duration="4"),
        lambda: DataOptions(f_min="20"),
        lambda: DataOptions(f_min={"H1": "20"}),
        lambda: DataOptions(f_max=[1024.0]),
        lambda: DataOptions(conditioning=None),
        lambda: DataOptions(spectrum={}),
        lambda: Conditioning(high_pass="15"),
        lambda: Conditioning(roll_off=None),
        lambda: Stream(load_model("bbh")).push({"H1": H1.values}),
        lambda: Stream(load_model("bbh")).push([H1]),
        lambda: WaveformOptions(approximant=5),
        lambda: WaveformOptions(f_ref="20"),
        lambda: Request(psd=["file"]),
        lambda: Stream(load_model("bbh"), psd={"H1": np.ones(5)}),
        lambda: prepare([load_model("bbh")], strain=EVENT, trigger_time=TIME, psd={"H1": np.ones(5)}),
        lambda: prepare([load_model("bbh")], strain={"H1": np.ones(5)}, trigger_time=TIME),
    ],
)
@pytest.mark.usefixtures("unchecked_types")
def test_options_of_other_types_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r"^expected .* to be .*; got .*: \w+"):
        make()


def test_channels_of_strain_that_is_no_file_are_refused() -> None:
    with pytest.raises(InputError, match=r"^expected channels of files; got one of H1, whose strain is no file: "):
        chirpleaf.infer(strain=EVENT, trigger_time=TIME, channel={"h1": "H1:GWOSC"})


def test_detectors_are_compared_in_any_case() -> None:
    lower = {"h1": EVENT["H1"], "L1": replace(EVENT["L1"], detector="l1")}
    assert gather_strain(None, lower, TIME).strain.keys() == {"H1", "L1"}
