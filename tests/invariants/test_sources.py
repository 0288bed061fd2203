"""What users give by detector: values that contradict their detector, or are none, are refused in one line."""

from collections.abc import Callable
from dataclasses import replace

import pytest

import chirpleaf
from chirpleaf.diagnostics.strain_injection import add_signal
from chirpleaf.errors import InputError
from chirpleaf.inference.sources import gather_strain
from chirpleaf.inference.stream import RollingBuffer
from chirpleaf.strain import Strain, load_event

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


def test_detectors_are_compared_in_any_case() -> None:
    lower = {"h1": EVENT["H1"], "L1": replace(EVENT["L1"], detector="l1")}
    assert gather_strain(None, lower, TIME).strain.keys() == {"H1", "L1"}
