"""HDF5 files of strain: of GWOSC, of gwpy (`TimeSeries.write`, `TimeSeriesDict.write`) and of pycbc (`save`).

| written by | start (GPS, s) | spacing (s) |
|---|---|---|
| GWOSC, `strain/Strain` | `Xstart` | `Xspacing` |
| gwpy, any path | `x0` | `dx` |
| pycbc, any path | `start_time` | `delta_t` |
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.quality import INJECTION_NAMES, QUALITY_NAMES, DataQuality, Words
from chirpleaf.strain.readers.headers import (
    check_length,
    choose_channel,
    find_prefix,
    make_read_error,
    round_rate,
)
from chirpleaf.strain.strain import Strain

LAYOUTS = (("Xstart", "Xspacing"), ("x0", "dx"), ("start_time", "delta_t"))
"""Attributes of a dataset that hold the start and the spacing."""

FORMATS = "HDF5 with strain of GWOSC (strain/Strain), gwpy or pycbc"


class SeriesHeader(NamedTuple):
    """A time series in an HDF5 file.

    Attributes:
        path: path of the dataset.
        names: names by which the user can select it: its path, channel and name.
        detector: prefix of the detector; None if the file does not say.
        start: GPS time in s.
        spacing: spacing of the samples in s.
    """

    path: str
    names: tuple[str, ...]
    detector: str | None
    start: float
    spacing: float


def read_hdf5(path: Path, detector: str, channel: str | None) -> Strain:
    """Read one series of an HDF5 file.

    Args:
        path: the file.
        detector: prefix of the detector.
        channel: path, channel or name of the dataset; None for the only one of the detector.

    Returns:
        Its strain, with the bits of data quality if the file has them.

    Raises:
        InputError: the file is truncated, of another layout or detector, or contradicts itself.
    """
    try:
        with h5py.File(path, "r") as file:
            found = _list_series(file)
            if not found:
                raise KeyError(f"datasets {', '.join(sorted(file)) or 'none'}")
            series = _choose_series(path, found, detector, channel)
            values = np.asarray(file[series.path][()], dtype=np.float64)
            _check_meta(path, file, series, len(values))
            quality = _read_quality(file, series.start)
    except InputError:
        raise
    except OSError as error:
        raise make_read_error(path, "a complete HDF5 file", error) from error
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise make_read_error(path, FORMATS, error) from error
    return Strain(detector, values, series.start, round_rate(1.0 / series.spacing), quality)


def _list_series(file: h5py.File) -> list[SeriesHeader]:
    """Finds the time series of floating-point numbers."""
    found: list[SeriesHeader] = []
    owner = _text(file["meta/Detector"][()]) if "meta/Detector" in file else None

    def add(name: str, dataset: object) -> None:
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind != "f" or dataset.ndim != 1:
            return
        attributes = dataset.attrs
        for start, spacing in LAYOUTS:
            if start in attributes and spacing in attributes and _is_in_time(_text(attributes.get("xunit", "s"))):
                labels = [_text(attributes[key]) for key in ("channel", "name") if key in attributes]
                prefixes = [find_prefix(label) for label in (*labels, name)]
                prefix = owner or next((prefix for prefix in prefixes if prefix), None)
                times = float(attributes[start]), float(attributes[spacing])
                found.append(SeriesHeader(name, (name, *labels), prefix, *times))
                return

    file.visititems(add)
    return found


def _choose_series(path: Path, found: list[SeriesHeader], detector: str, channel: str | None) -> SeriesHeader:
    """Chooses the requested series or the detector's only one, and checks its spacing."""
    by_path = {series.path: series for series in found}
    asked = channel
    if channel is not None:
        named = [one.path for one in found if channel.casefold() in (name.casefold() for name in one.names)]
        asked = named[0] if len(named) == 1 else channel
    chosen = by_path[choose_channel(path, {one.path: one.detector for one in found}, detector, asked)]
    if not (np.isfinite(chosen.start) and 0 < chosen.spacing < np.inf):
        raise InputError(
            f"{path}: expected a start in s and a positive spacing (Xspacing, dx, delta_t) in s; got "
            f"{chosen.start} and {chosen.spacing}; download the file again"
        )
    return chosen


def _check_meta(path: Path, file: h5py.File, series: SeriesHeader, samples: int) -> None:
    """Checks the header of a GWOSC file against its data."""
    points = file[series.path].attrs.get("Npoints")
    if points is not None:
        check_length(path, samples, float(points), "Npoints")
    if "meta/Duration" in file:
        check_length(path, samples, float(file["meta/Duration"][()]) / series.spacing, "Duration")
    if "meta/GPSstart" in file and abs(float(file["meta/GPSstart"][()]) - series.start) >= series.spacing:
        raise InputError(
            f"{path}: expected one start time in the header; got GPSstart {float(file['meta/GPSstart'][()]):.6f} and "
            f"Xstart {series.start:.6f}; download the file again"
        )


def _read_quality(file: h5py.File, start: float) -> DataQuality | None:
    """Reads the bits of data quality and injections of a GWOSC file."""
    if "quality/simple/DQmask" not in file:
        return None
    quality = np.asarray(file["quality/simple/DQmask"][()], dtype=np.int64)
    quality_names = _names(file, "quality/simple/DQShortnames", QUALITY_NAMES)
    injections: Words = np.full(len(quality), -1, dtype=np.int64)
    injection_names: tuple[str, ...] = INJECTION_NAMES
    if "quality/injections/Injmask" in file:
        injections = np.asarray(file["quality/injections/Injmask"][()], dtype=np.int64)
        injection_names = _names(file, "quality/injections/InjShortnames", INJECTION_NAMES)
    return DataQuality(start, quality, injections, quality_names, injection_names)


def _names(file: h5py.File, path: str, default: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_text(name) for name in file[path][()]) if path in file else default


def _is_in_time(unit: str) -> bool:
    return unit in ("s", "second", "")


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
