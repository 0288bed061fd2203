"""Frequencies of a segment: noise sources and segments refuse those that a segment of the duration does not have."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.strain.noise import EnsembleNoise, MeasuredNoise, NoiseSource, RecordedNoise
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import cut_segment
from chirpleaf.strain.strain import Strain

RATE, START, DURATION = 512.0, 1e9, 4.0
FREQUENCIES = np.arange(20.0, 200.0, 1 / DURATION)


def white(detector: str) -> Strain:
    """48 s of white noise."""
    values = np.random.default_rng(ord(detector[0])).normal(scale=1e-22, size=int(48 * RATE))
    return Strain(detector, values, START, RATE)


def measured(folder: Path) -> MeasuredNoise:
    with h5py.File(folder / "psd.hdf5", "w") as file:
        file["event/H1"] = np.ones(1025)
        file["event/H1"].attrs.update(f0=0.0, delta_f=1.0, scale=1e-46)
    return MeasuredNoise(folder / "psd.hdf5")


SOURCES: dict[str, Callable[[Path], NoiseSource]] = {
    "ensemble": lambda _: EnsembleNoise(),
    "measured": measured,
    "recorded": lambda _: RecordedNoise({"noise": {"H1": white("H1")}}),
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(
    ("frequencies", "duration", "message"),
    [
        (FREQUENCIES, 0.0, "expected duration in seconds to be a finite number above 0; got 0.0: "),
        (FREQUENCIES, -4.0, "expected duration in seconds to be a finite number above 0; got -4.0: "),
        (FREQUENCIES, np.nan, "expected duration in seconds to be a finite number above 0; got nan: "),
        (FREQUENCIES + 0.1, 4.0, "expected multiples of 0.25 Hz, those of 4 s; got 20.1 Hz: "),
        (FREQUENCIES, 2.0, "expected multiples of 0.5 Hz, those of 2 s; got 20.25 Hz: "),
        (FREQUENCIES[::-1].copy(), 4.0, "expected frequencies above 0 Hz in increasing order; got others: "),
        (FREQUENCIES - 20.0, 4.0, "expected frequencies above 0 Hz in increasing order; got others: "),
        (FREQUENCIES[:0], 4.0, "expected frequencies above 0 Hz in increasing order; got others: "),
    ],
)
def test_a_source_refuses_what_no_segment_has(
    name: str, frequencies: np.ndarray, duration: float, message: str, tmp_path: Path
) -> None:
    source, rng = SOURCES[name](tmp_path), np.random.default_rng(0)
    assert source.sample(("H1",), FREQUENCIES, DURATION, rng).psd.shape == (1, len(FREQUENCIES))
    with pytest.raises(InputError, match=message) as caught:
        source.sample(("H1",), frequencies, duration, rng)
    assert "\n" not in str(caught.value)


def test_a_segment_is_cut_at_its_own_frequencies_alone() -> None:
    density = {"H1": PowerSpectralDensity(np.array([10.0, 256.0]), np.array([1e-46, 1e-46]))}
    with pytest.raises(InputError, match=r"expected multiples of 0\.25 Hz, those of 4 s; got 20\.1 Hz"):
        cut_segment(
            {"H1": white("H1")}, density, reference_time=START + 20, duration=4.0, frequencies=FREQUENCIES + 0.1
        )


def test_frequencies_above_the_recording_ask_for_a_higher_rate_or_lower_frequencies() -> None:
    source = RecordedNoise({"noise": {"H1": white("H1")}})
    frequencies = np.arange(20.0, 300.0, 0.25)
    remedy = r"at least 599\.5 Hz; got 512 Hz: give strain of a higher sampling rate or lower the highest frequency"
    with pytest.raises(InputError, match=remedy):
        source.sample(("H1",), frequencies, 4.0, np.random.default_rng(0))
