"""Strain: segments, gaps and decimation; windows."""

from typing import Any

import lal
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal.windows import tukey as scipy_tukey

from chirpleaf.errors import InputError
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.strain import Strain
from chirpleaf.strain.windows import power, tukey

START, RATE = 1126259447.0, 256.0


def ramp(seconds: float = 32.0, rate: float = RATE) -> Strain:
    return Strain("H1", np.arange(round(seconds * rate), dtype=np.float64), START, rate)


@given(offset=st.floats(0.0, 28.0), duration=st.integers(1, 1024))
def test_a_segment_starts_at_the_nearest_sample(offset: float, duration: int) -> None:
    cut = ramp().segment(START + offset, duration / RATE)
    assert len(cut) == duration
    assert abs(cut.start_time - (START + offset)) <= 0.5 / RATE + 1e-6
    first = round((cut.start_time - START) * RATE)
    np.testing.assert_array_equal(cut.values, np.arange(first, first + duration))
    assert cut.start_time == START + first / RATE
    assert cut.times[0] == pytest.approx(cut.start_time, abs=1e-7)


def test_the_standard_segment_of_gw150914_starts_at_sample_54886() -> None:
    cut = ramp(rate=4096.0).segment(1126259462.4 + 2.0 - 4.0, 4.0)
    assert cut.values[0] == 54886
    assert len(cut) == 16384


@pytest.mark.parametrize("start", [START - 1.0, START + 29.0, START - 1 / RATE, START + 28.0 + 1 / RATE])
def test_a_segment_outside_is_refused(start: float) -> None:
    with pytest.raises(InputError, match=r"outside the file: expected .*; got .*; give a longer file"):
        ramp().segment(start, 4.0)


def test_the_whole_file_is_a_segment() -> None:
    np.testing.assert_array_equal(ramp().segment(START, 32.0).values, ramp().values)


@pytest.mark.parametrize("duration", [0.0, -1.0, 1.5 / RATE])
def test_a_duration_of_no_whole_number_of_samples_is_refused(duration: float) -> None:
    with pytest.raises(InputError, match="whole number of samples"):
        ramp().segment(START, duration)


def test_gaps_are_listed_and_refused_in_segments() -> None:
    values = ramp().values.copy()
    values[:256] = np.nan
    values[2560:2570] = np.nan
    strain = Strain("H1", values, START, RATE)
    assert strain.gaps == ((START, START + 1.0), (START + 10.0, START + 10.0 + 10 / RATE))
    assert strain.good_stretches == ((START + 1.0, START + 10.0), (START + 10.0 + 10 / RATE, START + 32.0))
    strain.segment(START + 1.0, 9.0)
    with pytest.raises(InputError, match="got 1 samples of gaps"):
        strain.segment(START + 1.0, 9.0 + 1 / RATE)


@pytest.mark.parametrize(
    ("values", "rate"),
    [(np.zeros((2, 8)), RATE), (np.zeros(0), RATE), (np.array([0.0, np.inf]), RATE), (np.zeros(8), 0.0)],
)
@pytest.mark.usefixtures("unchecked_types")
def test_invalid_strain_is_refused(values: np.ndarray, rate: float) -> None:
    with pytest.raises(InputError, match="H1 strain: expected"):
        Strain("H1", values, START, rate)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(8) + 1j,
        np.zeros(8) > 0,
        np.arange(8).astype("datetime64[s]"),
        np.arange(8).astype("timedelta64[s]"),
        np.arange(8).astype(str),
        np.arange(8).astype(object),
        b"abc",
        "abc",
        None,
        ["a", "b"],
        [1.0, None],
        [[1.0], [1.0, 2.0]],
    ],
    ids=repr,
)
@pytest.mark.usefixtures("unchecked_types")
def test_values_that_are_no_real_numbers_are_refused(values: Any) -> None:
    with pytest.raises(InputError, match=r"^H1 strain: expected real numbers; got .*: give one array of integers or"):
        Strain("H1", values, START, RATE)
    with pytest.raises(InputError, match=r"^values of a power spectral density: expected real numbers; got "):
        PowerSpectralDensity(np.arange(2.0), values)


@pytest.mark.parametrize(
    "values",
    [
        [0, 1, 2, 3],
        np.arange(4, dtype=np.uint16),
        np.arange(4, dtype=np.float32),
        np.arange(4, dtype=">f8"),
        np.arange(4, dtype=np.longdouble),
        np.arange(8.0)[::2] / 2,
        np.arange(4.0)[::-1][::-1],
        np.frombuffer(np.arange(4.0).tobytes()),
        np.ma.array(np.arange(4.0)),
    ],
    ids=repr,
)
@pytest.mark.usefixtures("unchecked_types")
def test_real_numbers_of_any_type_and_layout_are_taken(values: Any) -> None:
    taken = Strain("H1", values, START, RATE).values
    assert (taken.dtype, type(taken), taken.tolist()) == (np.float64, np.ndarray, [0.0, 1.0, 2.0, 3.0])
    assert taken.flags.c_contiguous


