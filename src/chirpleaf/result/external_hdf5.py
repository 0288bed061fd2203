"""Posteriors of other programs in HDF5: PESummary, GWTC-1, PyCBC and bilby."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.physics.derived import Samples
from chirpleaf.result.trust import VERDICTS, Trust
from chirpleaf.system.hdf5_files import open_hdf5, read_dataset

PREFERRED = "Mixed"
"""Part of the label of the analysis that is taken of a file with several: the releases' mixture of waveform models."""


@dataclass(frozen=True, eq=False)
class Content:
    """What a file says.

    Attributes:
        samples: the file's own names to its numbers.
        program: what made them.
        label: the analysis, in a file of several.
        approximant: waveform model.
        reference_frequency: Hz.
        cosmology: its name.
        prior: its name.
        bilby_priors: bilby's JSON of the priors.
        trust: verdict of chirpleaf.
    """

    samples: Samples
    program: str
    label: str = ""
    approximant: str | None = None
    reference_frequency: float | None = None
    cosmology: str | None = None
    prior: str | None = None
    bilby_priors: Mapping[str, Any] = field(default_factory=dict)
    trust: Trust | None = None


def read_hdf5(path: Path, label: str = "") -> Content:
    """Reads one analysis of a file.

    Args:
        path: the file.
        label: the analysis; one of `PREFERRED`, else the first, if empty.

    Raises:
        InputError: there is no such analysis.
        ValueError: the format is unknown, or the file claims more than the limits allow.
    """
    with open_hdf5(path) as file:
        labels = [name for name in file if isinstance(file[name], h5py.Group) and "posterior_samples" in file[name]]
        if labels:
            return _read_metafile(file, _choose(labels, label, path))
        tables = [name for name in file if name.lower().endswith("_posterior")]
        if tables:
            ends = [name[: -len("_posterior")] for name in tables]
            chosen = _choose(ends, label or next((end for end in ends if end.lower() == "overall"), ""), path)
            table = _read_table(file[tables[ends.index(chosen)]])
            return Content(table, "LALInference (GWTC-1)", chosen, None if chosen.lower() == "overall" else chosen)
        if "posterior_samples" in file:
            return Content(_read_table(file["posterior_samples"]), "unknown")
        if "samples" in file and isinstance(file["samples"], h5py.Group):
            return _read_pycbc(file)
        if "posterior" in file:
            return _read_bilby(file)
    raise ValueError("no table of samples that is known")


def _choose(labels: list[str], wanted: str, path: Path) -> str:
    """The analysis that is asked for, or the preferred one."""
    if wanted and wanted not in labels:
        raise InputError(f"expected an analysis among {', '.join(labels)} in {path}; got {wanted!r}: name one of them")
    return wanted or next((label for label in labels if PREFERRED in label), labels[0])


def _read_table(item: h5py.Dataset | h5py.Group) -> Samples:
    """Columns of a table, of a group of columns, or of PESummary's former pair of names and numbers."""
    if isinstance(item, h5py.Group):
        if "parameter_names" in item:
            names = [_text(name) for name in read_dataset(item["parameter_names"])]
            return dict(zip(names, read_dataset(item["samples"]).T, strict=True))
        return {name: read_dataset(entry) for name, entry in item.items() if isinstance(entry, h5py.Dataset)}
    table = read_dataset(item)
    return {name: table[name] for name in table.dtype.names or ()}


def _read_metafile(file: h5py.File, label: str) -> Content:
    """Analysis of a PESummary metafile."""
    group = file[label]
    known = group.get("meta_data/meta_data", {})
    reference = _first(known, "f_ref", "reference_frequency")
    cosmology = _first(known, "cosmology")
    approximant = _text(read_dataset(group["approximant"])) if "approximant" in group else _first(known, "approximant")
    return Content(
        _read_table(group["posterior_samples"]),
        "PESummary",
        label,
        str(approximant) if approximant else None,
        float(reference) if reference else None,
        str(cosmology) if cosmology else None,
        trust=_read_trust(known),
    )


def _read_trust(known: Mapping[str, Any]) -> Trust | None:
    """The verdict in a metafile that `chirpleaf convert` wrote."""
    verdict = _first(known, "chirpleaf_verdict")
    if verdict not in VERDICTS:
        return None
    return Trust(verdict, math.nan, {}, tuple(json.loads(_first(known, "chirpleaf_reasons") or "[]")))


def _read_pycbc(file: h5py.File) -> Content:
    """Result of PyCBC: columns of any shape (chains, temperatures), constants among the attributes."""
    samples: Samples = {}
    for name, dataset in file["samples"].items():
        if isinstance(dataset, h5py.Dataset) and dataset.dtype.kind in "fiu":
            samples[name] = read_dataset(dataset).ravel()
    size = max(map(len, samples.values()), default=0)
    samples = {name: values for name, values in samples.items() if len(values) == size}
    attributes = {**file.attrs, **file["samples"].attrs}
    constants = {
        _text(name): attributes.get(_text(name)) for name in np.atleast_1d(attributes.get("static_params", []))
    }
    for name, value in constants.items():
        if isinstance(value, int | float | np.number) and name not in samples:
            samples[name] = np.full(size, float(value))
    approximant, reference = (constants.get(name, attributes.get(name)) for name in ("approximant", "f_ref"))
    return Content(
        {name: values for name, values in samples.items() if name not in ("f_ref", "f_lower", "approximant")},
        "PyCBC",
        approximant=_text(approximant) if approximant is not None else None,
        reference_frequency=float(reference) if reference is not None else None,
    )


def _read_bilby(file: h5py.File) -> Content:
    """Result of bilby in HDF5, or any file with one table of samples."""
    known = file.get("meta_data/likelihood/waveform_arguments", {})
    reference, approximant = _first(known, "reference_frequency"), _first(known, "waveform_approximant")
    sampler = f"bilby ({_text(read_dataset(file['sampler']))})" if "sampler" in file else "unknown"
    return Content(
        _read_table(file["posterior"]),
        sampler,
        approximant=str(approximant) if approximant else None,
        reference_frequency=float(reference) if reference else None,
    )


def _first(group: Mapping[str, Any], *names: str) -> str | None:
    """The text of the first of some datasets that there is."""
    for name in names:
        if name in group and isinstance(group[name], h5py.Dataset):
            return _text(read_dataset(group[name]))
    return None


def _text(value: Any) -> str:
    """The text of a value of HDF5, which may stand in an array of one."""
    first = np.asarray(value).ravel()[0]
    return first.decode() if isinstance(first, bytes) else str(first)
