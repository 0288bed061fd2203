"""Analysis segment: Fourier transform, reference times, whitening and error messages."""

import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain.conditioning import STANDARD
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import AFTER_TRIGGER, Segment, cut_segment, whiten_series
from chirpleaf.strain.strain import Strain
from chirpleaf.strain.windows import tukey

RATE, DURATION, START = 1024.0, 4.0, 1126259447.0
TRIGGER = START + 10.4
FREQUENCIES = np.arange(20 * 4, 400 * 4) / DURATION
FLAT = PowerSpectralDensity(np.array([10.0, 512.0]), np.array([2e-46, 2e-46]))


def noise(seed: int = 0, seconds: float = 16.0) -> np.ndarray:
    """White noise with the one-sided density `FLAT`."""
    return np.random.default_rng(seed).normal(scale=np.sqrt(2e-46 * RATE / 2), size=round(seconds * RATE))


def segment(trigger: float = TRIGGER, **strain: np.ndarray) -> Segment:
    series = {name: Strain(name, values, START, RATE) for name, values in (strain or {"H1": noise()}).items()}
    return cut_segment(
        series,
        dict.fromkeys(series, FLAT),
        reference_time=trigger,
        duration=DURATION,
        frequencies=FREQUENCIES,
        conditioning=STANDARD,
    )


@pytest.mark.parametrize("trigger", [TRIGGER, TRIGGER + 0.3 / RATE, TRIGGER - 0.4999 / RATE])
def test_cut_is_the_fourier_sum_about_the_trigger(trigger: float) -> None:
    values = noise()
    found = segment(trigger)
    first = round((trigger + AFTER_TRIGGER - DURATION - START) * RATE)
    samples = values[first : first + round(DURATION * RATE)]
    times = START + (first + np.arange(len(samples))) / RATE - trigger
    some = np.array([0, 7, 500, len(FREQUENCIES) - 1])
    windowed = samples * tukey(len(samples), 0.2 * RATE)
    expected = np.exp(-2j * np.pi * np.outer(FREQUENCIES[some], times)) @ windowed / RATE
    np.testing.assert_allclose(found.strain[0, some], expected, rtol=1e-6, atol=1e-28)
    np.testing.assert_allclose(found.psd, 2e-46)
    assert times[0] == pytest.approx(AFTER_TRIGGER - DURATION, abs=0.5 / RATE)


def test_order_of_the_detectors_is_kept() -> None:
    both = segment(L1=noise(1), H1=noise(0))
    assert both.detectors == ("L1", "H1")
    np.testing.assert_array_equal(both.strain[1], segment().strain[0])


def test_another_reference_time_and_back() -> None:
    found = segment()
    there = found.with_reference_time(found.reference_time + 0.0123)
    assert there.reference_time == found.reference_time + 0.0123
    assert np.abs(there.strain - found.strain).max() > 0.1 * np.abs(found.strain).max()
    np.testing.assert_allclose(np.abs(there.strain), np.abs(found.strain), rtol=1e-12)
    np.testing.assert_allclose(there.with_reference_time(found.reference_time).strain, found.strain, rtol=1e-9)
    np.testing.assert_array_equal(there.psd, found.psd)


def test_the_phase_refers_to_the_trigger_and_not_to_the_samples() -> None:
    moved = segment(TRIGGER + 0.3 / RATE).with_reference_time(TRIGGER)
    # The same samples (up to rounding of GPS times) with another reference time.
    np.testing.assert_allclose(moved.strain, segment().strain, rtol=2e-3, atol=1e-3 * np.abs(moved.strain).max())


@pytest.mark.parametrize("shift", [-0.5, 0.0, 0.0137])
def test_a_signal_appears_at_its_merger_time(shift: float) -> None:
    blank = segment()
    binary = {"mass_1": 36.0, "mass_2": 29.0, "chi_1": 0.0, "chi_2": 0.0, "luminosity_distance": 400.0}
    hp, _ = polarizations(binary | {"theta_jn": 0.0, "phase": 0.0}, FREQUENCIES)
    series = whiten_series(blank, hp * np.exp(-2j * np.pi * FREQUENCIES * shift), RATE)[0]
    times = np.arange(len(series)) / RATE + AFTER_TRIGGER - DURATION
    assert len(series) == DURATION * RATE
    power = np.convolve(series**2, np.ones(20), mode="same")
    # The power peaks at the merger, within some milliseconds of time zero of the waveform.
    assert times[power.argmax()] == pytest.approx(shift, abs=0.012)
    assert power[(times > shift - 1.2) & (times < shift + 0.03)].sum() > 0.95 * power.sum()


def test_an_injected_pulse_appears_at_its_time() -> None:
    values = np.zeros(16 * 1024)
    times = START + np.arange(len(values)) / RATE
    late = TRIGGER + 0.25
    values += 1e-21 * np.exp(-0.5 * ((times - late) / 0.01) ** 2) * np.cos(2 * np.pi * 120 * (times - late))
    found = segment(H1=values)
    series = found.whiten(RATE)[0]
    where = np.arange(len(series)) / RATE + AFTER_TRIGGER - DURATION
    assert where[np.abs(series).argmax()] == pytest.approx(0.25, abs=0.002)
    moved = found.with_reference_time(TRIGGER + 0.2).whiten(RATE)[0]
    assert where[np.abs(moved).argmax()] == pytest.approx(0.05, abs=0.002)


def whitened_variance(excess: float = 1.0) -> float:
    """Mean square of whitened noise away from the tapered ends."""
    found = [segment(H1=excess * noise(seed)).whiten(RATE)[0, 512:-512] for seed in range(20)]
    return float(np.mean(np.square(found)))


def test_whitened_noise_has_unit_variance() -> None:
    assert whitened_variance() == pytest.approx(1.0, abs=0.015)


@pytest.mark.parametrize("excess", [0.97, 1.03])
def test_wrong_noise_level_changes_the_variance(excess: float) -> None:
    assert whitened_variance(excess) != pytest.approx(1.0, abs=0.03)


def test_the_series_does_not_depend_on_its_sampling() -> None:
    found = segment()
    np.testing.assert_allclose(found.whiten(2 * RATE)[:, ::2], found.whiten(RATE), rtol=1e-6, atol=1e-8)


def test_errors_name_what_is_missing() -> None:
    strain = {"H1": Strain("H1", noise(), START, RATE)}
    keywords = {"reference_time": TRIGGER, "duration": DURATION, "frequencies": FREQUENCIES}
    with pytest.raises(InputError, match="expected a power spectral density for H1; got L1"):
        cut_segment(strain, {"L1": FLAT}, **keywords)
    with pytest.raises(InputError, match=r"H1 strain: expected a sampling rate of at least 799\.5 Hz; got 256 Hz"):
        cut_segment({"H1": Strain("H1", noise()[::4], START, 256.0)}, {"H1": FLAT}, **keywords)
    with pytest.raises(InputError, match="H1 segment outside the file"):
        cut_segment(strain, {"H1": FLAT}, **{**keywords, "reference_time": START + 1.0})
    with pytest.raises(
        InputError, match=r"H1 power spectral density: expected values from .*; got those from 10 to 300 Hz"
    ):
        cut_segment(strain, {"H1": PowerSpectralDensity(np.array([10.0, 300.0]), np.ones(2))}, **keywords)
