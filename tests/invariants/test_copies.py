"""Copies of one detector's strain are found, in any format; independent strain is none."""

from dataclasses import replace

import numpy as np
import pytest

from chirpleaf import infer
from chirpleaf.errors import InputError
from chirpleaf.strain.copies import find_copy
from chirpleaf.strain.events import load_event
from chirpleaf.strain.strain import Strain

EVENT = load_event("GW150914")
TIME = 1126259462.4
H1, L1 = (EVENT[name].cut(TIME - 4, TIME + 4) for name in ("H1", "L1"))

COPIES = {
    "the same": H1.values,
    "opposite sign": -H1.values,
    "rounded": np.array([float(f"{value:.5e}") for value in H1.values]),
    "gaps": np.where(np.arange(len(H1)) % 1000 < 100, np.nan, H1.values),
    "scaled": 1.05 * H1.values,
    "a loud signal added": H1.values + 1e-21 * np.sin(np.arange(len(H1))),
}


@pytest.mark.parametrize("case", COPIES)
def test_a_copy_is_found(case: str) -> None:
    assert find_copy({"H1": H1, "V1": L1, "L1": replace(H1, detector="L1", values=COPIES[case])}) == ("H1", "L1")


def test_a_copy_at_another_sampling_rate_and_over_other_times_is_found() -> None:
    faster = Strain("L1", np.interp(np.arange(2 * len(H1)) / 2, np.arange(len(H1)), H1.values), H1.start_time, 8192.0)
    assert find_copy({"H1": H1, "L1": faster.cut(TIME - 1, TIME + 3)}) == ("H1", "L1")


def test_independent_strain_is_no_copy() -> None:
    assert find_copy({"H1": H1, "L1": L1}) is None
    constant = replace(L1, values=np.zeros(len(L1)))
    assert find_copy({"H1": replace(H1, values=np.zeros(len(H1))), "L1": constant}) is None
    assert find_copy({"H1": H1, "L1": replace(H1, start_time=H1.start_time + 100)}) is None
    assert find_copy({"H1": H1}) is None


def test_an_analysis_of_copies_is_refused() -> None:
    strain = {"H1": EVENT["H1"], "L1": replace(EVENT["H1"], detector="L1")}
    with pytest.raises(InputError, match=r"the same for H1 and L1: give each its own file"):
        infer(strain=strain, trigger_time=TIME, certify=False)
