"""Strain files of every kind: marks of text, contradictory headers, dtypes, rates, quality bits."""

import codecs
import gzip
from collections.abc import Callable
from pathlib import Path

import h5py
import lal
import lalframe
import numpy as np
import pytest
from strain_files import GOOD, NO_INJECTION, RATE, SECONDS, START, TIMES, VALUES, write_gwosc

from chirpleaf.errors import InputError
from chirpleaf.strain.readers import read


def table(separator: str = " ", header: str = "", end: str = "\n") -> str:
    return header + "".join(f"{t:.9f}{separator}{x:.17e}{end}" for t, x in zip(TIMES, VALUES, strict=True))


def assert_read(path: Path, values: np.ndarray = VALUES) -> None:
    strain = read(path, "H1")
    assert (strain.detector, strain.start_time, strain.sample_rate) == ("H1", START, RATE)
    np.testing.assert_allclose(strain.values, values, rtol=1e-7)


@pytest.mark.parametrize("separator", [" ", "\t", ",", ", ", ";", "   "])
@pytest.mark.parametrize("header", ["", "# time (s), strain\n", "GPS time,H1:STRAIN\n", "% matlab\n\n", "// c\n# d\n"])
def test_two_columns_of_text(tmp_path: Path, separator: str, header: str) -> None:
    path = tmp_path / "strain.txt"
    path.write_text(table(separator, header))
    assert_read(path)


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: gzip.compress(codecs.BOM_UTF8 + text.encode()),
    ],
)
@pytest.mark.parametrize("columns", [1, 2])
def test_marks_and_line_ends_of_other_systems(tmp_path: Path, encode: Callable[[str], bytes], columns: int) -> None:
    gwosc = f"# Strain for H1\n# This file has {RATE} samples per second\n# starting GPS {START} duration {SECONDS}\n"
    text = table() if columns == 2 else gwosc + "".join(f"{value:.17e}\n" for value in VALUES)
    (tmp_path / "strain.txt").write_bytes(encode(text))
    assert_read(tmp_path / "strain.txt")


@pytest.mark.parametrize("digits", [4, 6, 9])
def test_rounded_times_keep_the_rate(tmp_path: Path, digits: int) -> None:
    np.savetxt(tmp_path / "strain.txt", np.column_stack([TIMES, VALUES]), fmt=f"%.{digits}f %.17e")
    assert_read(tmp_path / "strain.txt")


def test_missing_lines_are_gaps(tmp_path: Path) -> None:
    kept = np.ones(len(TIMES), bool)
    kept[300:345] = kept[1000] = False
    np.savetxt(tmp_path / "strain.txt", np.column_stack([TIMES, VALUES])[kept], fmt="%.7f %.17e")
    assert_read(tmp_path / "strain.txt", np.where(kept, VALUES, np.nan))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3\n4 5 6\n", "got text of 3 columns"),
        ("1e-21\n2e-21\n", r"got text of one column without samples per second, GPS start, duration in a header"),
        ("2 1e-21\n1 1e-21\n", "expected increasing GPS times"),
        ("1 1e-21\n1 1e-21\n", "expected increasing GPS times"),
        ("1 1e-21\nnan 1e-21\n3 0\n", "expected increasing GPS times"),
        ("1 1e-21\n2 1e-21\n3.4 1e-21\n9.1 1e-21\n", "expected GPS times at a constant sampling rate"),
        ("0 1e-21\n1 1e-21\n2 1e-21\n1e9 1e-21\n", "expected GPS times at a constant sampling rate"),
        ("# L1:STRAIN\n1 1e-21\n2 1e-21\n", "expected strain of H1; got that of L1"),
        ("1 1e-21\n2 1e-21 3\n", "cannot be read as such"),
        ("time\nstrain\n1 2\n", "cannot be read as such"),
        ("# only a header\n", "no line of numbers"),
        ("1 inf\n2 1e-21\n", "expected finite values or NaN; got inf"),
    ],
)
def test_malformed_text_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "strain.txt").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / "strain.txt", "H1")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", ">f8"])
def test_every_kind_of_floating_point_number(tmp_path: Path, dtype: str) -> None:
    scaled = (VALUES * 1e20).astype(dtype)
    strain = read(write_gwosc(tmp_path / "strain.hdf5", scaled), "H1")
    assert strain.values.dtype == np.float64
    np.testing.assert_array_equal(strain.values, scaled.astype(np.float64))


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"Detector": b"L1"}, "expected strain of H1; got that of L1"),
        ({"GPSstart": START + 1}, r"expected one start time in .*; got GPSstart 1126259448.* Xstart 1126259447"),
        ({"Duration": SECONDS + 1}, r"expected 2304 samples according to the header \(Duration\); got 2048"),
    ],
)
def test_headers_that_contradict_the_data_are_refused(tmp_path: Path, meta: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(write_gwosc(tmp_path / "strain.hdf5", **meta), "H1")


@pytest.mark.parametrize("spacing", [0.0, -1.0, np.nan, np.inf])
def test_a_spacing_that_is_none_is_refused(tmp_path: Path, spacing: float) -> None:
    path = write_gwosc(tmp_path / "strain.hdf5")
    with h5py.File(path, "a") as file:
        del file["meta/Duration"]
        file["strain/Strain"].attrs["Xspacing"] = spacing
    with pytest.raises(InputError, match="positive spacing"):
        read(path, "H1")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="which is a folder; check the path"):
        read(tmp_path, "H1")


