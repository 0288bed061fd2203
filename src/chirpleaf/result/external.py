"""Posteriors of other programs, read for comparison.

| format | recognised by |
|---|---|
| chirpleaf | a folder with `posterior.hdf5`, or that file |
| bilby, JSON (also .gz) and HDF5 | `posterior` beside `sampler` |
| PESummary metafile, releases since GWTC-2 | `LABEL/posterior_samples` |
| release of GWTC-1 | tables `..._posterior` |
| PyCBC | group `samples` |

`FILE#LABEL` names an analysis of a file with several. Nothing in a file is executed: priors of bilby stay text.
"""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.result.bilby import COSMOLOGY
from chirpleaf.result.external_hdf5 import Content, read_hdf5
from chirpleaf.result.external_names import is_precessing, standardise
from chirpleaf.result.frozen import freeze_samples
from chirpleaf.result.hdf5 import FILE_NAME
from chirpleaf.result.prior import AnalysisPrior
from chirpleaf.result.trust import Grade, Trust
from chirpleaf.system.hdf5_files import open_hdf5
from chirpleaf.system.limits import find_fault

_Read = TypeVar("_Read")

_DAMAGES = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What h5py, gzip and json raise where a file is not what it seems."""

LARGEST_JSON = 1_500_000_000
"""Bytes of a JSON result, unpacked. Those of bilby with 50,000 samples and calibration have some hundred megabytes."""


@dataclass(frozen=True)
class Definitions:
    """What samples mean, as far as their file says it; None where it does not.

    Attributes:
        program: what made them.
        approximant: waveform model.
        spins: "aligned" or "precessing".
        reference_frequency: frequency at which spins and angles are defined, Hz.
        cosmology: of redshift and source-frame masses.
        prior: name of the prior, or the prior of the distance and of the chirp mass.
    """

    program: str
    approximant: str | None = None
    spins: str | None = None
    reference_frequency: float | None = None
    cosmology: str | None = None
    prior: str | None = None


@dataclass(frozen=True, eq=False)
class ExternalPosterior:
    """A posterior of any program.

    Attributes:
        name: of the file and, if it has several, of the analysis.
        samples: bilby's names to samples of equal weight, each of shape (n,).
        definitions: what they mean.
        prior: prior whose density is known; None where it is not.
        bilby_priors: priors of a bilby file as its JSON; empty elsewhere.
        trust: verdict of chirpleaf, also in its files for other programs; None where the file holds none.
    """

    name: str
    samples: Mapping[str, np.ndarray]
    definitions: Definitions
    prior: AnalysisPrior | None = None
    bilby_priors: Mapping[str, Any] = field(default_factory=dict)
    trust: Trust | None = None

    @property
    def title(self) -> str:
        """The name, with the verdict where there is one."""
        return f"{self.name} ({self.trust.verdict})" if self.trust else self.name

    @property
    def refused(self) -> bool:
        """Whether the verdict is that it cannot be trusted."""
        return self.trust is not None and self.trust.grade is Grade.REFUSE


def read_posterior(path: str | Path) -> ExternalPosterior:
    """Reads a posterior of any program that the table above names.

    Args:
        path: a file or a folder of chirpleaf; `FILE#LABEL` for one analysis of several.

    Raises:
        InputError: there is no such file or analysis, or the format is none of them.
    """
    place, _, label = str(path).partition("#")
    file = Path(place)
    if file.is_dir():
        file = file / FILE_NAME
    if fault := find_fault(file):
        raise InputError(f"expected a posterior; got {file}, which {fault}: check the path")
    if not h5py.is_hdf5(file):
        return _guard(file, lambda: _finish(file, _read_bilby_json(file), label))
    if not _guard(file, lambda: _is_own(file)):
        return _guard(file, lambda: _finish(file, read_hdf5(file, label), label))
    _check_label(file, "", label)
    return _read_own(file)


def _check_label(file: Path, found: str, wanted: str) -> None:
    """Refuses a label of a file that holds one posterior without one."""
    if wanted and wanted != found:
        raise InputError(
            f"expected {file} without a label, because it holds one posterior; got #{wanted}: leave it out"
        )


def _guard(file: Path, read: Callable[[], _Read]) -> _Read:
    """What a reader gives, or one line on what is wrong with the file."""
    try:
        found = read()
    except InputError:
        raise
    except _DAMAGES as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"expected samples of chirpleaf, bilby, PESummary, PyCBC or GWOSC; got {file}, which cannot be read so "
            f"({reason}): check the file"
        ) from error
    return found


def _finish(file: Path, content: Content, label: str) -> ExternalPosterior:
    """Samples by bilby's names, with their definitions."""
    _check_label(file, content.label, label)
    lengths = sorted({len(values) for values in content.samples.values() if np.ndim(values) == 1})
    if len(lengths) > 1:
        raise ValueError(f"columns of {lengths[0]} and of {lengths[-1]} samples")
    samples = _drop_gaps(standardise(content.samples))
    if not samples or not len(next(iter(samples.values()))):
        raise InputError(
            f"expected samples of chirpleaf, bilby, PESummary, PyCBC or GWOSC; got none in {file}: check it"
        )
    definitions = Definitions(
        content.program,
        content.approximant,
        "precessing" if is_precessing(samples) else "aligned",
        content.reference_frequency,
        content.cosmology,
        content.prior,
    )
    name = f"{file.name}#{content.label}" if content.label else file.name
    return ExternalPosterior(
        name, freeze_samples(samples), definitions, bilby_priors=content.bilby_priors, trust=content.trust
    )


