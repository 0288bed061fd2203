"""`posterior.hdf5`: the content of the file, written and read.

| place | holds |
|---|---|
| `/posterior/NAME` | every draw of a parameter, with its `unit` as an attribute |
| `/posterior/log_prob` | ln of the proposal density of each draw |
| `/posterior/log_weight` | ln of the importance weight of each draw |
| `/log_prob`, `/log_weight` | links to these two, because they are no parameters |
| `/sky` | probability of the HEALPix pixels in nested order, for certified posteriors |

Attributes of the file are the fields of `Provenance`, the `kind` of the result, the names of its `parameters` in order
and of the `intrinsic` ones, and as JSON `trust`, `timing`, `prior`, `certificate` and `uncertainty_components`.

Files of chirpleaf 0.1.0 have neither `/sky` nor the attributes after those of `Provenance`; they can still be read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.prior import AnalysisPrior
from chirpleaf.result.provenance import Provenance
from chirpleaf.result.sky import SkyMap
from chirpleaf.result.trust import Trust
from chirpleaf.system.files import write_atomically

Array = NDArray[np.float64]

FILE_NAME = "posterior.hdf5"

DENSITIES = ("log_prob", "log_weight")
"""Datasets with a number for each draw that are not parameters."""

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
    """

    kind: str
    samples: Samples
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
    densities = dict(zip(DENSITIES, (record.log_prob, record.log_weight), strict=True))
    with write_atomically(path) as scratch, h5py.File(scratch, "w") as file:
        table = file.create_group("posterior")
        for name, values in record.samples.items():
            table.create_dataset(name, data=values).attrs["unit"] = PARAMETERS[name].unit
        for name, values in densities.items():
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


def read_record(path: str | Path) -> Record:
    """Reads a file.

    Args:
        path: a `posterior.hdf5`, or a folder that holds one.

    Returns:
        The content of the file.

    Raises:
        InputError: there is no such file, it is incomplete, or chirpleaf did not write it.
    """
    path = Path(path) / FILE_NAME if Path(path).is_dir() else Path(path)
    if not path.is_file():
        raise InputError(f"expected a {FILE_NAME}; got no file {path}: check the path")
    try:
        with h5py.File(path, "r") as file:
            return _record(file)
    except (OSError, KeyError, AttributeError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"expected a {FILE_NAME} of chirpleaf; got {path}, which cannot be read so ({reason}): write it again"
        ) from error


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
    table = {name: dataset[()] for name, dataset in file["posterior"].items()}
    log_prob, log_weight = (table.pop(name) for name in DENSITIES)
    attributes = {name: _plain(value) for name, value in file.attrs.items()}
    documents = {name: json.loads(attributes.get(name, "null")) for name in _DOCUMENTS}
    names = tuple(attributes.get("parameters", table))
    complete = POSTERIOR if all(name in table for name in _INTRINSIC) else LEAF_ESTIMATES
    kind = attributes.get("kind", complete)
    return Record(
        kind=kind,
        samples={name: table[name] for name in names},
        log_prob=log_prob,
        log_weight=log_weight,
        provenance=Provenance.from_json({**attributes, **{name: documents[name] for name in _ORIGIN_DOCUMENTS}}),
        trust=Trust.from_json(documents["trust"]) if documents["trust"] else Trust.unknown(),
        timing=documents["timing"] or {},
        prior=AnalysisPrior.from_json(documents["prior"]) if documents["prior"] else None,
        intrinsic=tuple(attributes.get("intrinsic", _INTRINSIC if kind == POSTERIOR else ())),
        certificate=Certificate.from_json(documents["certificate"]) if documents["certificate"] else None,
        sky=SkyMap(file["sky"][()]) if "sky" in file else None,
        uncertainty_components=documents["uncertainty_components"] or {},
    )


_ORIGIN_DOCUMENTS = ("data_quality", "notes")
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
