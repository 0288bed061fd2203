"""Checks of the data: what is wrong is found, named with its detector, and graded; good data have no finding."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from chirpleaf.inference.preparation import prepare
from chirpleaf.inference.trust.data import examine_samples
from chirpleaf.inference.trust.settings import DataSettings
from chirpleaf.inference.trust.whitened import examine_segment, examine_whitened
from chirpleaf.models import load_model
from chirpleaf.result.trust import Finding, Level
from chirpleaf.strain import load_event, welch
from chirpleaf.strain.segment import AFTER_TRIGGER, Segment
from chirpleaf.strain.strain import Strain
from chirpleaf.strain.whiteness import Tiling, compute_power_map, to_normal
from chirpleaf.strain.windows import tukey

DURATION, RATE, DENSITY, ROLL_OFF = 8.0, 2048.0, 1e-46, 1.0
N = round(DURATION * RATE)
FREQUENCIES = np.arange(20 * 8, 1000 * 8) / DURATION
TIMES = np.arange(N) / RATE + AFTER_TRIGGER - DURATION
SIGMA = np.sqrt(DENSITY * RATE / 2.0)


def noise(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=SIGMA, size=N)


def segment(values: np.ndarray, density: float | np.ndarray = DENSITY) -> Segment:
    spectrum = np.fft.rfft(values * tukey(N, ROLL_OFF * RATE))[np.rint(FREQUENCIES * DURATION).astype(int)] / RATE
    spectrum *= np.exp(-2j * np.pi * FREQUENCIES * TIMES[0])
    psd = np.broadcast_to(density, FREQUENCIES.shape)
    return Segment(("H1",), spectrum[None], psd[None].copy(), FREQUENCIES, DURATION, 1e9)


def burst(time: float, frequency: float, height: float, width: float = 0.02) -> np.ndarray:
    """A sine-Gaussian, of a height in standard deviations of a sample."""
    t = TIMES - time
    return height * SIGMA * np.exp(-0.5 * (t / width) ** 2) * np.cos(2 * np.pi * frequency * t)


def examine(values: np.ndarray, density: float | np.ndarray = DENSITY) -> tuple[Finding, ...]:
    return examine_segment(segment(values, density), 0, 30.0, roll_off=ROLL_OFF)


def test_gaussian_noise_has_no_findings() -> None:
    assert [examine(noise(seed)) for seed in range(10)] == [()] * 10


@pytest.mark.parametrize("tiling", DataSettings().tilings)
def test_whitened_power_of_gaussian_noise_is_one_and_its_deviates_are_normal(tiling: Tiling) -> None:
    maps = [compute_power_map(segment(noise(seed)), 0, tiling, ROLL_OFF) for seed in range(30)]
    power, degrees = np.stack([one.power for one in maps]), maps[0].degrees
    np.testing.assert_allclose((power * degrees).mean(axis=(0, 2)) / degrees.mean(axis=1), 1.0, atol=0.04)
    deviates = to_normal(power, degrees)[..., 1:-1]
    assert abs(deviates.mean()) < 0.1
    assert deviates.std() == pytest.approx(1.0, abs=0.1)


def test_a_loud_signal_at_the_trigger_is_no_excess() -> None:
    chirp = sum(burst(-0.03, frequency, 4.0) for frequency in (60.0, 90.0, 130.0))
    assert examine(noise() + chirp) == ()


@pytest.mark.parametrize(("time", "frequency"), [(-3.2, 150.0), (1.1, 80.0), (-5.0, 45.0), (-1.0, 500.0)])
def test_a_burst_elsewhere_is_excess_power(time: float, frequency: float) -> None:
    found = {one.check: one for one in examine(noise() + burst(time, frequency, 2.5))}["data.excess"]
    assert (found.level, found.detector) == (Level.WARN, "H1")
    assert found.value is not None
    assert 6.5 < found.value < 25.0
    assert "H1: excess power of" in found.message
    strong = {one.check: one.level for one in examine(noise() + burst(time, frequency, 60.0))}
    assert strong["data.excess"] is Level.REFUSE


@pytest.mark.parametrize(
    ("factor", "level"), [(1.05, None), (1 / 1.05, None), (0.8, Level.WARN), (1.25, Level.WARN), (0.6, Level.REFUSE),
                          (2.0, Level.REFUSE), (1e6, Level.REFUSE), (1e-6, Level.REFUSE), (1e200, Level.REFUSE)]
)  # fmt: skip
def test_a_spectrum_that_is_off_is_found_by_size(factor: float, level: Level | None) -> None:
    found = {one.check: one for one in examine(noise(), DENSITY * factor)}
    assert found.get("data.power") is None if level is None else found["data.power"].level is level
    if level is not None:
        assert found["data.power"].value == pytest.approx(1 / factor, rel=0.05)
        assert "times the power of the noise spectrum" in found["data.power"].message


@pytest.mark.parametrize(("factor", "level"), [(0.5, Level.WARN), (0.2, Level.REFUSE)])
def test_a_spectrum_that_is_off_in_a_band_is_found(factor: float, level: Level) -> None:
    density = np.where((FREQUENCIES > 90.0) & (FREQUENCIES < 130.0), factor, 1.0) * DENSITY
    found = {one.check: one for one in examine(noise(), density)}["data.power"]
    assert found.level is level
    assert "at 90-130 Hz" in found.message


def test_lines_that_the_spectrum_does_not_have_are_refused() -> None:
    lines = sum(30 * SIGMA * np.cos(2 * np.pi * frequency * TIMES) for frequency in (60.0, 180.3, 500.1))
    found = {one.check: one.level for one in examine(noise() + lines)}
    assert found["data.power"] is Level.REFUSE


def test_noise_that_falls_silent_is_named() -> None:
    quiet = noise() * np.where((TIMES > -4.0) & (TIMES < -2.0), 0.5, 1.0)
    found = {one.check: one for one in examine(quiet)}["data.stationarity"]
    assert found.level is Level.WARN
    assert "the noise changes within the segment" in found.message


def test_frequencies_without_weight_do_not_count() -> None:
    density = np.where(FREQUENCIES < 100.0, np.inf, DENSITY)
    assert examine(noise(), density) == ()
    assert examine(noise(), np.inf) == ()


CHANGES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str, Level]] = {
    "rounded": (lambda values: np.round(values / (4 * SIGMA)) * 4 * SIGMA, "data.rounding", Level.REFUSE),
    "slightly rounded": (lambda values: np.round(values / SIGMA) * SIGMA, "data.rounding", Level.WARN),
    "clipped": (lambda values: np.clip(values, -2 * SIGMA, 2 * SIGMA), "data.clipping", Level.REFUSE),
    "clipped above": (lambda values: np.minimum(values, 3 * SIGMA), "data.clipping", Level.REFUSE),
}


@pytest.mark.parametrize("case", CHANGES)
def test_changed_samples_are_found(case: str) -> None:
    change, check, level = CHANGES[case]
    found = {one.check: one for one in examine_samples(Strain("H1", change(noise()), 0.0, RATE), DENSITY)}
    assert found[check].level is level
    assert found[check].message.startswith("H1: ")


def test_continuous_samples_are_fine_and_ugly_ones_raise_nothing() -> None:
    strain = Strain("H1", noise(), 0.0, RATE)
    assert examine_samples(strain, DENSITY) == ()
    for values in (np.zeros(N), np.full(N, np.nan), np.full(N, 1e300)):
        examine_samples(replace(strain, values=values), DENSITY)
        examine_samples(replace(strain, values=values), 0.0)


def test_notches_of_a_given_spectrum_hold_no_power() -> None:
    """Frequencies that a spectrum gives no weight are no data that are too quiet."""
    strain = load_event("GW150914")
    spectra = {name: welch(one) for name, one in strain.items()}
    whole = spectra["H1"]
    notch = (whole.frequencies >= 40) & (whole.frequencies < 59)
    spectra["H1"] = replace(whole, values=np.where(notch, np.inf, whole.values))
    data = prepare([load_model("bbh")], strain=strain, trigger_time=1126259462.4, psd=spectra)
    assert examine_whitened(data, ("H1", "L1")) == ()
