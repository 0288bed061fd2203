"""Noise spectra in HDF5 files of chirpleaf, bilby, gwpy, pycbc and PESummary; the layouts are in `strain.psd_files`."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.psd_scale import Kind, SpectrumTable, declare
from chirpleaf.strain.readers.headers import find_prefix
from chirpleaf.system.hdf5_files import get_dataset, list_datasets, open_hdf5, read_attribute, read_dataset, read_scalar
from chirpleaf.system.limits import SPECTRUM_LIMITS

PAIRS = (("frequencies", "values"), ("frequency_array", "psd_array"), ("frequency_array", "asd_array"))
"""Names of datasets of frequencies and densities: those of chirpleaf, and the attributes of bilby."""

GRIDS = (("x0", "dx"), ("f0", "df"), ("f0", "delta_f"), (None, "delta_f"))
"""Attributes of a dataset that hold the first frequency, zero without one, and the spacing in Hz."""

GROUP = "psds"
"""Group of PESummary that holds two-column datasets by detector."""


def read_hdf5_spectrum(path: Path, detector: str | None, analysis: str | None) -> SpectrumTable:
    """Read a spectrum.

    Args:
        path: the file.
        detector: prefix of the detector, in upper case; None for the only one.
        analysis: label of the analysis of PESummary, or a part of it.

    Returns:
        The spectrum.

    Raises:
        InputError: the file holds none of the detector or the analysis, or several.
        KeyError: it has none of the layouts.
    """
    with open_hdf5(path) as file:
        for frequencies, values in PAIRS:
            pair = get_dataset(file, frequencies), get_dataset(file, values)
            if pair[0] is not None and pair[1] is not None:
                kind: Kind = "amplitude" if values.startswith("asd") else "power"
                return SpectrumTable(_floats(pair[0]), _floats(pair[1]), kind)
        if tables := _list_tables(file):
            return _choose_analysis(path, tables, detector, analysis)
        series = {name: item for name, item in list_datasets(file).items() if _find_grid(item) is not None}
        if series:
            return _read_series(path, series, detector)
        raise KeyError(f"datasets {', '.join(sorted(file)) or 'none'}")


def has_analyses(path: Path) -> bool:
    """Whether a file is a release of PESummary, of which `analysis` chooses a spectrum.

    Args:
        path: an HDF5 file.
    """
    with open_hdf5(path) as file:
        paired = any(all(get_dataset(file, name) is not None for name in pair) for pair in PAIRS)
        return not paired and bool(_list_tables(file))


def _list_tables(file: h5py.File) -> dict[str, h5py.Dataset]:
    """The two-column datasets of a release of PESummary, by their names."""
    datasets = list_datasets(file)
    return {name: item for name, item in datasets.items() if GROUP in name.split("/") and _has_columns(item)}


def _choose_analysis(
    path: Path, tables: dict[str, h5py.Dataset], detector: str | None, analysis: str | None
) -> SpectrumTable:
    """Chooses among the datasets of a release by detector and analysis."""
    by_detector: dict[str, dict[str, h5py.Dataset]] = {}
    for name, item in tables.items():
        *label, owner = name.split("/")
        by_detector.setdefault(owner.upper(), {})["/".join(part for part in label if part != GROUP)] = item
    wanted = next(iter(by_detector)) if detector is None and len(by_detector) == 1 else detector
    if wanted not in by_detector:
        raise InputError(
            f"{path}: expected a spectrum of {detector or 'one detector'}; got those of {', '.join(by_detector)}; "
            "pair the file with its own detector"
        )
    found = by_detector[wanted]
    if analysis is not None:
        exact = [label for label in found if label.casefold() == analysis.casefold()]
        found = {
            label: found[label] for label in exact or [one for one in found if analysis.casefold() in one.casefold()]
        }
    if sum(item.size for item in found.values()) > SPECTRUM_LIMITS.values:
        raise ValueError(f"spectra of {len(found)} analyses, too large to compare")
    columns = [_floats(item) for item in found.values()]
    if not columns or any(not np.array_equal(columns[0], other, equal_nan=True) for other in columns[1:]):
        labels = ", ".join(found or by_detector[wanted])
        asked = f" {analysis}" if analysis is not None else ""
        raise InputError(
            f"{path}: expected one analysis{asked} with a spectrum of {wanted}; got {labels}; choose one by "
            "--psd-analysis LABEL"
        )
    return SpectrumTable(columns[0][:, 0], columns[0][:, 1], "power")


def _read_series(path: Path, series: dict[str, h5py.Dataset], detector: str | None) -> SpectrumTable:
    """Reads a frequency series of gwpy or pycbc."""
    owners = {}
    for name, item in series.items():
        labels = [_text(read_attribute(item, key)) for key in ("channel", "name") if key in item.attrs]
        owners[name] = next((prefix for prefix in map(find_prefix, (*labels, name)) if prefix), None)
    suitable = [name for name in series if detector in (None, owners[name])]
    suitable = suitable or [name for name in series if owners[name] is None]
    if len(suitable) != 1:
        raise InputError(
            f"{path}: expected one spectrum of {detector or 'one detector'}; got {', '.join(series)}; write each to a "
            "file of its own, or under its detector's name"
        )
    name = suitable[0]
    item = series[name]
    grid = _find_grid(item)
    assert grid is not None
    values = _floats(item)
    said = " ".join(
        (path.stem, name, *(_text(read_attribute(item, key)) for key in ("name", "unit") if key in item.attrs))
    )
    return SpectrumTable(grid[0] + grid[1] * np.arange(len(values)), values, declare(said))


def _find_grid(item: h5py.Dataset) -> tuple[float, float] | None:
    """First frequency and spacing (Hz) of a dataset; None if it is no frequency series."""
    if (
        item.ndim != 1
        or item.dtype.kind != "f"
        or ("xunit" in item.attrs and _text(read_attribute(item, "xunit")) != "Hz")
    ):
        return None
    for first, spacing in GRIDS:
        if spacing in item.attrs and (first is None or first in item.attrs):
            return read_scalar(item, first) if first else 0.0, read_scalar(item, spacing)
    return None


def _has_columns(item: h5py.Dataset) -> bool:
    return bool(item.ndim == 2 and item.shape[1] == 2)


def _floats(item: h5py.Dataset) -> np.ndarray:
    """The values, which must be real numbers."""
    if item.dtype.kind not in "fiu":
        raise ValueError(f"{item.name} holds no real numbers")
    return read_dataset(item, SPECTRUM_LIMITS).astype(np.float64, copy=False)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
