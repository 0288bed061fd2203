"""Noise spectra: what they whiten has unit variance, lines and slopes are kept, and flawed data do not count."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.strain.conditioning import Conditioning
from chirpleaf.strain.flaws import find_flaws
from chirpleaf.strain.noise import RecordedNoise
from chirpleaf.strain.noise_spectrum import (
    METHODS,
    Method,
    SpectrumSettings,
    bootstrap_spectrum,
    choose_excluded,
    estimate_spectrum,
)
from chirpleaf.strain.regularisation import regularise
from chirpleaf.strain.strain import Strain
from chirpleaf.strain.windows import power, tukey

RATE = 1024.0
FREQUENCIES = np.arange(20.0, 400.0, 0.25)
LINES = ((60.0, 3000.0), (331.9, 300.0))
"""Frequency in Hz of spectral lines, and their density over that of the noise."""


def true_density(frequencies: np.ndarray) -> np.ndarray:
    """Density with a steep wall, a flat part and lines, in 1/Hz."""
    density: np.ndarray = 1e-46 * (1.0 + (40.0 / np.maximum(frequencies, 5.0)) ** 6)
    for centre, height in LINES:
        density = density * (1.0 + height / (1.0 + ((frequencies - centre) / 0.05) ** 2))
    return density


@cache
def noise(seconds: float = 32.0, seed: int = 0) -> Strain:
    n = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(scale=np.sqrt(RATE / 2), size=n))
    values = np.fft.irfft(spectrum * np.sqrt(true_density(np.fft.rfftfreq(n, 1 / RATE))), n)
    return Strain("H1", values, 0.0, RATE)


def whitened_power(method: Method, n: int = 12) -> float:
    """Mean square of noise that is whitened by the estimate from other noise, away from lines."""
    away = np.all([np.abs(FREQUENCIES - centre) > 3.0 for centre, _ in LINES], axis=0)
    found = [estimate_spectrum(noise(seed=seed), SpectrumSettings(method)).at(FREQUENCIES) for seed in range(n)]
    return float(np.mean([true_density(FREQUENCIES)[away] / density[away] for density in found]))


def test_the_inverse_of_a_regularised_estimate_is_unbiased_and_that_of_the_median_is_not() -> None:
    assert whitened_power("regularised") == pytest.approx(1.0, abs=0.015)
    assert whitened_power("median") > 1.1


def test_a_regularised_estimate_scatters_less_and_keeps_the_slope() -> None:
    def scatter(method: Method, band: np.ndarray) -> float:
        density = estimate_spectrum(noise(), SpectrumSettings(method)).at(FREQUENCIES[band])
        return float(np.std(np.log(density / true_density(FREQUENCIES[band]))))

    for low, high in ((20.0, 30.0), (80.0, 300.0)):
        band = (low <= FREQUENCIES) & (high > FREQUENCIES)
        assert scatter("regularised", band) < 0.6 * scatter("median", band)
        assert scatter("regularised", band) < 0.2


def test_lines_are_kept() -> None:
    density = estimate_spectrum(noise())
    for centre, _ in LINES:
        near = np.arange(centre - 1.0, centre + 1.0, 0.25)
        beside = np.median(true_density(np.array([centre - 4.0, centre + 4.0])))
        assert density.at(near).max() > 10.0 * beside


def test_a_smooth_fit_alone_would_lose_them() -> None:
    """Negative control: without lines, power of the line is spread over its neighbourhood."""
    frequencies = np.arange(20.0, 400.0, 0.25)
    periodograms = np.random.default_rng(0).exponential(size=(12, len(frequencies)))
    periodograms[:, 400] *= 1000.0
    found = regularise(frequencies, periodograms, 12.0)
    assert found[400] > 300.0
    np.testing.assert_allclose(np.delete(found, np.arange(395, 406)), 1.0, rtol=0.6)


def test_a_glitch_in_one_stretch_counts_for_little() -> None:
    values = noise().values.copy()
    values[round(8.0 * RATE)] += 1e-18
    clean, hit = (estimate_spectrum(strain).at(FREQUENCIES) for strain in (noise(), replace(noise(), values=values)))
    assert np.median(hit / clean) < 1.8


def test_zeros_lower_a_spectrum_unless_they_are_cut_out() -> None:
    values = noise(64.0).values.copy()
    values[: round(28 * RATE)] = 0.0
    strain = replace(noise(64.0), values=values)
    truth = true_density(FREQUENCIES)
    assert np.median(estimate_spectrum(strain, SpectrumSettings("median")).at(FREQUENCIES) / truth) < 0.7
    clean = find_flaws(strain, 50.0).mask(strain)
    for method in METHODS:
        ratio = estimate_spectrum(clean, SpectrumSettings(method)).at(FREQUENCIES) / truth
        assert np.median(ratio) == pytest.approx(1.0, abs=0.15)


def test_the_event_is_left_out_where_there_is_enough_else() -> None:
    settings, strain = SpectrumSettings(), noise(32.0)
    assert choose_excluded(strain.good_stretches, 16.0, (8.0,), settings) == (10.0, 18.0)
    assert choose_excluded(strain.good_stretches, 16.0, (32.0, 8.0), settings) == (10.0, 18.0)
    assert choose_excluded(noise(128.0).good_stretches, 60.0, (32.0, 8.0), settings) == (30.0, 62.0)
    assert choose_excluded(strain.good_stretches, 16.0, (32.0,), settings) is None
    assert choose_excluded(strain.good_stretches, 16.0, (8.0,), SpectrumSettings("median")) is None
    values = strain.values.copy()
    values[: round(12 * RATE)] = np.nan
    assert choose_excluded(replace(strain, values=values).good_stretches, 16.0, (8.0,), settings) is None


def test_a_signal_in_the_segment_does_not_change_the_spectrum() -> None:
    values = noise().values.copy()
    values[round(15 * RATE) : round(16 * RATE)] *= 30.0
    excluded = choose_excluded(noise().good_stretches, 16.0, (8.0,), SpectrumSettings())
    clean, loud = (
        estimate_spectrum(strain, exclude=excluded).at(FREQUENCIES)
        for strain in (noise(), replace(noise(), values=values))
    )
    np.testing.assert_allclose(loud, clean, rtol=0.02)


def test_the_longest_stretch_is_around_the_trigger() -> None:
    strain = noise(64.0)
    found = strain.cut_around(20.0, 32.0)
    assert (found.start_time, found.duration) == (4.0, 32.0)
    assert strain.cut_around(60.0, 32.0).end_time == strain.end_time
    assert strain.cut_around(20.0, 64.0) is strain


def test_the_bootstrap_scatters_about_the_estimate() -> None:
    draws = [psd.at(FREQUENCIES) for psd in bootstrap_spectrum(noise(), 20, np.random.default_rng(0))]
    middle = np.mean(np.log(draws), axis=0) - np.log(estimate_spectrum(noise()).at(FREQUENCIES))
    assert abs(np.median(middle)) < 0.1
    assert 0.02 < np.median(np.std(np.log(draws), axis=0)) < 0.3


@pytest.mark.parametrize("event", ["GW150914", "GW170814"])
def test_recorded_noise_that_is_left_out_is_white(event: str) -> None:
    """Strain of the embedded events: stretches that an estimate did not use, whitened by it."""
    recordings = RecordedNoise.from_events(event).recordings[event]
    frequencies, conditioning = np.arange(20.0, 1024.0, 0.25), Conditioning()
    found: dict[Method, list[float]] = {"regularised": [], "median": []}
    for strain in (recordings["H1"], recordings["L1"]):
        for start in (0.5, 4.5, 20.5, 24.5):
            time = strain.start_time + start
            piece = conditioning.cut(strain, time, 4.0)
            alone = replace(strain, values=np.tile(piece.values, 4))
            periodogram = compute_periodogram(alone, conditioning, frequencies)
            for method, powers in found.items():
                density = estimate_spectrum(strain, SpectrumSettings(method), exclude=(time, time + 4.0))
                powers.append(float(np.mean(periodogram / density.at(frequencies))))
    assert np.mean(found["regularised"]) == pytest.approx(1.0, abs=0.06)
    assert np.mean(found["median"]) > 1.15


def compute_periodogram(strain: Strain, conditioning: Conditioning, frequencies: np.ndarray) -> np.ndarray:

    n = len(strain) // 4
    window = tukey(n, conditioning.roll_off * strain.sample_rate)
    spectrum = np.fft.rfft(window * strain.values[:n])[np.rint(frequencies * 4).astype(int)]
    density: np.ndarray = 2 * np.abs(spectrum) ** 2 / (n * strain.sample_rate * power(window))
    density /= conditioning.response(frequencies) ** 2
    return density


@pytest.mark.usefixtures("unchecked_types")
def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="expected the method regularised or median; got 'mean'"):
        SpectrumSettings("mean")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="got psd_length = 1 s"):
        SpectrumSettings(length=1.0)
    with pytest.raises(InputError, match="expected at least 16 s of good data; got 12 s"):
        estimate_spectrum(noise(12.0))
