"""PESummary metafile, the format of the posterior releases of GWTC-2 and later.

| place | holds |
|---|---|
| `LABEL/posterior_samples` | table of the samples of equal weight, a column for each parameter |
| `LABEL/approximant` | waveform model |
| `LABEL/meta_data/sampler`, `.../meta_data` | evidence and sampler · frequencies, cosmology, detectors, trigger |
| `LABEL/injection_data` | one row of true values, where there was an injection |
| `LABEL/priors/samples`, `.../analytic` | draws of the prior · each prior in bilby's words, where bilby knows it |
| `version/pesummary` | version of the layout |

`pesummary.io.read` and `pesummary.gw.file.read` take it. The label is that of the approximant, as in the releases.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from chirpleaf.physics.derived import Samples
from chirpleaf.result.bilby import COSMOLOGY, make_evidence
from chirpleaf.result.hdf5 import make_table
from chirpleaf.system.files import write_atomically

if TYPE_CHECKING:
    from chirpleaf.result.base import Result

LAYOUT = "1.0.0"
"""Version of PESummary that introduced this layout."""

PRIOR_DRAWS = 5000
"""Draws of the prior in the file. More make smoother figures of the prior, and a larger file."""

_EVIDENCES = {
    "log_evidence": "ln_evidence",
    "log_evidence_err": "ln_evidence_error",
    "log_bayes_factor": "ln_bayes_factor",
    "log_noise_evidence": "ln_noise_evidence",
}
"""bilby's name of an evidence, and PESummary's."""


def write_metafile(result: "Result", path: Path) -> None:
    """Writes a metafile with one analysis.

    Args:
        result: a posterior or leaf estimates.
        path: file name; an existing file is replaced.
    """
    label = f"chirpleaf:{result.provenance.approximant}"
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        group = file.create_group(label)
        group["posterior_samples"] = make_table(result.samples)
        group["approximant"] = [result.provenance.approximant]
        group["description"] = [f"chirpleaf, model {result.provenance.model}; {result.trust.verdict}"]
        group["version"] = [f"chirpleaf={result.provenance.chirpleaf_version}"]
        for name, value in _describe_sampler(result).items():
            group[f"meta_data/sampler/{name}"] = [value]
        for name, value in _describe_analysis(result).items():
            group[f"meta_data/meta_data/{name}"] = [value]
        if truth := result.provenance.injection:
            row = np.array([[truth.get(name, np.nan) for name in result.samples]])
            group["injection_data"] = make_table(dict(zip(result.samples, row.T, strict=True)))
        if draws := _draw_prior(result):
            for name, values in draws.items():
                group[f"priors/samples/{name}"] = values
            for name, text in _describe_priors(result.bilby_document()["priors"]).items():
                group[f"priors/analytic/{name}"] = [text]
        file["version/pesummary"] = [LAYOUT]
        file["history/program"] = ["chirpleaf"]
        file.flush()
        content = file.id.get_file_image()
    with write_atomically(path) as scratch:
        scratch.write_bytes(content)


def _describe_sampler(result: "Result") -> dict[str, str | float]:
    """`meta_data/sampler`."""
    evidence = make_evidence(getattr(result, "certificate", None), result.provenance.log_noise_evidence)
    known: dict[str, str | float] = {_EVIDENCES[name]: evidence[name] for name in _EVIDENCES if name in evidence}
    return {"sampler": "chirpleaf", "nsamples": len(result), **known}


def _describe_analysis(result: "Result") -> dict[str, str | float]:
    """`meta_data/meta_data`."""
    origin = result.provenance
    found: dict[str, str | float] = {
        "approximant": origin.approximant,
        "f_ref": origin.f_ref,
        "IFOs": " ".join(origin.detectors),
        "trigger_time": origin.trigger_time,
        "cosmology": COSMOLOGY,
        "seed": origin.seed,
        "chirpleaf_verdict": result.trust.verdict,
        "chirpleaf_reasons": json.dumps(result.trust.reasons),
    }
    if origin.f_min:
        found["f_low"] = min(origin.f_min)
    if origin.duration:
        found |= {"duration": origin.duration, "f_final": origin.f_max}
    return found


def _draw_prior(result: "Result") -> Samples:
    """Draws of the intrinsic parameters and the distance from the prior; none if only bilby knows it."""
    prior = result.prior
    if prior is None or prior.intrinsic is None:
        return {}
    rng = np.random.default_rng(result.provenance.seed)
    draws = prior.intrinsic.sample(PRIOR_DRAWS, rng)
    if prior.distance is not None:
        draws["luminosity_distance"] = prior.distance.sample(PRIOR_DRAWS, rng)
    return draws


def _describe_priors(priors: dict[str, Any] | None) -> dict[str, str]:
    """Each prior of bilby's JSON as bilby writes it in prior files."""
    entries = {name: entry for name, entry in (priors or {}).items() if isinstance(entry, dict)}
    texts = {}
    for name, entry in entries.items():
        keywords = {key: value for key, value in entry["kwargs"].items() if not isinstance(value, dict)}
        arguments = ", ".join(f"{key}={value!r}" for key, value in keywords.items())
        texts[name] = f"{entry['__name__']}({arguments})"
    return texts
