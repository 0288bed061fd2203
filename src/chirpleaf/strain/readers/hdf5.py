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
from chirpleaf.system.hdf5_files import (
    check_dataset,
    get_dataset,
    list_datasets,
    open_hdf5,
    read_attribute,
    read_dataset,
    read_scalar,
)

LAYOUTS = (("Xstart", "Xspacing"), ("x0", "dx"), ("start_time", "delta_t"))
"""Attributes of a dataset that hold the start and the spacing."""

MOST_BITS = 63
"""Bits of a word; the sign has no meaning."""

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
        with open_hdf5(path) as file:
            found = _list_series(file)
            if not found:
                raise KeyError(f"datasets {', '.join(sorted(file)) or 'none'}")
            series = _choose_series(path, found, detector, channel)
            dataset = file[series.path]
            check_dataset(dataset)
            _check_meta(path, file, series, dataset)
            values = read_dataset(dataset).astype(np.float64, copy=False)
            quality = _read_quality(file, series.start)
    except InputError:
        raise
    except OSError as error:
        raise make_read_error(path, "a complete HDF5 file", error) from error
    except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        raise make_read_error(path, FORMATS, error) from error
    return Strain(detector, values, series.start, round_rate(1.0 / series.spacing), quality)


def _list_series(file: h5py.File) -> list[SeriesHeader]:
    """Finds the time series of floating-point numbers."""
    found: list[SeriesHeader] = []
    stated = get_dataset(file, "meta/Detector")
    owner = None if stated is None else _text(read_dataset(stated).reshape(-1)[0])
    for name, dataset in list_datasets(file).items():
        attributes = dataset.attrs
        if dataset.dtype.kind != "f" or dataset.ndim != 1:
            continue
        layout = next((pair for pair in LAYOUTS if all(key in attributes for key in pair)), None)
        if layout and _is_in_time(_text(read_attribute(dataset, "xunit")) if "xunit" in attributes else "s"):
            labels = [_text(read_attribute(dataset, key)) for key in ("channel", "name") if key in attributes]
            prefixes = [find_prefix(label) for label in (*labels, name)]
            prefix = owner or next((prefix for prefix in prefixes if prefix), None)
            start, spacing = (read_scalar(dataset, key) for key in layout)
            found.append(SeriesHeader(name, (name, *labels), prefix, start, spacing))
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


def _check_meta(path: Path, file: h5py.File, series: SeriesHeader, dataset: h5py.Dataset) -> None:
    """Checks the header of a GWOSC file against its data."""
    if "Npoints" in dataset.attrs:
        check_length(path, dataset.size, read_scalar(dataset, "Npoints"), "Npoints")
    duration, start = (_read_number(file, f"meta/{name}") for name in ("Duration", "GPSstart"))
    if duration is not None:
        check_length(path, dataset.size, duration / series.spacing, "Duration")
    if start is not None and not abs(start - series.start) < series.spacing:
        raise InputError(
            f"{path}: expected one start time in the header; got GPSstart {start:.6f} and "
            f"Xstart {series.start:.6f}; download the file again"
        )


def _read_quality(file: h5py.File, start: float) -> DataQuality | None:
    """Reads the bits of data quality and injections of a GWOSC file."""
    words, injection_words = (
        get_dataset(file, place) for place in ("quality/simple/DQmask", "quality/injections/Injmask")
    )
    if words is None:
        return None
    quality = _read_words(words)
    quality_names = _names(file, "quality/simple/DQShortnames", QUALITY_NAMES)
    injections: Words = np.full(len(quality), -1, dtype=np.int64)
    injection_names: tuple[str, ...] = INJECTION_NAMES
    if injection_words is not None:
        injections = _read_words(injection_words)
        injection_names = _names(file, "quality/injections/InjShortnames", INJECTION_NAMES)
    return DataQuality(start, quality, injections, quality_names, injection_names)


def _read_words(dataset: h5py.Dataset) -> Words:
    """Words of bits, one for each second."""
    if dataset.dtype.kind not in "iu" or dataset.ndim != 1:
        raise ValueError(f"{dataset.name} holds no words of bits")
    return read_dataset(dataset).astype(np.int64)


def _names(file: h5py.File, path: str, default: tuple[str, ...]) -> tuple[str, ...]:
    """Names of bits, at most as many as a word has."""
    dataset = get_dataset(file, path)
    if dataset is None:
        return default
    if dataset.ndim != 1 or dataset.size > MOST_BITS:
        raise ValueError(f"{path} holds no names of at most {MOST_BITS} bits")
    return tuple(_text(name) for name in read_dataset(dataset))


def _read_number(file: h5py.File, path: str) -> float | None:
    """The number of a dataset; None without one."""
    dataset = get_dataset(file, path)
    if dataset is None:
        return None
    if dataset.size != 1 or dataset.dtype.kind not in "fiu":
        raise ValueError(f"{path} is not one number")
    return float(read_dataset(dataset).reshape(())[()])


def _is_in_time(unit: str) -> bool:
    return unit in ("s", "second", "")


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
