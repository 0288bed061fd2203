"""Recording of an analysis: its recipe, for the provenance of the result and for `inference.replay`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.request import Request
from chirpleaf.inference.sources import PsdSource, StrainSource
from chirpleaf.inference.systematics.options import EnvelopeSource
from chirpleaf.models.model import Model
from chirpleaf.physics.waveform_settings import format_arguments
from chirpleaf.result.recipe import Recipe, describe_machine, find_versions, hash_arrays
from chirpleaf.system.files import hash_file


def record_analysis(data: PreparedData, request: Request) -> Recipe:
    """The recipe of an analysis.

    Args:
        data: the prepared data.
        request: what was asked.
    """
    files = {name: _list_files(source) for name, source in (request.strain or {}).items()}
    systematics = request.systematics
    single = {"psd": request.psd, "certify_psd": systematics.psd, "calibration": systematics.calibration}
    tables = {what: {name: _list_files(one) for name, one in given.items()} for what, given in single.items()}
    named = {what: {name: found[0] for name, found in table.items() if found} for what, table in tables.items()}
    given = {"strain": files, **tables}
    absent = {what: [name for name, found in table.items() if not found] for what, table in given.items()}
    return Recipe(
        event=request.event,
        trigger_time=None if request.trigger_time is None else str(request.trigger_time),
        strain={name: found for name, found in files.items() if found},
        psd=named["psd"],
        channel=request.settings.channel,
        psd_analysis=request.settings.psd_analysis,
        model=None if request.model is None else _name_model(request.model),
        samples=request.samples,
        seed=request.seed,
        certify=request.certify,
        effective_samples=request.effective_samples,
        budget=request.budget,
        prior=None if request.prior is None else _name_file(request.prior),
        workers=request.workers,
        threads=torch.get_num_threads(),
        detectors=request.options.detectors,
        duration=request.options.duration,
        f_min=data.options.f_min,
        f_max=request.options.f_max,
        high_pass=request.options.conditioning.high_pass,
        roll_off=request.options.conditioning.roll_off,
        psd_method=request.options.spectrum.method,
        psd_length=request.options.spectrum.length,
        approximant=request.waveform.approximant,
        f_ref=request.waveform.f_ref,
        waveform_arguments=format_arguments(request.waveform.arguments),
        calibration=named["calibration"],
        calibration_correction=systematics.correction,
        psd_uncertainty=systematics.psd_uncertainty,
        certify_psd=named["certify_psd"],
        in_memory=tuple(f"{what} {name}" for what, names in absent.items() for name in names),
        hashes=_hash_input(data, request.prior, named["calibration"]),
        versions=find_versions(),
        machine=describe_machine(),
    )


def hash_model(model: Model) -> str:
    """SHA-256 of the weights of a model, in the order of their names, and of its templates.

    Args:
        model: the model.
    """
    weights = model.estimator.network.state_dict()
    bank = model.estimator.canonical.bank
    tables = (bank.chirp_mass, bank.chi_eff, bank.anchors, bank.ratios)
    return hash_arrays(*(weights[name].contiguous().numpy() for name in sorted(weights)), *tables)


def _hash_input(data: PreparedData, prior: str | Path | None, envelopes: Mapping[str, str]) -> dict[str, str]:
    """Hashes of strain, noise spectra, whether given or estimated, calibration envelopes, model and prior file."""
    strain = {
        f"strain {name}": hash_arrays(one.values, one.start_time, one.sample_rate)
        for name, one in data.source.strain.items()
    }
    spectra = {f"psd {name}": hash_arrays(one.frequencies, one.values) for name, one in data.spectra.items()}
    others = {
        f"certify_psd {name}": hash_arrays(one.frequencies, one.values) for name, one in data.likelihood_spectra.items()
    }
    curves = {f"calibration {name}": hash_file(path) for name, path in envelopes.items()}
    found = {**strain, **spectra, **others, **curves, "model": hash_model(data.model)}
    if prior is not None and Path(prior).is_file():
        found["prior"] = hash_file(prior)
    return found


def _list_files(source: StrainSource | PsdSource | EnvelopeSource) -> tuple[str, ...]:
    """Full paths of the files of a source; none if it is in memory."""
    if isinstance(source, str | Path):
        return (str(Path(source).expanduser().absolute()),)
    if isinstance(source, Sequence):
        return tuple(str(Path(one).expanduser().absolute()) for one in source)
    return ()


def _name_model(model: str | Path) -> str:
    """A shipped model by its name, another one by its full path."""
    text = str(model)
    return str(Path(text).absolute()) if text.endswith(".safetensors") or "/" in text else text


def _name_file(prior: str | Path) -> str:
    """A prior file by its full path, a preset by its name."""
    return str(Path(prior).absolute()) if Path(prior).is_file() else str(prior)
