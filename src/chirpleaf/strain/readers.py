"""Readers of strain files: formats of the Gravitational Wave Open Science Center (GWOSC), and GWF frames.

| format | recognised by | start and rate from | detector from |
|---|---|---|---|
| GWOSC HDF5 | signature of HDF5 | attributes `Xstart`, `Xspacing` of `strain/Strain` | `meta/Detector` |
| GWF frames | first bytes `IGWD` | the channel | the channel's prefix |
| GWOSC text, also gzipped | neither | header lines that start with `#` | header |

The format is recognised from the content of the file, not from its name. Times without data are NaN, as in the
release; data-quality masks are not used. The formats are described at https://gwosc.org/archive/dataset_details and,
for frames, in LIGO-T970130.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.strain import Strain
from chirpleaf.system.lal_messages import silence_lal

FRAME_SIGNATURE = b"IGWD"
GZIP_SIGNATURE = b"\x1f\x8b"

HEADER = {
    "detector": re.compile(r"\bfor ([A-Z]\d)\b"),
    "sample_rate": re.compile(r"\b([\d.]+) samples per second"),
    "start_time": re.compile(r"starting GPS ([\d.]+)"),
    "duration": re.compile(r"\bduration ([\d.]+)"),
}
"""Patterns of the entries in the header of a text file."""


def read(path: str | Path, detector: str, *, channel: str | None = None) -> Strain:
    """Read one detector's strain from a file: GWOSC HDF5, GWOSC text (.txt, .txt.gz) or GWF frames.

    Args:
        path: the file.
        detector: prefix of the detector, such as `"H1"`; it must agree with the file.
        channel: channel of a frame file, such as `"H1:GWOSC-4KHZ_R1_STRAIN"`; by default the detector's only channel
            whose name contains "STRAIN".

    Returns:
        Strain of the whole file; NaN where the detector did not observe.

    Raises:
        InputError: if the file is missing, truncated, of another format or of another detector, or the channel is
            missing or ambiguous.

    Source:
        https://gwosc.org/archive/dataset_details; LIGO-T970130 (frames).
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{detector} strain: expected a file; got {path}, which does not exist; check the path")
    with path.open("rb") as file:
        signature = file.read(len(FRAME_SIGNATURE))
    if signature == FRAME_SIGNATURE:
        return _read_frames(path, detector, channel)
    if channel is not None:
        raise InputError(
            f"{path}: expected GWF frames, because a channel is given; got another format; omit the channel"
        )
    if h5py.is_hdf5(path):
        return _read_hdf5(path, detector)
    return _read_text(path, detector, compressed=signature.startswith(GZIP_SIGNATURE))


def _read_hdf5(path: Path, detector: str) -> Strain:
    """Read a GWOSC HDF5 file."""
    try:
        with h5py.File(path, "r") as file:
            dataset = file["strain/Strain"]
            values = np.asarray(dataset[()], dtype=np.float64)
            spacing, start = float(dataset.attrs["Xspacing"]), float(dataset.attrs["Xstart"])
            found = file["meta/Detector"][()]
    except OSError as error:
        raise _make_read_error(path, "a complete HDF5 file", error) from error
    except (KeyError, TypeError, ValueError) as error:
        raise _make_read_error(
            path, "GWOSC HDF5 with strain/Strain (Xstart, Xspacing) and meta/Detector", error
        ) from error
    _check_detector(path, detector, found.decode() if isinstance(found, bytes) else str(found))
    if not spacing > 0:
        raise InputError(f"{path}: expected a positive Xspacing in s; got {spacing}; download the file again")
    return Strain(detector, values, start, _round_rate(1.0 / spacing))