def _drop_gaps(samples: Samples) -> Samples:
    """Finite columns: columns of nothing finite go, then rows where a known parameter is not."""
    table = {name: values for name, values in samples.items() if np.isfinite(values).any()}
    known = [values for name, values in table.items() if name in PARAMETERS]
    kept = np.isfinite(known).all(axis=0) if known else np.ones(max(map(len, samples.values()), default=0), bool)
    return {name: values[kept] for name, values in table.items() if np.isfinite(values[kept]).all()}


def _is_own(file: Path) -> bool:
    with open_hdf5(file) as opened:
        return "kind" in opened.attrs or ("trigger_time" in opened.attrs and "log_weight" in opened)


def _read_own(file: Path) -> ExternalPosterior:
    from chirpleaf.result.read import read  # noqa: PLC0415 - it reads this module's classes' siblings

    result = read(file)
    origin = result.provenance
    spins = "precessing" if is_precessing(result.samples) else "aligned"
    prior = result.prior.name if result.prior else None
    definitions = Definitions("chirpleaf", origin.approximant, spins, origin.f_ref, COSMOLOGY, prior)
    name = file.parent.name or file.name if file.name == FILE_NAME else file.name
    return ExternalPosterior(name, result.samples, definitions, result.prior, trust=result.trust)


def _read_bilby_json(file: Path) -> Content:
    """Result of bilby in JSON; its classes and functions stay dictionaries."""
    with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as opened:
        text = opened.read(LARGEST_JSON + 1)
    if len(text) > LARGEST_JSON:
        raise ValueError(f"more than {LARGEST_JSON} bytes")
    document = json.loads(text)
    table = document["posterior"]
    columns: Samples = {name: np.asarray(values) for name, values in table.get("content", table).items()}
    metadata = document.get("meta_data") or {}
    arguments = (metadata.get("likelihood") or {}).get("waveform_arguments") or {}
    cosmology = (metadata.get("global_meta_data") or {}).get("cosmology") or metadata.get("cosmology")
    priors = document.get("priors") or {}
    return Content(
        columns,
        document.get("sampler") if document.get("sampler") == "chirpleaf" else f"bilby ({document.get('sampler')})",
        approximant=arguments.get("waveform_approximant"),
        reference_frequency=arguments.get("reference_frequency"),
        cosmology=cosmology.get("name", cosmology.get("__name__")) if isinstance(cosmology, dict) else cosmology,
        prior=describe_priors(priors),
        bilby_priors=priors,
        trust=Trust.from_json(metadata["trust"]) if document.get("sampler") == "chirpleaf" else None,
    )


def read_samples(path: str | Path) -> Samples:
    """The parameters of a posterior of any program that this project knows.

    Args:
        path: as for `read_posterior`.

    Returns:
        Parameter name to samples of equal weight, each of shape (n,).

    Raises:
        InputError: as `read_posterior`, or there is no such parameter.
    """
    return select_known(read_posterior(path))


def select_known(posterior: ExternalPosterior) -> Samples:
    """The parameters of a posterior that this project knows.

    Args:
        posterior: any.

    Raises:
        InputError: there is none.
    """
    samples = {name: values for name, values in posterior.samples.items() if name in PARAMETERS}
    if not samples:
        found = f"{posterior.name} with {', '.join(list(posterior.samples)[:8])}"
        raise InputError(f"expected samples of parameters such as chirp_mass; got {found}: check the file")
    return samples


def describe_priors(priors: Mapping[str, Any]) -> str | None:
    """The priors of distance and mass in bilby's JSON, in words; None if there are none."""
    words = []
    for name in ("luminosity_distance", "redshift", "chirp_mass", "mass_ratio", "mass_1", "chi_1", "a_1"):
        entry = priors.get(name)
        if isinstance(entry, Mapping) and "__name__" in entry and entry["__name__"] != "Constraint":
            keywords = entry.get("kwargs") or {}
            bounds = [keywords.get(end) for end in ("minimum", "maximum")]
            limits = f" {bounds[0]:g} to {bounds[1]:g}" if all(isinstance(end, int | float) for end in bounds) else ""
            words.append(f"{name} {entry['__name__']}{limits}")
    return "; ".join(words) or None


__all__ = ["Definitions", "ExternalPosterior", "read_posterior", "read_samples", "select_known"]
