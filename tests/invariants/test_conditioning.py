"""Conditioning: signals keep their amplitude and phase, and the wall of noise below 20 Hz stays out of the band."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.signal

from chirpleaf.errors import InputError
from chirpleaf.strain.conditioning import ORDER, STANDARD, Conditioning
from chirpleaf.strain.noise_spectrum import SpectrumSettings, estimate_spectrum
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.psd_estimation import welch
from chirpleaf.strain.segment import Segment, cut_segment
from chirpleaf.strain.strain import Strain

RATE, SECONDS, TRIGGER = 1024.0, 32.0, 16.0
FREQUENCIES = np.arange(20.0, 400.0, 0.25)
TIMES = np.arange(round(SECONDS * RATE)) / RATE
FLAT = PowerSpectralDensity(np.array([0.0, 512.0]), np.array([1e-46, 1e-46]))


def wall(seed: int, height: float = 1e8) -> np.ndarray:
    """Noise of density 1e-46 above 10 Hz, and `height` times as much below."""
    white = np.random.default_rng(seed).normal(scale=np.sqrt(1e-46 * RATE / 2), size=len(TIMES))
    spectrum = np.fft.rfft(white)
    spectrum[np.fft.rfftfreq(len(white), 1 / RATE) < 10.0] *= np.sqrt(height)
    return np.fft.irfft(spectrum, len(white))


def pulse(frequency: float = 40.0, time: float = TRIGGER - 0.1) -> np.ndarray:
    return 1e-21 * np.exp(-0.5 * ((TIMES - time) / 0.05) ** 2) * np.cos(2 * np.pi * frequency * (TIMES - time))


def segment(values: np.ndarray, conditioning: Conditioning) -> Segment:
    strain = {"H1": Strain("H1", values, 0.0, RATE)}
    return cut_segment(
        strain,
        {"H1": FLAT},
        reference_time=TRIGGER,
        duration=4.0,
        frequencies=FREQUENCIES,
        conditioning=conditioning,
    )


@pytest.mark.parametrize("frequency", [25.0, 40.0, 150.0])
@pytest.mark.parametrize("conditioning", [Conditioning(), Conditioning(12.0, 0.2), Conditioning(None, 0.5)])
def test_signals_in_the_flat_part_keep_amplitude_and_phase(frequency: float, conditioning: Conditioning) -> None:
    plain = segment(pulse(frequency), Conditioning(high_pass=None, roll_off=0.0)).strain
    found = segment(pulse(frequency), conditioning).strain
    np.testing.assert_allclose(found, plain, atol=2e-5 * np.abs(plain).max())


def test_without_the_response_the_lowest_frequencies_would_lose_amplitude() -> None:
    conditioning = Conditioning()
    assert conditioning.response(np.array([20.0]))[0] == pytest.approx(0.99, abs=0.001)
    filtered = conditioning.filter(Strain("H1", pulse(20.0), 0.0, RATE)).values
    plain = segment(pulse(20.0), Conditioning(None, 1.0)).strain
    uncorrected = segment(filtered, Conditioning(None, 1.0)).strain
    assert np.abs(uncorrected - plain).max() > 5e-3 * np.abs(plain).max()


def test_the_wall_below_the_band_leaks_only_without_the_filter() -> None:
    def power(conditioning: Conditioning) -> float:
        rows = [np.abs(segment(wall(seed), conditioning).strain[0, :40]) ** 2 for seed in range(10)]
        return float(np.mean(rows)) / (1e-46 * 4.0 / 2)

    assert power(STANDARD) > 10.0
    assert power(Conditioning(roll_off=0.2)) == pytest.approx(0.94, abs=0.1)  # the window keeps this part of the noise
    assert power(Conditioning()) == pytest.approx(0.69, abs=0.1)


def test_the_filter_is_scipys() -> None:
    """A Butterworth filter forwards and backwards, away from the ends."""
    values = wall(0, height=1e4)
    found = Conditioning(15.0).filter(Strain("H1", values, 0.0, RATE)).values
    sections = scipy.signal.butter(ORDER, 15.0, "highpass", fs=RATE, output="sos")
    expected = scipy.signal.sosfiltfilt(sections, values, padlen=2048)
    inside = slice(2048, -2048)
    # The bilinear transform of a digital filter bends frequencies by (pi f / rate)^2 / 3.
    np.testing.assert_allclose(found[inside], expected[inside], atol=0.02 * np.std(expected))


def test_a_cut_segment_is_the_filtered_strain_and_gaps_beside_it_do_no_harm() -> None:
    conditioning, strain = Conditioning(), Strain("H1", wall(1), 0.0, RATE)
    whole = conditioning.filter(strain).segment(12.0, 4.0).values
    scale = np.std(whole)
    np.testing.assert_allclose(conditioning.cut(strain, 12.0, 4.0).values, whole, atol=1e-6 * scale)
    values = strain.values.copy()
    values[round(16.0 * RATE) :] = np.nan
    alone = conditioning.cut(replace(strain, values=values), 12.0, 4.0).values
    assert np.isfinite(alone).all()
    # The continuation changes the samples within the impulse response of the end, which the window takes away.
    np.testing.assert_allclose(alone[: -round(0.8 * RATE)], whole[: -round(0.8 * RATE)], atol=0.02 * scale)
    assert np.isnan(conditioning.filter(replace(strain, values=values)).values).sum() == np.isnan(values).sum()


def test_spectra_of_other_sources_need_no_filter() -> None:
    """Estimates do not depend on the filter where there is no wall, and are infinite well below its corner."""
    strain = Strain("H1", wall(2, height=1.0), 0.0, RATE)
    settings = SpectrumSettings("median")
    plain = estimate_spectrum(strain, settings, Conditioning(None, 1.0))
    np.testing.assert_array_equal(plain.values, welch(strain, roll_off=1.0).values)
    filtered = estimate_spectrum(strain, settings, Conditioning(15.0, 1.0))
    np.testing.assert_allclose(filtered.at(FREQUENCIES), plain.at(FREQUENCIES), rtol=0.03)
    assert np.isinf(filtered.values[filtered.frequencies < 12.0]).all()


@pytest.mark.parametrize("n", [1, 2, 7, 5000])
def test_runs_of_any_length_are_filtered(n: int) -> None:
    assert np.isfinite(Conditioning().filter(Strain("H1", np.ones(n), 0.0, RATE)).values).all()


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="expected a positive corner"):
        Conditioning(high_pass=0.0)
    with pytest.raises(InputError, match="expected a roll-off of at least 0 s"):
        Conditioning(roll_off=-1.0)
    with pytest.raises(
        InputError, match=r"corner of the high-pass filter of at most 20 Hz, .*; got 25 Hz: lower the corner"
    ):
        segment(pulse(), Conditioning(high_pass=25.0))