def _read_text(path: Path, detector: str, *, compressed: bool) -> Strain:
    """Read a GWOSC text file: header lines that start with #, then one value per line."""
    try:
        text = gzip.decompress(path.read_bytes()) if compressed else path.read_bytes()
        lines = text.decode("ascii").splitlines()
        header = " ".join(line for line in lines[:20] if line.startswith("#"))
        found = {name: pattern.search(header) for name, pattern in HEADER.items()}
        values = np.array([line for line in lines if line and not line.startswith("#")], dtype=np.float64)
    except (OSError, EOFError, ValueError) as error:
        raise _make_read_error(path, "GWOSC HDF5, GWOSC text (.txt, .txt.gz) or GWF frames", error) from error
    missing = [name for name, match in found.items() if match is None]
    if missing:
        raise InputError(
            f"{path}: expected GWOSC HDF5, GWF frames, or GWOSC text with a header that gives detector, samples per "
            f"second, GPS start and duration; got text without {', '.join(missing)}; download the file again"
        )
    entries = {name: match.group(1) for name, match in found.items() if match is not None}
    _check_detector(path, detector, entries["detector"])
    rate, duration = float(entries["sample_rate"]), float(entries["duration"])
    if len(values) != round(rate * duration):
        raise InputError(
            f"{path}: expected {round(rate * duration)} samples according to the header; got {len(values)}; the file "
            "is truncated, download it again"
        )
    return Strain(detector, values, float(entries["start_time"]), rate)


def _read_frames(path: Path, detector: str, channel: str | None) -> Strain:
    """Read one channel of a GWF file."""
    import lalframe  # noqa: PLC0415 - rarely needed, and loads a C library
    from lalframe import frread  # noqa: PLC0415

    try:
        with silence_lal():
            # Opening the stream checks the whole file. Reading the channels of a truncated file would crash in C.
            lalframe.FrStreamOpen("", str(path.resolve()))
            chosen = _choose_channel(path, detector, channel)
            series = frread.read_timeseries(_locate_frames(path), chosen)
    except RuntimeError as error:
        raise _make_read_error(path, "complete GWF frames without gaps", error) from error
    values = np.asarray(series.data.data, dtype=np.float64)
    return Strain(detector, values, float(series.epoch), _round_rate(1.0 / series.deltaT))


def _choose_channel(path: Path, detector: str, channel: str | None) -> str:
    """Choose the requested channel, or by default the detector's only strain channel."""
    from lalframe.utils import frtools  # noqa: PLC0415

    channels: list[str] = frtools.get_channels(str(path))
    listed = ", ".join(channels)
    if channel is not None:
        if channel not in channels:
            raise InputError(f"{path}: expected the channel {channel}; got {listed}; give one of these")
        _check_detector(path, detector, channel.partition(":")[0])
        return channel
    of_detector = [name for name in channels if name.startswith(f"{detector}:")]
    if not of_detector:
        raise InputError(f"{path}: expected a channel of {detector}; got {listed}; pair the file with its own detector")
    candidates = [name for name in of_detector if "STRAIN" in name.upper()] or of_detector
    if len(candidates) != 1:
        raise InputError(f"{path}: expected one strain channel of {detector}; got {listed}; name the channel")
    return candidates[0]


def _locate_frames(path: Path) -> Any:
    """Give the source for `frread.read_timeseries`: a file name that ends in .gwf, or else a LAL cache of the file."""
    import lal  # noqa: PLC0415

    if path.suffix == ".gwf":
        return str(path)
    return lal.CacheGlob(str(path.resolve().parent), path.name)


def _check_detector(path: Path, expected: str, found: str) -> None:
    if found != expected:
        raise InputError(f"{path}: expected strain of {expected}; got that of {found}; pair the file with {found}")


def _round_rate(rate: float) -> float:
    """Round a sampling rate in Hz that was computed from its inverse."""
    return float(round(rate)) if abs(rate - round(rate)) < 1e-6 * rate else rate


def _make_read_error(path: Path, expected: str, error: Exception) -> InputError:
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return InputError(
        f"{path}: expected {expected}; got a file that cannot be read as such ({reason}); download it again"
    )
