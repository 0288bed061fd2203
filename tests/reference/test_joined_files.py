"""Several strain files of one detector are joined."""

from pathlib import Path

import numpy as np
import pytest
from strain_files import GOOD, NO_INJECTION, RATE, SECONDS, START, TIMES, VALUES, write_gwosc

from chirpleaf.errors import InputError
from chirpleaf.strain.joining import join
from chirpleaf.strain.quality import DataQuality
from chirpleaf.strain.readers import read
from chirpleaf.strain.strain import Strain


def pieces(*cuts: tuple[int, int], rate: int = RATE) -> list[Strain]:
    """Stretches of the values, by index."""
    return [Strain("H1", VALUES[low:high], START + low / rate, rate) for low, high in cuts]


@pytest.mark.parametrize("order", [1, -1])
def test_neighbouring_files_are_joined(order: int) -> None:
    joined = join(pieces((0, 1000), (1000, 1500), (1500, 2048))[::order])
    assert (joined.start_time, joined.sample_rate) == (START, RATE)
    np.testing.assert_array_equal(joined.values, VALUES)


def test_gaps_between_files_are_nan_and_overlaps_are_filled() -> None:
    values = VALUES.copy()
    values[600:700] = np.nan
    first = Strain("H1", values[:900], START, RATE)
    joined = join([first, *pieces((550, 950), (1200, 2048))])
    expected = VALUES.copy()
    expected[950:1200] = np.nan
    np.testing.assert_array_equal(joined.values, expected)


def test_overlaps_agree_within_the_rounding_of_single_precision() -> None:
    first, second = pieces((0, 1200), (1000, 2048))
    rounded = Strain("H1", second.values.astype(np.float32).astype(np.float64), second.start_time, RATE)
    np.testing.assert_allclose(join([first, rounded]).values, VALUES, rtol=1e-7)
    changed = second.values.copy()
    changed[100] *= 1.001
    with pytest.raises(InputError, match="expected files that agree where they overlap"):
        join([first, Strain("H1", changed, second.start_time, RATE)])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Strain("L1", VALUES, START + 8.0, RATE), "expected strain of one detector to join"),
        (Strain("H1", VALUES, START + 1e6, RATE), r"expected files of neighbouring times.*got 999992 s"),
        (Strain("H1", VALUES, START + 8.0 + 0.3 / RATE, RATE), "sampled at the same times"),
        (Strain("H1", VALUES, START + 8.0, 3 * RATE / 2), "whole multiple"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(other: Strain, message: str) -> None:
    with pytest.raises(InputError, match=message):
        join([*pieces((0, 2048)), other])
    with pytest.raises(InputError, match="at least one file"):
        join([])


def test_files_of_several_rates_have_the_lowest() -> None:
    slow = join([*pieces((0, 2048)), Strain("H1", np.zeros(4 * 2048), START + 8.0, 4 * RATE)])
    assert (slow.sample_rate, len(slow)) == (RATE, 2 * 2048)
    np.testing.assert_array_equal(slow.values[:2048], VALUES)
    # The anti-alias filter has no data beyond the ends of a piece.
    assert 0 < np.isnan(slow.values).sum() < 0.5 * RATE
    assert np.isfinite(slow.values[2048 + 128 : -128]).all()


def test_files_of_one_detector_by_name(tmp_path: Path) -> None:
    """Two files on either side of a boundary, one of them of another format, and bits in both."""
    half = len(VALUES) // 2
    bits = np.full(SECONDS // 2, GOOD)
    bits[3] &= ~4
    first = write_gwosc(tmp_path / "a.hdf5", VALUES[:half], quality=bits)
    second = write_gwosc(tmp_path / "b.hdf5", VALUES[half:], START + SECONDS / 2, quality=bits)
    joined = read([second, first], "H1")
    np.testing.assert_array_equal(joined.values, VALUES)
    assert joined.quality is not None
    assert (joined.quality.start_time, joined.quality.end_time) == (START, START + SECONDS)
    assert joined.quality.failed(START + 7.0, START + 8.0) == ("CBC_CAT2",)
    assert joined.quality.failed(START + 4.0, START + 7.0) == ()
    np.savetxt(tmp_path / "b.txt", np.column_stack([TIMES, VALUES])[half:], fmt="%.9f %.17e")
    mixed = read([first, tmp_path / "b.txt"], "H1")
    np.testing.assert_allclose(mixed.values, VALUES, rtol=1e-12)
    assert mixed.quality is None  # half of it is unknown


def test_bits_between_joined_files_are_gaps() -> None:
    bits = DataQuality(float(START), np.full(2, GOOD), np.full(2, NO_INJECTION))
    late = DataQuality(START + 5.0, np.full(2, GOOD), np.full(2, NO_INJECTION))
    first = Strain("H1", VALUES[: 2 * RATE], START, RATE, bits)
    last = Strain("H1", VALUES[5 * RATE : 7 * RATE], START + 5.0, RATE, late)
    quality = join([last, first]).quality
    assert quality is not None
    assert quality.impaired == ((START + 2.0, START + 5.0),)
    assert quality.hardware_injections(START, START + 7.0) == ()
