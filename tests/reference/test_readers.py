"""Readers of files in the formats of the open data, written with h5py, as text and with LALFrame."""

import gzip
from collections.abc import Callable
from pathlib import Path

import h5py
import lal
import lalframe
import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.strain.readers import read
from chirpleaf.strain.strain import Strain

START, RATE, SECONDS = 1126259447, 4096, 2
CHANNEL = "H1:GWOSC-4KHZ_R1_STRAIN"


def values() -> np.ndarray:
    series = np.random.default_rng(0).normal(scale=1e-19, size=RATE * SECONDS)
    series[100:110] = np.nan
    return series


def write_hdf5(folder: Path) -> Path:
    path = folder / "H-H1_GWOSC_4KHZ_R1-1126259447-2.hdf5"
    with h5py.File(path, "w") as file:
        strain = file.create_dataset("strain/Strain", data=values(), compression="gzip")
        strain.attrs.update(Npoints=RATE * SECONDS, Xspacing=1 / RATE, Xstart=START, Xunits="second")
        file["meta/Detector"], file["meta/GPSstart"], file["meta/Duration"] = b"H1", START, SECONDS
        file["quality/simple/DQmask"] = np.full(SECONDS, 127, np.int32)
    return path


def write_text(folder: Path) -> Path:
    path = folder / "H-H1_GWOSC_4KHZ_R1-1126259447-2.txt"
    header = (
        "# Gravitational wave strain for GW150914_R1 for H1 (see http://losc.ligo.org)\n"
        f"# This file has {RATE} samples per second\n# starting GPS {START} duration {SECONDS}\n"
    )
    path.write_text(header + "".join(f"{value:.16e}\n" for value in values()))
    return path


def write_gzipped_text(folder: Path) -> Path:
    path = folder / "strain.txt.gz"
    path.write_bytes(gzip.compress(write_text(folder).read_bytes()))
    return path


def write_frames(folder: Path, channels: tuple[str, ...] = (CHANNEL,), name: str = "strain.gwf") -> Path:
    epoch = lal.LIGOTimeGPS(START)
    frame = lalframe.FrameNew(epoch, SECONDS, "test", 0, 0, 0)
    mask = lal.CreateINT4TimeSeries("H1:GWOSC-4KHZ_R1_DQMASK", epoch, 0, 1.0, lal.DimensionlessUnit, SECONDS)
    mask.data.data = np.full(SECONDS, 127, np.int32)
    lalframe.FrameAddINT4TimeSeriesProcData(frame, mask)
    for channel in channels:
        series = lal.CreateREAL8TimeSeries(channel, epoch, 0, 1 / RATE, lal.StrainUnit, RATE * SECONDS)
        series.data.data = values()
        lalframe.FrameAddREAL8TimeSeriesProcData(frame, series)
    lalframe.FrameWrite(frame, str(folder / name))
    return folder / name


WRITERS = [write_hdf5, write_text, write_gzipped_text, write_frames]
every_format = pytest.mark.parametrize("write", WRITERS)


def assert_equal_to_written(strain: Strain) -> None:
    assert (strain.detector, strain.start_time, strain.sample_rate) == ("H1", START, RATE)
    np.testing.assert_allclose(strain.values, values(), rtol=1e-15)


@every_format
def test_files_round_trip(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    assert_equal_to_written(read(write(tmp_path), "H1"))


@every_format
def test_the_format_is_recognised_by_content(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    path = write(tmp_path)
    assert_equal_to_written(read(path.rename(tmp_path / "H-H1_DOWNLOAD-1126259447-2.part"), "H1"))


@every_format
@pytest.mark.parametrize("times", ["1126259455-2", "1126259439-2", "1126259448-2", "1126259445-3"])
def test_a_name_of_other_times_than_the_header_is_refused(
    tmp_path: Path, write: Callable[[Path], Path], times: str
) -> None:
    path = write(tmp_path)
    other = path.rename(tmp_path / f"H-H1_GWOSC_4KHZ_R1-{times}.dat")
    with pytest.raises(InputError, match=r"expected samples from GPS \d+ to \d+, as the name says; got 1126259447 to"):
        read(other, "H1")


@every_format
@pytest.mark.parametrize("name", ["H-H1_R1-1126259440-32.dat", "run-3-1.dat", "1126259455-2"])
def test_a_piece_of_the_named_file_is_accepted(tmp_path: Path, write: Callable[[Path], Path], name: str) -> None:
    path = write(tmp_path)
    assert_equal_to_written(read(path.rename(tmp_path / name), "H1"))


def test_frames_are_read_from_folders_and_names_of_any_characters(tmp_path: Path) -> None:
    folder = tmp_path / "run:1 [a]*"
    folder.mkdir()
    path = write_frames(folder)
    assert_equal_to_written(read(path.rename(folder / "H-H1 [1]?*.gwf"), "H1"))


@every_format
def test_the_wrong_detector_is_refused(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    with pytest.raises(InputError, match=r"expected .*L1; got .*H1"):
        read(write(tmp_path), "L1")


@every_format
@pytest.mark.parametrize("kept", [0.999, 0.6, 0.05])
def test_a_truncated_file_is_refused(
    tmp_path: Path, write: Callable[[Path], Path], kept: float, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(InputError, match="download it again") as caught:
        read(path, "H1")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", [".hdf5", ".txt", ".txt.gz", ".gwf"])
@pytest.mark.parametrize("content", [b"", b"hello world" * 1000, bytes(range(256)), b"\x1f\x8b junk", b"IGWD junk"])
def test_other_files_are_refused_in_one_short_line(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"junk{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"expected .* got .* download") as caught:
        read(path, "H1")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400 + len(str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.hdf5, which does not exist"):
        read(tmp_path / "nowhere.hdf5", "H1")


def test_hdf5_of_another_layout_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["something"] = 1
    with pytest.raises(InputError, match=r"expected HDF5 with strain of GWOSC \(strain/Strain\), gwpy or pycbc"):
        read(tmp_path / "other.hdf5", "H1")


def test_channels_of_frames(tmp_path: Path) -> None:
    second = "H1:GWOSC-16KHZ_R1_STRAIN"
    path = write_frames(tmp_path, (CHANNEL, second))
    with pytest.raises(InputError, match=rf"expected one strain channel of H1; got .*{second}.*; name the channel"):
        read(path, "H1")
    assert_equal_to_written(read(path, "H1", channel=CHANNEL))
    with pytest.raises(InputError, match=r"expected the channel H1:NONE; got .*; give one of these"):
        read(path, "H1", channel="H1:NONE")
    with pytest.raises(InputError, match="expected strain of L1; got that of H1"):
        read(path, "L1", channel=CHANNEL)
    assert_equal_to_written(read(path, "H1", channel=CHANNEL.lower()))
