"""`posterior.hdf5`: the content of the file, written and read.

| place | holds |
|---|---|
| `/posterior` | table of the samples of equal weight, a column for each parameter; the one that PESummary reads |
| `/proposal/NAME` | every draw of a parameter, with its `unit` as an attribute |
| `/proposal/log_prob` | ln of the proposal density of each draw |
| `/proposal/log_weight` | ln of the importance weight of each draw |
| `/log_prob`, `/log_weight` | links to these two, because they are no parameters |
| `/sky` | probability of the HEALPix pixels in nested order, for certified posteriors |

Attributes of the file are the fields of `Provenance`, the `kind` of the result, the names of its `parameters` in order
and of the `intrinsic` ones, and as JSON `trust`, `timing`, `prior`, `certificate` and `uncertainty_components`.

The attribute `checksums` holds, as JSON, the SHA-256 of the bytes of each dataset and of each attribute but
`kind`.

`/posterior` follows from `/proposal`; reading makes it anew. PESummary takes a file with one dataset whose path has
"posterior" in it. Former files have the draws in a group `/posterior` and no `/proposal`, and files of chirpleaf 0.1.0
have neither `/sky` nor the attributes after those of `Provenance`; they can still be read.
Parameters that this version does not know, as a later one may have written, are left out; `notes` name them.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.frozen import FrozenMapping, freeze_array, freeze_samples, is_same
from chirpleaf.result.prior import AnalysisPrior
from chirpleaf.result.provenance import Provenance
from chirpleaf.result.sky import SkyMap
from chirpleaf.result.trust import Trust
from chirpleaf.system.files import write_atomically
from chirpleaf.system.hdf5_files import check_content, open_hdf5

Array = NDArray[np.float64]

FILE_NAME = "posterior.hdf5"

_DRAWS = "proposal"
"""Group of the weighted draws; files of former versions have them in `/posterior`."""

DENSITIES = ("log_prob", "log_weight")
"""Datasets with a number for each draw that are not parameters."""

CHECKSUMS = "checksums"
"""Attribute of the file that holds the hashes of everything else."""

POSTERIOR, LEAF_ESTIMATES = "posterior", "leaf-estimates"
"""Kinds of results."""

_INTRINSIC = ("chirp_mass", "mass_ratio", "chi_1", "chi_2")
"""Intrinsic parameters of posteriors in files of chirpleaf 0.1.0, which do not name them."""


@dataclass(frozen=True, eq=False)
class Record:
    """The content of a `posterior.hdf5`.

    Attributes:
        kind: `POSTERIOR` or `LEAF_ESTIMATES`.
        samples: parameter name to the values of all draws, each of shape (n,).
        log_prob: ln of the density of the draws, shape (n,).
        log_weight: ln of their importance weights, shape (n,).
        provenance: origin of the result.
        trust: verdict on the result.
        timing: seconds by stage.
        prior: the prior; None in files of chirpleaf 0.1.0.
        intrinsic: names of the parameters that `log_prob` is a density of; empty for leaf estimates.
        certificate: importance-sampling diagnostics; None if the result is not certified.
        sky: sky map; None if the result is not certified.
        uncertainty_components: uncertainty components of the quantities of leaf estimates; empty for posteriors.
        equally_weighted: parameter name to samples of equal weight, each of shape (m,); empty if `samples` have equal
            weights already, and in a record that was read.
    """

    kind: str
    samples: Mapping[str, Array]
    log_prob: Array
    log_weight: Array
    provenance: Provenance
    trust: Trust
    timing: Mapping[str, float | None]
    prior: AnalysisPrior | None
    intrinsic: tuple[str, ...] = ()
    certificate: Certificate | None = None
    sky: SkyMap | None = None
    uncertainty_components: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    equally_weighted: Mapping[str, Array] = field(default_factory=dict)

    def equals(self, other: "Record") -> bool:
        """Whether files of the two would hold the same; NaN equals NaN."""
        theirs = other._collect()
        return all(is_same(value, theirs[name]) for name, value in self._collect().items())

    def _collect(self) -> dict[str, Any]:
        """Everything that a file holds."""
        arrays = {"samples": FrozenMapping(self.samples), "log_prob": self.log_prob, "log_weight": self.log_weight}
        sky = np.empty(0) if self.sky is None else self.sky.probability
        texts = (self.kind, tuple(self.samples), self.intrinsic, self.provenance.to_json(), _json_attributes(self))
        return {**arrays, "sky": sky, "texts": texts}


def choose_file(path: str | Path) -> Path:
    """The file to save a record to.

    Args:
        path: file name, or an existing folder.

    Returns:
        The file, `posterior.hdf5` in a folder.

    Raises:
        InputError: `path` is not a path, or its folder does not exist.
    """
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise InputError(f"expected a file or an existing folder to save to; got {path!r}: give its path")
    file = Path(path)
    if str(path).endswith(os.sep) and not file.is_dir():
        raise InputError(f"expected an existing folder to save to; got no folder {path}: create it first")
    return file / FILE_NAME if file.is_dir() else file


def write_record(record: Record, path: Path) -> None:
    """Writes a file, completely or not at all.

    Args:
        record: content of the file.
        path: file name; an existing file is replaced.

    Raises:
        InputError: the folder of the file does not exist.
    """
    if not path.parent.is_dir():
        raise InputError(f"expected a file in an existing folder; got {path}: create {path.parent} first")
    # The file is made in memory: h5py reports a full disk in many ways, some of them only when the file is closed.
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        _fill(file, record)
        file.flush()
        content = file.id.get_file_image()
    with write_atomically(path) as scratch:
        scratch.write_bytes(content)


def _fill(file: h5py.File, record: Record) -> None:
    """Writes a record to an empty file."""
    table = file.create_group(_DRAWS)
    for name, values in record.samples.items():
        table.create_dataset(name, data=values).attrs["unit"] = PARAMETERS[name].unit
    file.create_dataset("posterior", data=make_table(record.equally_weighted or record.samples))
    for name, values in zip(DENSITIES, (record.log_prob, record.log_weight), strict=True):
        file[name] = table.create_dataset(name, data=values)
    if record.sky is not None:
        file.create_dataset("sky", data=record.sky.probability).attrs["ordering"] = "nested"
    origin = record.provenance.to_json()
    file.attrs.update({name: value for name, value in origin.items() if name not in _ORIGIN_DOCUMENTS})
    file.attrs.update({name: json.dumps(origin[name]) for name in _ORIGIN_DOCUMENTS})
    file.attrs["kind"] = record.kind
    file.attrs["parameters"] = list(record.samples)
    if record.intrinsic:
        file.attrs["intrinsic"] = list(record.intrinsic)
    file.attrs.update({name: json.dumps(value) for name, value in _json_attributes(record).items()})
    file.attrs[CHECKSUMS] = json.dumps(_hash_content(file))


def make_table(samples: Mapping[str, Array]) -> np.ndarray:
    """Samples as one array of records, shape (n,), with a float64 field for each parameter.

    Args:
        samples: parameter name to values, each of shape (n,).
    """
    table = np.empty(len(next(iter(samples.values()))), [(name, np.float64) for name in samples])
    for name, values in samples.items():
        table[name] = values
    return table


def read_record(path: Path) -> Record:
    """Reads a file.

    Args:
        path: a `posterior.hdf5`.

    Returns:
        The content of the file; `validate` checks that it is consistent.

    Raises:
        InputError: the content differs from its checksums.
        Exception: of any kind that h5py and damaged values cause.
    """
    with open_hdf5(path) as file:
        check_content(file)
        _compare_checksums(file)
        return _record(file)


def _hash_content(file: h5py.File) -> dict[str, str]:
    """SHA-256 of the datasets and of the attributes of the file, by their place; attributes begin with @."""
    group = _DRAWS if _DRAWS in file else "posterior"
    datasets = {f"{group}/{name}": dataset for name, dataset in file[group].items()}
    tables = [name for name in ("sky", "posterior") if name in file and name != group]
    datasets.update({name: file[name] for name in tables})
    contents = {place: np.ascontiguousarray(dataset[()]).tobytes() for place, dataset in datasets.items()}
    for name, value in file.attrs.items():
        if name not in (CHECKSUMS, "kind"):  # a kind of a later version has its own message
            contents[f"@{name}"] = json.dumps(_plain(value)).encode()
    return {place: hashlib.sha256(content).hexdigest() for place, content in contents.items()}


def _compare_checksums(file: h5py.File) -> None:
    """Refuses content that has changed. What is not in the list, such as a user's own attribute, is not compared."""
    if CHECKSUMS not in file.attrs:
        if _DRAWS in file:  # files without checksums are older than this group
            raise InputError("expected checksums of the content; got none: copy the file again")
        return
    found = _hash_content(file)
    for place, checksum in json.loads(file.attrs[CHECKSUMS]).items():
        if found.get(place) != checksum:
            raise InputError(f"expected the content that was written; got another in {place}: copy the file again")


