"""Conversion to bilby: the JSON document of `bilby.gw.result.CBCResult`, and the object itself.

bilby's evidences are those of the data, chirpleaf's that of a signal over noise: ln Z = ln B + ln Z_noise with
ln Z_noise = -<d|d> / 2. `log_likelihood` of the samples is the ratio, as bilby stores it with `use_ratio`.
"""

import json
import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from chirpleaf.errors import InputError

if TYPE_CHECKING:
    from chirpleaf.physics.derived import Samples
    from chirpleaf.result.certificate import Certificate
    from chirpleaf.result.provenance import Provenance
    from chirpleaf.result.trust import Trust

COSMOLOGY = "Planck15"
"""Cosmology of redshifts and source-frame masses: bilby's default, and that of `physics.cosmology`."""

_AFTER_TRIGGER = 2.0
"""Length of the analysed segment after the trigger, seconds (`strain.segment`)."""


def make_document(
    samples: "Samples",
    origin: "Provenance",
    trust: "Trust",
    *,
    sampled: Sequence[str],
    seconds: float | None,
    prior: tuple[list[str], dict[str, Any] | None],
) -> dict[str, Any]:
    """The JSON document of a result, as `bilby.core.result.read_in_result` takes it from a file.

    Args:
        samples: samples of equal weight, each of shape (n,).
        origin: origin of the result.
        trust: verdict on it.
        sampled: names of the parameters that were sampled.
        seconds: time that sampling took; None if unknown.
        prior: names of the parameters that the prior constrains, and the prior as bilby's JSON; None if bilby does not
            know it.
    """
    constraints, priors = prior
    return {
        "label": origin.event,
        "outdir": ".",
        "sampler": "chirpleaf",
        "search_parameter_keys": _list_sampled(sampled, constraints, priors),
        "fixed_parameter_keys": [],
        "constraint_parameter_keys": constraints,
        "priors": priors,
        "posterior": {
            "__dataframe__": True,
            "content": {name: values.tolist() for name, values in samples.items()},
        },
        "injection_parameters": dict(origin.injection) or None,
        "meta_data": {
            **origin.to_json(),
            "trust": trust.to_json(),
            "cosmology": COSMOLOGY,
            **({"likelihood": _describe_likelihood(origin)} if origin.duration else {}),
        },
        "sampling_time": seconds,
        "version": f"chirpleaf={version('chirpleaf')}",
    }


def _list_sampled(sampled: Sequence[str], constraints: list[str], priors: dict[str, Any] | None) -> list[str]:
    """Names of the sampled parameters: those of the prior where bilby describes the spins by other numbers."""
    if priors is None or "cos_iota" not in sampled:
        return list(sampled)
    return [name for name in priors if not name.startswith("__") and name not in constraints]


def make_evidence(certificate: "Certificate | None", log_noise_evidence: float) -> dict[str, Any]:
    """Evidences of a certified posterior by bilby's names; empty where there is none.

    Args:
        certificate: importance-sampling diagnostics; None if the posterior is not certified.
        log_noise_evidence: ln of the likelihood of noise alone; 0 if it is unknown, as in files of former versions.
    """
    if certificate is None or not math.isfinite(certificate.log_bayes_factor):
        return {}
    found = {
        "log_bayes_factor": certificate.log_bayes_factor,
        "num_likelihood_evaluations": certificate.draws,
        "use_ratio": True,
    }
    if math.isfinite(certificate.log_bayes_factor_error):
        found["log_evidence_err"] = certificate.log_bayes_factor_error
    if log_noise_evidence:
        found["log_noise_evidence"] = log_noise_evidence
        found["log_evidence"] = certificate.log_bayes_factor + log_noise_evidence
    return found


def load_result(document: Mapping[str, Any]) -> Any:
    """Makes a result of bilby from its JSON document.

    Args:
        document: as `bilby.core.result.read_in_result` takes it from a file.

    Returns:
        A `bilby.gw.result.CompactBinaryCoalescenceResult`, which is a `bilby.core.result.Result`.

    Raises:
        InputError: bilby is not installed.
    """
    try:
        result, utils = import_module("bilby.gw.result"), import_module("bilby.core.utils")
    except ImportError as error:
        raise InputError("expected bilby for its results; got no such package: pip install bilby") from error
    text = json.dumps(document, allow_nan=False)
    return result.CompactBinaryCoalescenceResult(**json.loads(text, object_hook=utils.decode_bilby_json))


def _describe_likelihood(origin: "Provenance") -> dict[str, Any]:
    """`likelihood` of the metadata: what `CBCResult` needs to make the waveforms of the samples again."""
    lowest = dict(zip(origin.detectors, origin.f_min, strict=False))
    waveform = dict(entry.split("=", 1) for entry in origin.waveform_arguments if "=" in entry)
    arguments = {
        "waveform_approximant": origin.approximant,
        "reference_frequency": origin.f_ref,
        "minimum_frequency": min(origin.f_min, default=20.0),
        "maximum_frequency": origin.f_max,
    }
    return {
        "interferometers": {
            name: {"minimum_frequency": lowest.get(name), "maximum_frequency": origin.f_max}
            for name in origin.detectors
        },
        "time_marginalization": False,
        "phase_marginalization": False,
        "distance_marginalization": False,
        "calibration_marginalization": False,
        "waveform_generator_class": _name("class", "waveform_generator", "WaveformGenerator"),
        "waveform_generator_meta_data": {},
        "waveform_arguments": arguments,
        "lalsimulation_arguments": waveform,
        "frequency_domain_source_model": _name("function", "source", "lal_binary_black_hole"),
        "time_domain_source_model": None,
        "parameter_conversion": _name("function", "conversion", "convert_to_lal_binary_black_hole_parameters"),
        "sampling_frequency": 2.0 ** math.ceil(math.log2(2 * origin.f_max)),
        "duration": origin.duration,
        "start_time": origin.trigger_time + _AFTER_TRIGGER - origin.duration,
        "time_reference": "geocenter",
        "reference_frame": "sky",
    }


def _name(kind: str, module: str, name: str) -> dict[str, Any]:
    """A class or function of `bilby.gw` in bilby's JSON."""
    return {f"__{kind}__": True, "__module__": f"bilby.gw.{module}", "__name__": name}
