"""Strain from files: what the Gravitational Wave Open Science Center releases, and frames.

| format | recognised by | start and rate from | detector from |
|---|---|---|---|
| GWOSC HDF5 | signature of HDF5 | attributes `Xstart`, `Xspacing` of `strain/Strain` | `meta/Detector` |
| GWF frames | first bytes `IGWD` | the channel | the channel's prefix |
| GWOSC text, also gzipped | neither | header lines that start with `#` | header |

A file is recognised by its content, whatever its name. Times without data are NaN, as released; data-quality masks
are not consulted. The layouts are described at https://gwosc.org/archive/dataset_details and, for frames, in
LIGO-T970130.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.strain import Strain

FRAME_SIGNATURE = b"IGWD"
GZIP_SIGNATURE = b"\x1f\x8b"

HEADER = {
    "detector": re.compile(r"\bfor ([A-Z]\d)\b"),
    "sample_rate": re.compile(r"\b([\d.]+) samples per second"),
    "start_time": re.compile(r"starting GPS ([\d.]+)"),
    "duration": re.compile(r"\bduration ([\d.]+)"),
}
"""What the header of a text file says, and how."""


def read(path: str | Path, detector: str, *, channel: str | None = None) -> Strain:
    """Read one detector's strain from a file: GWOSC HDF5, GWOSC text (.txt, .txt.gz) or GWF frames.

    Args:
        path: the file.
        detector: prefix of the detector, such as `"H1"`; must be the file's.
        channel: channel of a frame file, such as `"H1:GWOSC-4KHZ_R1_STRAIN"`; by default the only one of the detector
            whose name holds "STRAIN".

    Returns:
        The whole file's strain; NaN where the detector did not observe.

    Raises:
        InputError: if the file is missing, of another format, cut short or another detector's, or the channel is not
            in it or not clear.

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
        raise InputError(f"{path}: expected GWF frames, for a channel is given; got another format; drop the channel")
    if h5py.is_hdf5(path):
        return _read_hdf5(path, detector)
    return _read_text(path, detector, compressed=signature.startswith(GZIP_SIGNATURE))


def _read_hdf5(path: Path, detector: str) -> Strain:
    """A GWOSC HDF5 file."""
    try:
        with h5py.File(path, "r") as file:
            dataset = file["strain/Strain"]
            values = np.asarray(dataset[()], dtype=np.float64)
            spacing, start = float(dataset.attrs["Xspacing"]), float(dataset.attrs["Xstart"])
            found = file["meta/Detector"][()]
    except OSError as error:
        raise _unreadable(path, "a complete HDF5 file", error) from error
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, "GWOSC HDF5 with strain/Strain (Xstart, Xspacing) and meta/Detector", error) from error
    _check_detector(path, detector, found.decode() if isinstance(found, bytes) else str(found))
    if not spacing > 0:
        raise InputError(f"{path}: expected a positive Xspacing in s; got {spacing}; download the file again")
    return Strain(detector, values, start, _nearest_integer(1.0 / spacing))


def _read_text(path: Path, detector: str, *, compressed: bool) -> Strain:
    """A GWOSC text file, one value a line under a header that starts with #."""
    try:
        text = gzip.decompress(path.read_bytes()) if compressed else path.read_bytes()
        lines = text.decode("ascii").splitlines()
        header = " ".join(line for line in lines[:20] if line.startswith("#"))
        found = {name: pattern.search(header) for name, pattern in HEADER.items()}
        values = np.array([line for line in lines if line and not line.startswith("#")], dtype=np.float64)
    except (OSError, EOFError, ValueError) as error:
        raise _unreadable(path, "GWOSC HDF5, GWOSC text (.txt, .txt.gz) or GWF frames", error) from error
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
            f"{path}: expected {round(rate * duration)} samples as its header says; got {len(values)}; the file is cut "
            "short, download it again"
        )
    return Strain(detector, values, float(entries["start_time"]), rate)


def _read_frames(path: Path, detector: str, channel: str | None) -> Strain:
    """One channel of a GWF file."""
    import lalframe  # noqa: PLC0415 - seldom needed, and loads a C library
    from lalframe import frread  # noqa: PLC0415

    try:
        with _lal_errors_unprinted():
            # Opening the stream checks the whole file; reading the channels of a file cut short would crash in C.
            lalframe.FrStreamOpen("", str(path.resolve()))
            chosen = _choose_channel(path, detector, channel)
            series = frread.read_timeseries(_frame_source(path), chosen)
    except RuntimeError as error:
        raise _unreadable(path, "complete GWF frames without gaps", error) from error
    values = np.asarray(series.data.data, dtype=np.float64)
    return Strain(detector, values, float(series.epoch), _nearest_integer(1.0 / series.deltaT))


def _choose_channel(path: Path, detector: str, channel: str | None) -> str:
    """The channel asked for if the file has it, else the detector's only one that looks like strain."""
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


def _frame_source(path: Path) -> Any:
    """What `frread.read_timeseries` takes: a name that ends in .gwf, else a LAL cache of the one file."""
    import lal  # noqa: PLC0415

    if path.suffix == ".gwf":
        return str(path)
    return lal.CacheGlob(str(path.resolve().parent), path.name)


@contextmanager
def _lal_errors_unprinted() -> Iterator[None]:
    """Keep LAL from writing its traceback to stderr; the exception says enough."""
    import lal  # noqa: PLC0415

    level = lal.GetDebugLevel()
    lal.ClobberDebugLevel(level & ~lal.LALERRORBIT)
    try:
        yield
    finally:
        lal.ClobberDebugLevel(level)


def _check_detector(path: Path, expected: str, found: str) -> None:
    if found != expected:
        raise InputError(f"{path}: expected strain of {expected}; got that of {found}; pair the file with {found}")


def _nearest_integer(rate: float) -> float:
    """Sampling rate in Hz, freed from the rounding of its inverse."""
    return float(round(rate)) if abs(rate - round(rate)) < 1e-6 * rate else rate


def _unreadable(path: Path, expected: str, error: Exception) -> InputError:
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return InputError(f"{path}: expected {expected}; got a file that cannot be read so ({reason}); download it again")
