"""Conversion to ArviZ: `InferenceData` of ArviZ 0, `DataTree` of ArviZ 1, in one chain of samples of equal weight.

| group | holds |
|---|---|
| `posterior` | samples of equal weight, shape (1, n) |
| `sample_stats` | `log_likelihood`, and `lp`, the unnormalised ln posterior density, where the prior is known |

Attributes of `posterior` name event, model, approximant, detectors and verdict.
"""

import warnings
from importlib import import_module
from typing import Any

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.physics.derived import Samples
from chirpleaf.result.prior import AnalysisPrior
from chirpleaf.result.provenance import Provenance
from chirpleaf.result.trust import Trust

_LIKELIHOOD = "log_likelihood"
"""ArviZ wants it outside of the posterior."""


def convert_to_arviz(samples: Samples, origin: Provenance, trust: Trust, prior: AnalysisPrior | None) -> Any:
    """Makes the tables of ArviZ.

    Args:
        samples: samples of equal weight, each of shape (n,).
        origin: origin of the result.
        trust: verdict on it.
        prior: prior of the analysis; None if it is unknown.

    Returns:
        An `arviz.InferenceData` with ArviZ 0, an `xarray.DataTree` with ArviZ 1 or with `arviz_base` alone.

    Raises:
        InputError: ArviZ is not installed.
    """
    chains = {name: values[np.newaxis] for name, values in samples.items()}
    statistics = {_LIKELIHOOD: chains.pop(_LIKELIHOOD)} if _LIKELIHOOD in chains else {}
    if (density := find_log_density(samples, prior)) is not None:
        statistics["lp"] = density[np.newaxis]
    groups = {"posterior": chains, **({"sample_stats": statistics} if statistics else {})}
    attributes = {
        "event": origin.event,
        "model": origin.model,
        "approximant": origin.approximant,
        "detectors": " ".join(origin.detectors),
        "verdict": trust.verdict,
        "reasons": "; ".join(trust.reasons),
        "inference_library": "chirpleaf",
        "inference_library_version": origin.chirpleaf_version,
    }
    tables = _fill(groups)
    tables["posterior"].attrs.update(attributes)
    return tables


def find_log_density(samples: Samples, prior: AnalysisPrior | None) -> np.ndarray | None:
    """ln of prior times likelihood of the samples, shape (n,); None where one of them is not known.

    Args:
        samples: as for `convert_to_arviz`.
        prior: as for `convert_to_arviz`.
    """
    if _LIKELIHOOD not in samples or prior is None or not prior.known:
        return None
    return np.asarray(samples[_LIKELIHOOD] + prior.log_prob(samples))


def _fill(groups: dict[str, dict[str, np.ndarray]]) -> Any:
    """The groups in the container of the installed ArviZ."""
    for package in ("arviz", "arviz_base"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # ArviZ 0 announces ArviZ 1 once a day
                library = import_module(package)
        except ImportError:
            continue
        return library.from_dict(**groups) if hasattr(library, "InferenceData") else library.from_dict(groups)
    raise InputError("expected arviz for its tables; got no such package: pip install arviz")
