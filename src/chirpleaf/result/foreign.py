"""Samples of other programs, for comparisons: chirpleaf, bilby, PESummary, and releases of GWOSC.

| file | holds samples in |
|---|---|
| folder or `posterior.hdf5` of chirpleaf | its samples of equal weight |
| `.json` of bilby | `posterior`, `content` |
| HDF5 of PESummary and of the releases since GWTC-2 | `LABEL/posterior_samples`, a table or a group of columns |
| HDF5 of GWTC-1 | `Overall_posterior`, or the only table that ends in `_posterior` |

Names are bilby's; those of GWTC-1 are translated.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.result.read import read
from chirpleaf.system.documents import parse_json
from chirpleaf.system.hdf5_files import list_datasets, read_dataset
from chirpleaf.system.limits import find_fault

Samples = dict[str, NDArray[np.float64]]

_TRANSLATED = {
    "m1_detector_frame_Msun": "mass_1",
    "m2_detector_frame_Msun": "mass_2",
    "luminosity_distance_Mpc": "luminosity_distance",
    "right_ascension": "ra",
    "declination": "dec",
}
"""Names of others for parameters of this project."""

_DAMAGES = (KeyError, IndexError, OSError, RuntimeError, TypeError, ValueError, AttributeError)
"""What h5py and JSON raise where a file is damaged or of another kind."""


def read_samples(path: str | Path) -> Samples:
    """Reads samples of equal weight, whoever made them.

    Args:
        path: a file, or a folder of results of chirpleaf.

    Returns:
        Parameter name to finite samples, each of shape (n,); parameters that the project does not know are left out.

    Raises:
        InputError: there is no such file, or it holds no samples in a form that is known.
    """
    place = Path(path)
    if place.is_dir():
        return dict(read(place).samples)
    fault = find_fault(place)
    if fault:
        raise InputError(f"expected a file of posterior samples; got {place}, which {fault}: check the path")
    try:
        table = _read_json(place) if place.suffix == ".json" else _read_hdf5(place)
        samples = _select(table)
    except _DAMAGES as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"expected samples of chirpleaf, bilby (JSON), PESummary or GWTC-1 (HDF5); got {place}, which cannot be "
            f"read so ({reason}): check the file"
        ) from error
    if not samples:
        names = ", ".join(list(table)[:8]) or "none"
        raise InputError(f"expected samples of parameters such as chirp_mass; got {place} with {names}: check the file")
    return samples


def _read_json(path: Path) -> Mapping[str, Any]:
    """The columns of a result of bilby."""
    content: Mapping[str, Any] = parse_json(path.read_bytes())["posterior"]["content"]
    return content


def _read_hdf5(path: Path) -> Mapping[str, Any]:
    """The columns of the first table of samples."""
    with h5py.File(path) as file:
        if "chirpleaf_version" in file.attrs:
            return dict(read(path).samples)
        datasets = list_datasets(file)
        tables = [name for name, one in datasets.items() if one.dtype.names and _is_table(name)]
        tables.sort(key=lambda name: (not name.startswith("Overall"), name))
        if tables:
            array = read_dataset(datasets[tables[0]])
            return {name: array[name] for name in array.dtype.names or ()}
        columns = [name for name in datasets if "posterior_samples/" in name]
        if not columns:
            raise ValueError(f"no table of posterior samples among {', '.join(list(datasets)[:5]) or 'no datasets'}")
        folder = columns[0].rpartition("/")[0]
        return {name.rpartition("/")[2]: read_dataset(datasets[name]) for name in columns if name.startswith(folder)}


def _is_table(name: str) -> bool:
    """Whether the name of a dataset is that of a table of samples."""
    return name.rpartition("/")[2] == "posterior_samples" or name.endswith("_posterior")


def _select(table: Mapping[str, Any]) -> Samples:
    """The columns that are known, by the names of the project; rows with a value that is not finite are left out."""
    found: Samples = {}
    for name, values in table.items():
        known = name if name in PARAMETERS else _TRANSLATED.get(name)
        if known is not None:
            found.setdefault(known, np.asarray(values, np.float64))
    if len({values.shape for values in found.values()}) > 1:
        raise ValueError("columns of different lengths")
    finite = np.all([np.isfinite(values) for values in found.values()], axis=0) if found else np.array(True)
    return {name: values[finite] for name, values in found.items()}