def _json_attributes(record: Record) -> dict[str, Any]:
    """Attributes that are written as JSON."""
    return {
        "trust": record.trust.to_json(),
        "timing": dict(record.timing),
        "prior": record.prior.to_json() if record.prior else None,
        "certificate": record.certificate.to_json() if record.certificate else None,
        "uncertainty_components": {name: dict(values) for name, values in record.uncertainty_components.items()},
    }


def _record(file: h5py.File) -> Record:
    draws = file[_DRAWS if _DRAWS in file else "posterior"]
    table = {name: dataset[()] for name, dataset in draws.items()}
    log_prob, log_weight = (freeze_array(table.pop(name)) for name in DENSITIES)
    attributes = {name: _plain(value) for name, value in file.attrs.items()}
    documents = {name: json.loads(attributes.get(name, "null")) for name in _DOCUMENTS}
    stored = tuple(attributes.get("parameters", table))
    names = tuple(name for name in stored if name in PARAMETERS)
    default_kind = POSTERIOR if all(name in table for name in _INTRINSIC) else LEAF_ESTIMATES
    kind = attributes.get("kind", default_kind)
    provenance = Provenance.from_json({**attributes, **{name: documents[name] for name in _ORIGIN_DOCUMENTS}})
    if unknown := [name for name in stored if name not in PARAMETERS]:
        note = f"the file holds {', '.join(unknown)}, which this version of chirpleaf does not know"
        provenance = replace(provenance, notes=tuple(dict.fromkeys((*provenance.notes, note))))
    return Record(
        kind=kind,
        samples=freeze_samples({name: table[name] for name in names}),
        log_prob=log_prob,
        log_weight=log_weight,
        provenance=provenance,
        trust=Trust.from_json(documents["trust"]) if documents["trust"] is not None else Trust.unknown(),
        timing=documents["timing"] or {},
        prior=AnalysisPrior.from_json(documents["prior"]) if documents["prior"] is not None else None,
        intrinsic=tuple(attributes.get("intrinsic", _INTRINSIC if kind == POSTERIOR else ())),
        certificate=Certificate.from_json(documents["certificate"]) if documents["certificate"] is not None else None,
        sky=SkyMap(file["sky"][()]) if "sky" in file else None,
        uncertainty_components=documents["uncertainty_components"] or {},
    )


_ORIGIN_DOCUMENTS = ("data_quality", "notes", "injection", "recipe")
"""Fields of `Provenance` that are written as JSON."""

_DOCUMENTS = (*_ORIGIN_DOCUMENTS, "trust", "timing", "prior", "certificate", "uncertainty_components")
"""Attributes that hold JSON."""


def _plain(value: Any) -> Any:
    """The Python value of an HDF5 attribute."""
    if isinstance(value, np.ndarray):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        return value.item()
    return value.decode() if isinstance(value, bytes) else value
