"""Power spectral densities: unbiased for every window; the signal-to-noise ratio of signals is correct."""

from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.signal

from chirpleaf.errors import InputError
from chirpleaf.strain.conditioning import STANDARD
from chirpleaf.strain.noise_spectrum import MEDIAN, bootstrap_spectrum
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.psd_estimation import median_bias, welch
from chirpleaf.strain.psd_files import read_psd
from chirpleaf.strain.strain import Strain
from chirpleaf.strain.windows import power, tukey

RATE, DURATION = 512.0, 4.0
N = round(RATE * DURATION)
FREQUENCIES = np.fft.rfftfreq(N, 1 / RATE)
BAND = (FREQUENCIES >= 20.0) & (FREQUENCIES <= 200.0)
ROLL_OFFS = (0.05, 0.2, 0.4, 1.0, 1.9)


RNG = np.random.default_rng


def true_density(frequencies: np.ndarray) -> np.ndarray:
    """Density of a ground-based detector, steep below 40 Hz and flat above, in 1/Hz."""
    return 1e-46 * (1.0 + (40.0 / np.maximum(frequencies, 10.0)) ** 4)


def coloured_noise(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise with the true density."""
    white = rng.normal(scale=np.sqrt(RATE / 2), size=round(seconds * RATE))
    density = true_density(np.fft.rfftfreq(len(white), 1 / RATE))
    return np.fft.irfft(np.fft.rfft(white) * np.sqrt(density), len(white))


def sine_gaussian() -> np.ndarray:
    """Signal of 0.1 s in the middle of a segment, where every window is flat."""
    t = np.arange(N) / RATE - DURATION / 2
    return 3e-22 * np.exp(-((t / 0.02) ** 2)) * np.cos(2 * np.pi * 90.0 * t)


def inner(a: np.ndarray, b: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Noise-weighted inner product 4 df Re sum a conj(b) / S over the band."""
    return 4 / DURATION * np.sum((a * np.conj(b)).real[..., BAND] / density[BAND], axis=-1)


@pytest.mark.parametrize("average", ["median", "mean"])
@pytest.mark.parametrize("roll_off", ROLL_OFFS)
def test_the_estimate_is_unbiased_for_every_window(roll_off: float, average: str) -> None:
    strain = Strain("H1", coloured_noise(512.0, np.random.default_rng(1)), 0.0, RATE)
    estimate = welch(strain, roll_off=roll_off, average=average)
    ratio = np.mean(estimate.at(FREQUENCIES[BAND]) / true_density(FREQUENCIES[BAND]))
    assert ratio == pytest.approx(1.0, abs=0.02)
    if roll_off >= 0.2:
        # Negative control: without the correction for the window the estimate is low.
        assert ratio * power(tukey(N, roll_off * RATE)) < 0.97


bootstrap_median = partial(bootstrap_spectrum, settings=MEDIAN, conditioning=STANDARD)


def test_the_bootstrap_scatters_like_the_estimate() -> None:
    """The bootstrap error agrees with the scatter over noise realisations; seeds reproduce it."""
    series = [Strain("H1", coloured_noise(32.0, np.random.default_rng(seed)), 0.0, RATE) for seed in range(60)]
    estimates = np.log([welch(strain).values[BAND] for strain in series])
    drawn = np.array(
        [np.log([psd.values[BAND] for psd in bootstrap_median(one, 60, RNG(7))]).std(0) for one in series[:8]]
    )
    assert np.median(drawn) == pytest.approx(np.median(estimates.std(0)), rel=0.15)
    first, again = (next(bootstrap_median(series[0], 1, RNG(1))).values for _ in range(2))
    assert np.array_equal(first, again)
    with pytest.raises(InputError, match="expected at least 16 s of good data"):
        next(bootstrap_median(series[0], 1, RNG(1), exclude=(8.0, 25.0)))


@pytest.mark.parametrize("roll_off", ROLL_OFFS)
def test_a_signal_in_the_flat_part_keeps_amplitude_and_signal_to_noise(roll_off: float) -> None:
    density = welch(Strain("H1", coloured_noise(512.0, np.random.default_rng(2)), 0.0, RATE), roll_off=roll_off).at(
        np.maximum(FREQUENCIES, 1.0)
    )
    window = tukey(N, roll_off * RATE)
    template = np.fft.rfft(sine_gaussian()) / RATE
    truth = np.sqrt(inner(template, template, true_density(FREQUENCIES)))

    def measured(data: np.ndarray) -> tuple[float, float]:
        norm = inner(template, template, density)
        return inner(data, template, density) / norm, inner(data, template, density) / np.sqrt(norm)

    data = np.fft.rfft(window * sine_gaussian()) / RATE
    amplitude, snr = measured(data)
    assert amplitude == pytest.approx(1.0, abs=1e-3)
    assert snr == pytest.approx(truth, rel=0.02)
    if roll_off >= 0.2:
        # Negative control: data corrected for the window have a signal-to-noise ratio that is too large.
        wrong_amplitude, wrong_snr = measured(data / np.sqrt(power(window)))
        assert wrong_amplitude > 1.02
        assert wrong_snr > truth * 1.02


def test_the_matched_filter_of_windowed_noise_has_unit_variance() -> None:
    rng, window = np.random.default_rng(3), tukey(N, 1.0 * RATE)
    template = np.fft.rfft(sine_gaussian()) / RATE
    density = true_density(FREQUENCIES)
    noise = np.stack([coloured_noise(2 * DURATION, rng)[:N] for _ in range(2000)])
    data = np.fft.rfft(window * noise, axis=-1) / RATE
    spread = np.std(inner(data, template, density) / np.sqrt(inner(template, template, density)))
    assert spread == pytest.approx(1.0, abs=0.06)
    # Negative control: with the correction for the window it is 1.2.
    assert spread / np.sqrt(power(window)) > 1.1


@pytest.mark.parametrize(("average", "segment", "overlap"), [("median", 4.0, 0.5), ("mean", 2.0, 0.0)])
def test_it_equals_scipys_welch(average: str, segment: float, overlap: float) -> None:
    values = coloured_noise(33.0, np.random.default_rng(4))
    ours = welch(Strain("H1", values, 0.0, RATE), stretch=segment, overlap=overlap, average=average)
    n = round(segment * RATE)
    frequencies, theirs = scipy.signal.welch(
        values, RATE, tukey(n, 0.2 * RATE), n, int(overlap * n), detrend=False, average=average
    )
    np.testing.assert_array_equal(ours.frequencies, frequencies)
    np.testing.assert_allclose(ours.values, theirs, rtol=1e-9)


def test_the_bias_of_the_median_is_that_of_exponential_numbers() -> None:
    rng = np.random.default_rng(5)
    for n in (1, 2, 5, 15):
        sample = np.median(rng.exponential(size=(200_000, n)), axis=1).mean()
        assert sample == pytest.approx(median_bias(n), rel=0.01)
    assert median_bias(10_001) == pytest.approx(np.log(2), abs=1e-4)


def test_gaps_and_the_excluded_interval_have_no_effect() -> None:
    values = coloured_noise(64.0, np.random.default_rng(6))
    loud = values.copy()
    loud[round(30 * RATE) : round(34 * RATE)] += 1e-18
    excluded = welch(Strain("H1", loud, 100.0, RATE), average="mean", exclude=(130.0, 134.0))
    loud[round(30 * RATE) : round(34 * RATE)] = np.nan
    gapped = welch(Strain("H1", loud, 100.0, RATE), average="mean")
    np.testing.assert_array_equal(excluded.values, gapped.values)
    halves = [
        welch(Strain("H1", values[: round(30 * RATE)], 0.0, RATE), average="mean").values,
        welch(Strain("H1", values[round(34 * RATE) :], 0.0, RATE), average="mean").values,
    ]
    np.testing.assert_allclose(gapped.values, np.mean(halves, axis=0), rtol=1e-12)


def test_too_little_good_data_is_refused() -> None:
    strain = Strain("V1", coloured_noise(32.0, np.random.default_rng(7)), 0.0, RATE)
    with pytest.raises(InputError, match=r"V1 .*at least 16 s of good data; got 12 s in 1 stretch.*--psd"):
        welch(strain, exclude=(12.0, 99.0))
    welch(strain, exclude=(16.0, 99.0))


@pytest.mark.parametrize("settings", [{"overlap": 1.0}, {"overlap": -0.1}, {"average": "mode"}, {"roll_off": 3.0}])
@pytest.mark.usefixtures("unchecked_types")
def test_invalid_settings_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(InputError, match="expected"):
        welch(Strain("V1", np.ones(32 * 512), 0.0, RATE), **settings)


def test_interpolation_is_linear_in_the_logarithm() -> None:
    psd = PowerSpectralDensity(np.array([10.0, 20.0, 40.0]), np.array([1e-40, 1e-44, 1e-46]))
    np.testing.assert_allclose(psd.at(np.array([10.0, 15.0, 20.0, 30.0, 40.0])), [1e-40, 1e-42, 1e-44, 1e-45, 1e-46])


@pytest.mark.parametrize("empty", [0.0, np.inf, np.nan, -1e-46])
def test_only_requested_values_need_to_be_valid(empty: float) -> None:
    psd = PowerSpectralDensity(np.array([10.0, 20.0, 30.0, 40.0]), np.array([empty, 1e-46, 1e-46, empty]))
    np.testing.assert_allclose(psd.at(np.array([20.0, 25.0, 30.0])), 1e-46)
    for frequency in (10.0, 19.9, 30.1, 40.0):
        with pytest.raises(InputError, match="finite, positive values"):
            psd.at(np.array([frequency]))


@pytest.mark.parametrize("mark", [0.0, np.inf])
def test_zero_and_infinity_are_notches(mark: float) -> None:
    frequencies = np.arange(10.0, 110.0)
    values = true_density(frequencies)
    values[(frequencies >= 59) & (frequencies <= 61)] = mark
    values[0] = mark
    psd, wanted = PowerSpectralDensity(frequencies, values), np.arange(11.0, 109.0)
    found, notched = psd.at(wanted), (wanted >= 59) & (wanted <= 61)
    np.testing.assert_allclose(found[~notched], true_density(wanted[~notched]))
    assert (found[notched] > 1e4 * true_density(wanted[notched])).all()
    assert np.isfinite(1 / found.astype(np.float64)).all()
    assert psd.find_notches(wanted) == ((59.0, 61.0),)
    assert psd.find_notches(wanted[:40]) == ()
    # A table without values in the band is no table with a notch.
    values[(frequencies >= 50) & (frequencies <= 70)] = mark
    with pytest.raises(InputError, match="finite, positive values in the analysed band; got others near 50 Hz"):
        PowerSpectralDensity(frequencies, values).at(wanted)


@pytest.mark.parametrize("wrong", [np.nan, -1e-46])
def test_what_is_no_density_is_no_notch(wrong: float) -> None:
    frequencies = np.arange(10.0, 110.0)
    values = true_density(frequencies)
    values[50] = wrong
    with pytest.raises(InputError, match="finite, positive values in the analysed band; got others near 60 Hz"):
        PowerSpectralDensity(frequencies, values).at(frequencies)


@pytest.mark.parametrize(("first", "last"), [(20.0000001, 100.0), (20.0, 99.9999999), (20.0, 99.875), (20.0009, 100.0)])
def test_the_ends_of_a_table_may_be_rounded(first: float, last: float) -> None:
    """Tables round their frequencies, or leave out the highest one of a transform."""
    frequencies = np.arange(20.0, 100.001, 0.125)
    frequencies = frequencies[frequencies <= last + 1e-3]
    frequencies[0], frequencies[-1] = first, last
    psd = PowerSpectralDensity(frequencies, true_density(frequencies))
    wanted = np.arange(20.0, 100.001, 0.125)
    np.testing.assert_allclose(psd.at(wanted), true_density(wanted), rtol=1e-3)
    for beyond in (19.9, 100.2):
        with pytest.raises(InputError, match=r"expected values from .* Hz; got those from 20"):
            psd.at(np.array([beyond]))


@pytest.mark.parametrize("frequency", [9.9, 40.1, np.nan])
def test_frequencies_outside_are_refused(frequency: float) -> None:
    psd = PowerSpectralDensity(np.array([10.0, 40.0]), np.array([1e-46, 1e-46]))
    with pytest.raises(InputError, match=r"expected values from .* Hz; got those from 10 to 40 Hz"):
        psd.at(np.array([20.0, frequency]))


@pytest.mark.parametrize(
    ("frequencies", "values"),
    [([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([2.0, 1.0], [1.0, 1.0]), ([1.0, 1.0], [1.0, 1.0]), ([1.0, np.nan], [1, 1])],
)
@pytest.mark.usefixtures("unchecked_types")
def test_an_invalid_density_is_refused(frequencies: list[float], values: list[float]) -> None:
    with pytest.raises(InputError, match="power spectral density: expected"):
        PowerSpectralDensity(np.array(frequencies), np.array(values))


@pytest.mark.parametrize("name", ["psd.txt", "psd.dat", "psd.hdf5", "psd.h5"])
def test_files_round_trip(tmp_path: Path, name: str) -> None:
    psd = PowerSpectralDensity(FREQUENCIES, true_density(FREQUENCIES))
    psd.write(tmp_path / name)
    back = read_psd(tmp_path / name)
    np.testing.assert_array_equal(back.frequencies, psd.frequencies)
    np.testing.assert_array_equal(back.values, psd.values)


def test_foreign_hdf5_layouts(tmp_path: Path) -> None:
    density = true_density(FREQUENCIES)
    with h5py.File(tmp_path / "bilby.h5", "w") as file:
        file["frequency_array"], file["psd_array"] = FREQUENCIES, density
    with h5py.File(tmp_path / "samples.h5", "w") as file:
        for factor, detector in enumerate(("H1", "L1"), start=1):
            file[f"psds/{detector}"] = np.column_stack([FREQUENCIES, factor * density])
    np.testing.assert_array_equal(read_psd(tmp_path / "bilby.h5").values, density)
    np.testing.assert_array_equal(read_psd(tmp_path / "samples.h5", "L1").values, 2 * density)
    for detector in ("V1", None):
        with pytest.raises(InputError, match=r"expected a spectrum of .*; got those of H1, L1"):
            read_psd(tmp_path / "samples.h5", detector)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("words.txt", b"no numbers here\n"),
        ("one.txt", b"1.0\n2.0\n"),
        ("three.txt", b"1 2 3\n4 5 6\n"),
        ("unsorted.txt", b"2 1e-46\n1 1e-46\n"),
        ("zero.txt", b"1 0\n2 0\n"),
        ("binary.txt", bytes(range(256))),
        ("fake.hdf5", b"not HDF5"),
    ],
)
def test_malformed_files_are_refused_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="expected") as caught:
        read_psd(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.txt, which does not exist"):
        read_psd(tmp_path / "nowhere.txt")