def write_frames(path: Path, quality: np.ndarray, injections: np.ndarray) -> Path:
    epoch = lal.LIGOTimeGPS(START)
    frame = lalframe.FrameNew(epoch, SECONDS, "test", 0, 0, 0)
    for name, words in (("DQMASK", quality), ("INJMASK", injections)):
        mask = lal.CreateINT4TimeSeries(f"H1:GWOSC-4KHZ_R1_{name}", epoch, 0, 1.0, lal.DimensionlessUnit, SECONDS)
        mask.data.data = words.astype(np.int32)
        lalframe.FrameAddINT4TimeSeriesProcData(frame, mask)
    series = lal.CreateREAL8TimeSeries("H1:GWOSC-4KHZ_R1_STRAIN", epoch, 0, 1 / RATE, lal.StrainUnit, len(VALUES))
    series.data.data = VALUES
    lalframe.FrameAddREAL8TimeSeriesProcData(frame, series)
    lalframe.FrameWrite(frame, str(path))
    return path


@pytest.mark.parametrize("form", ["hdf5", "gwf"])
def test_quality_bits_are_read_and_category_1_is_a_gap(tmp_path: Path, form: str) -> None:
    quality, injections = np.full(SECONDS, GOOD), np.full(SECONDS, NO_INJECTION)
    quality[2] &= ~2  # CBC_CAT1
    quality[5] &= ~1  # DATA
    quality[6] &= ~8  # CBC_CAT3 is no reason to leave data out
    quality[7] &= ~16  # BURST_CAT1 concerns other searches
    injections[3:5] &= ~1  # CBC
    injections[:] &= ~8  # CW
    if form == "gwf":
        strain = read(write_frames(tmp_path / "strain.gwf", quality, injections), "H1")
    else:
        path = write_gwosc(tmp_path / "strain.hdf5", quality=quality, injections=injections)
        strain = read(path, "H1")
    assert strain.gaps == ((START + 2.0, START + 3.0), (START + 5.0, START + 6.0))
    bits = strain.quality
    assert bits is not None
    assert bits.failed(START, START + SECONDS) == ("DATA", "CBC_CAT1", "CBC_CAT3", "BURST_CAT1")
    assert bits.failed(START + 6.2, START + 6.8) == ("CBC_CAT3",)
    assert bits.failed(START + 3.0, START + 5.0) == ()
    assert bits.hardware_injections(START, START + 3.0) == ("CW",)
    assert bits.hardware_injections(START + 2.5, START + 3.5) == ("CBC", "CW")
    assert bits.failed(START - 100, START - 50) == ()


@pytest.mark.parametrize("seconds", [SECONDS - 1, SECONDS + 1, 1])
@pytest.mark.usefixtures("unchecked_types")
def test_bits_of_another_length_are_refused(tmp_path: Path, seconds: int) -> None:
    path = write_gwosc(tmp_path / "strain.hdf5", quality=np.full(seconds, GOOD), injections=np.full(SECONDS, 31))
    with pytest.raises(InputError, match=rf"expected words of data quality .* each of 8 s; got {seconds} and 8"):
        read(path, "H1")


def test_files_without_bits_say_nothing(tmp_path: Path) -> None:
    assert read(write_gwosc(tmp_path / "strain.hdf5"), "H1").quality is None


def test_bits_of_the_first_science_runs(tmp_path: Path) -> None:
    path = write_gwosc(tmp_path / "strain.hdf5", quality=np.array([7, 5, 3, 7, 7, 7, 7, 7]))
    with h5py.File(path, "a") as file:
        del file["quality/simple/DQShortnames"]
        file["quality/simple/DQShortnames"] = [b"DATA", b"CBCHIGH_CAT1", b"CBCHIGH_CAT2"]
    strain = read(path, "H1")
    assert strain.gaps == ((START + 1.0, START + 2.0),)
    assert strain.quality is not None
    assert strain.quality.failed(START + 2.0, START + 3.0) == ("CBCHIGH_CAT2",)