@pytest.mark.parametrize("number_type", [np.float64, np.float32, np.int64, ">f8"])
@pytest.mark.usefixtures("unchecked_types")
def test_masked_samples_are_gaps(number_type: Any) -> None:
    values = np.ma.array(np.arange(512).astype(number_type), mask=np.arange(512) // 128 == 1)
    strain = Strain("H1", values, START, RATE)
    assert strain.gaps == ((START + 0.5, START + 1.0),)
    np.testing.assert_array_equal(strain.values[256:], np.arange(256, 512))


@pytest.mark.usefixtures("unchecked_types")
def test_masked_infinities_are_gaps() -> None:
    assert Strain("H1", np.ma.masked_invalid([1.0, np.inf, 2.0]), START, RATE).gaps == (
        (START + 1 / RATE, START + 2 / RATE),
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("detector", 1),
        ("detector", None),
        ("detector", b"H1"),
        *(("start_time", value) for value in ("1187", None, True, [START], np.array([START]), np.datetime64(0, "s"))),
        *(("sample_rate", value) for value in ("4096", None, True, [RATE], np.array([RATE]), RATE + 0j, np.nan)),
        ("quality", "good"),
        ("quality", np.ones(32)),
    ],
    ids=repr,
)
@pytest.mark.usefixtures("unchecked_types")
def test_fields_of_other_types_are_refused(field: str, value: Any) -> None:
    fields = {"detector": "H1", "values": np.zeros(8), "start_time": START, "sample_rate": RATE, field: value}
    with pytest.raises(InputError, match=r"expected .*; got .*[:;] \w+") as caught:
        Strain(**fields)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("unchecked_types")
def test_times_of_lal_and_scalars_of_numpy_are_taken() -> None:
    strain = Strain("H1", np.zeros(8), lal.LIGOTimeGPS(1126259447, 500_000_000), np.array(256))
    assert (strain.start_time, strain.sample_rate) == (1126259447.5, 256.0)


def tone(frequency: float, rate: float) -> np.ndarray:
    return np.cos(2 * np.pi * frequency * np.arange(round(4 * rate)) / rate + 0.7)


@pytest.mark.parametrize("frequency", [0.0, 20.0, 600.0, 1024.0, 1600.0])
def test_decimation_keeps_amplitude_and_phase_in_the_pass_band(frequency: float) -> None:
    thinned = Strain("H1", tone(frequency, 16384.0), START, 16384.0).require_sample_rate(4096.0)
    assert (thinned.sample_rate, thinned.duration, thinned.start_time) == (4096.0, 4.0, START)
    good = np.isfinite(thinned.values)
    assert good[200:-200].all()
    np.testing.assert_allclose(thinned.values[good], tone(frequency, 4096.0)[good], atol=2e-5)


@pytest.mark.parametrize("frequency", [2048.5, 2500.0, 3072.0, 8000.0])
def test_decimation_removes_aliases(frequency: float) -> None:
    thinned = Strain("H1", tone(frequency, 16384.0), START, 16384.0).require_sample_rate(4096.0)
    assert np.nanmax(np.abs(thinned.values)) < 2e-5


def test_decimation_gives_nan_near_ends_and_gaps() -> None:
    values = np.random.default_rng(0).normal(size=4 * 16384)
    whole = Strain("H1", values, START, 16384.0).require_sample_rate(4096.0)
    values[32768:32800] = np.nan
    holed = Strain("H1", values, START, 16384.0).require_sample_rate(4096.0)
    (_, first), (low, high), (last, _) = holed.gaps
    assert START + 2.0 - 0.03 < low < START + 2.0 < high < START + 2.0 + 0.03
    assert first - START < 0.03
    assert START + 4.0 - last < 0.03
    good = np.isfinite(holed.values)
    np.testing.assert_array_equal(holed.values[good], whole.values[good])


def test_other_sampling_rates_are_refused() -> None:
    strain = ramp()
    assert strain.require_sample_rate(RATE) is strain
    for rate in (512.0, 100.0, 0.0):
        with pytest.raises(InputError, match="whole multiple"):
            strain.require_sample_rate(rate)


@pytest.mark.parametrize(("n", "alpha"), [(16384, 0.1), (1001, 0.5), (8, 1.0), (9, 1.0), (5, 0.0), (1, 0.0)])
def test_the_window_is_tukeys(n: int, alpha: float) -> None:
    np.testing.assert_allclose(tukey(n, alpha * n / 2), scipy_tukey(n, alpha), atol=1e-14)


@given(roll_off=st.floats(0.0, 2.0))
def test_the_power_of_a_long_window_is_one_minus_five_eighths_of_the_roll_offs(roll_off: float) -> None:
    assert power(tukey(16384, roll_off * 4096)) == pytest.approx(1.0 - 0.625 * 2 * roll_off / 4.0, abs=2e-4)


@pytest.mark.parametrize(("n", "roll_off"), [(0, 0.0), (10, 5.1), (10, -1.0), (10, float("nan"))])
def test_a_window_that_does_not_fit_is_refused(n: int, roll_off: float) -> None:
    with pytest.raises(InputError, match="window: expected"):
        tukey(n, roll_off)
