"""Copies of one detector's strain are found, however they were changed; independent strain is none."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from chirpleaf import infer
from chirpleaf.errors import InputError
from chirpleaf.strain import welch
from chirpleaf.strain.copies import find_copy
from chirpleaf.strain.events import load_event
from chirpleaf.strain.segment import Segment, cut_segment
from chirpleaf.strain.strain import Strain

EVENT = load_event("GW150914")
TIME = 1126259462.4
H1, L1 = EVENT["H1"], EVENT["L1"]
FREQUENCIES = np.arange(20 * 8, 1000 * 8) / 8
HIGH_PASS = butter(8, 15, "highpass", fs=H1.sample_rate, output="sos")

COPIES = {
    "the same": H1.values,
    "opposite sign": -H1.values,
    "rounded": np.array([float(f"{value:.5e}") for value in H1.values]),
    "scaled": 1.05 * H1.values,
    "high-passed": sosfilt(HIGH_PASS, H1.values),
    "shifted by 7 ms": np.roll(H1.values, 28),
    "shifted, of opposite sign": -np.roll(H1.values, -30),
    "a loud signal added": H1.values + 1e-21 * np.sin(np.arange(len(H1)) / 40),
}


def cut(**strain: Strain) -> Segment:
    """The analysed segment, with spectra of the strain itself."""
    spectra = {name: welch(one) for name, one in strain.items()}
    return cut_segment(strain, spectra, reference_time=TIME, duration=8.0, frequencies=FREQUENCIES)


@pytest.mark.parametrize("case", COPIES)
def test_a_copy_is_found(case: str) -> None:
    assert find_copy(cut(H1=H1, V1=L1, L1=replace(H1, values=COPIES[case]))) == ("H1", "L1")


def test_independent_strain_is_no_copy() -> None:
    assert find_copy(cut(H1=H1, L1=L1)) is None
    assert find_copy(cut(H1=H1)) is None


def test_signals_are_no_copies() -> None:
    """One of ratio 60 in both detectors, and signals without noise."""
    rng, template = np.random.default_rng(1), FREQUENCIES ** (-7 / 6) + 0j
    psd = np.full((2, len(FREQUENCIES)), 1e-46)
    signal = 60 * template / np.sqrt(4 / 8 * np.sum(np.abs(template) ** 2) / 1e-46)
    noise = (rng.normal(size=psd.shape) + 1j * rng.normal(size=psd.shape)) * np.sqrt(psd * 8) / 2
    loud = Segment(("H1", "L1"), noise + signal, psd, FREQUENCIES, 8.0, 0.0)
    assert find_copy(loud) is None
    assert find_copy(replace(loud, strain=np.stack([signal, signal]))) is None
    assert find_copy(replace(loud, strain=noise[[0, 0]] + signal)) == ("H1", "L1")


def test_an_analysis_of_copies_is_refused() -> None:
    strain = {"H1": EVENT["H1"], "L1": replace(EVENT["H1"], detector="L1")}
    with pytest.raises(InputError, match=r"the same for H1 and L1: give each its own file"):
        infer(strain=strain, trigger_time=TIME, certify=False)
