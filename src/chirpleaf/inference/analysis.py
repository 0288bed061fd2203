"""An analysis: composition of all stages.

prepare (data) -> examine (data) -> propose (network) -> certify (likelihood) -> assess (verdict) -> result
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from chirpleaf.inference.build import build_certified_posterior
from chirpleaf.inference.kinds import build_result, propose
from chirpleaf.inference.options import DEFAULT_DATA, DEFAULT_WAVEFORMS, DataOptions, WaveformOptions
from chirpleaf.inference.plan import CertificationPlan, certify_draws
from chirpleaf.inference.preparation import PreparedData, check_precessing_fit, load_candidates
from chirpleaf.inference.recording import record_analysis
from chirpleaf.inference.request import Request
from chirpleaf.inference.sources import PsdSource, ReadSettings, StrainSource
from chirpleaf.inference.systematics.options import NO_SYSTEMATICS, Systematics
from chirpleaf.inference.timing import Stopwatch
from chirpleaf.inference.trust import assess_certified, examine_before
from chirpleaf.models.shipped import Candidate
from chirpleaf.result.leaves import LeafEstimates
from chirpleaf.result.posterior import Posterior
from chirpleaf.result.trust import Trust
from chirpleaf.system.checks import MOST_SEED, check_integer, check_kind, check_positive
from chirpleaf.system.deadline import Deadline
from chirpleaf.system.defaults import SAMPLES

if TYPE_CHECKING:
    from chirpleaf.inference.systematics.stage import SystematicsPlan  # not needed by most analyses

Preview = Callable[[PreparedData, Posterior], object]
"""What is called with a certified posterior before the checks of its verdict, for example to draw it meanwhile."""


def infer(
    event: str | None = None,
    *,
    strain: Mapping[str, StrainSource] | None = None,
    trigger_time: float | str | None = None,
    psd: Mapping[str, PsdSource] | None = None,
    channel: Mapping[str, str] | None = None,
    psd_analysis: str | None = None,
    model: str | Path | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    certify: bool | None = None,
    effective_samples: int | None = None,
    budget: float | None = None,
    options: DataOptions = DEFAULT_DATA,
    waveform: WaveformOptions = DEFAULT_WAVEFORMS,
    approximant: str | None = None,
    prior: str | Path | None = None,
    workers: int = 1,
    systematics: Systematics = NO_SYSTEMATICS,
) -> Posterior | LeafEstimates:
    """Infers the parameters of a binary black hole merger.

    Args:
        event: name of an embedded event or of one in the open catalogues, in any case; or None with `strain`.
        strain: detector name to strain, to a file of it or to several files of consecutive times: HDF5 of GWOSC, gwpy
            or pycbc, GWF, GWOSC text, or text of two columns (`strain.readers`).
        trigger_time: GPS time of the merger within 0.1 s, seconds, or UTC as text; needed with `strain`.
        psd: detector name to power spectral density or to a file of it (`strain.psd_files`); estimated from the strain
            otherwise.
        channel: detector name to the channel of a frame file, or to the dataset of an HDF5 file, if it holds several.
        psd_analysis: label of the analysis, or a part of it, where a release of PESummary holds several.
        model: name of a shipped model or a model file; if None, the data choose among those of all parameters.
        samples: number of draws; certification makes more if their effective sample size is too small.
        seed: seed of the draws.
        certify: whether to weight the draws by the exact likelihood of all detectors, and to draw sky position,
            orientation, distance and time. True by default for models of all parameters, and possible only for these.
        effective_samples: effective sample size that is wanted; half of `samples` if None.
        budget: seconds of the whole analysis after which it makes and reweights no more draws; the checks of the
            verdict follow. No limit if None.
        options: data of the likelihood: detectors, length of the segment, frequencies.
        waveform: waveforms of the likelihood: approximant, reference frequency, arguments of lalsimulation.
        approximant: short for `waveform` with this approximant alone. One that precesses needs a model of precessing
            spins: a shipped one is chosen if `model` is None.
        prior: "isotropic", that of the published catalogues, if None; "uniform", "model", "standard" or "comoving"
            (`PRESETS` of `certify.target`); or a bilby file.
        workers: processes that share waveforms with more than the (2, 2) mode; more than one needs the
            `if __name__ == "__main__"` guard in a script.
        systematics: calibration envelopes and noise spectra of the likelihood, for which the certified samples are
            reweighted.

    Returns:
        A posterior; leaf estimates for models with leaves.

    Raises:
        InputError: the input is wrong; the message says how to correct it.

    Example:
        >>> posterior = infer("GW150914", samples=100, certify=False)
        >>> posterior["chirp_mass"].shape
        (100,)
    """
    check_kind("waveform", waveform, WaveformOptions)
    request = Request(
        event,
        strain,
        trigger_time,
        {} if psd is None else psd,
        ReadSettings({} if channel is None else channel, psd_analysis),
        model=model,
        samples=samples,
        seed=seed,
        certify=certify,
        effective_samples=effective_samples,
        budget=budget,
        options=options,
        waveform=waveform if approximant is None else replace(waveform, approximant=approximant),
        prior=prior,
        workers=workers,
        systematics=systematics,
    )
    _, result = analyse_event(request)
    return result


def analyse_event(
    request: Request, preview: Preview | None = None, *, on_data: Callable[[PreparedData], object] | None = None
) -> tuple[PreparedData, Posterior | LeafEstimates]:
    """All stages of an analysis, with the data that the result belongs to; `infer` and `chirpleaf infer` call it.

    Args:
        request: what is asked.
        preview: as for `analyse`.
        on_data: called with the prepared data before they are analysed, for example to draw them meanwhile.

    Returns:
        The prepared data and the result, whose provenance has the recipe of the analysis.

    Raises:
        InputError: as for `infer`.
    """
    _check_numbers(request.samples, request.seed, request.budget)
    watch, deadline = Stopwatch(), Deadline.after(request.budget)
    models, plan, further = _plan(request)
    data = request.prepare(models, watch)
    if request.model is None:
        check_precessing_fit(data)
    if further is not None:
        data = further.complete(data, request.settings)
    if on_data is not None:
        on_data(data)
    result = analyse(
        data,
        plan,
        samples=request.samples,
        seed=request.seed,
        systematics=further,
        watch=watch,
        preview=preview,
        deadline=deadline,
    )
    recipe = record_analysis(data, request)
    return data, replace(result, provenance=replace(result.provenance, recipe=recipe))


def analyse(
    data: PreparedData,
    plan: CertificationPlan | None,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    systematics: "SystematicsPlan | None" = None,
    watch: Stopwatch | None = None,
    preview: Preview | None = None,
    deadline: Deadline | None = None,
) -> Posterior | LeafEstimates:
    """Analyses prepared data: by the network alone, or with certification.

    Args:
        data: result of `prepare`.
        plan: result of `plan_certification`; None for the network alone.
        samples: number of draws.
        seed: seed of the draws.
        systematics: what the certified samples are reweighted for, for data that it has completed.
        watch: measures infer_s, certify_s, trust_s and systematics_s.
        preview: called with the data and the certified posterior before the checks of the verdict, which is unknown
            then; not called without certification, or if samples are reweighted.
        deadline: end of the time budget; if None, that of the plan begins now.

    Returns:
        A posterior; leaf estimates for models with leaves.

    Raises:
        InputError: no sample is asked for, or the prior does not suit model and data.
    """
    _check_numbers(samples, seed)
    watch = watch or Stopwatch()
    if plan is None:
        output = propose(data, samples, seed)
        watch.lap("infer_s")
        return build_result(data, output, seed, watch.timing)
    deadline = Deadline.after(plan.settings.budget) if deadline is None else deadline
    until = deadline if systematics is None else deadline.share(systematics.settings.certification_share)
    target = plan.make_target(data)
    before = examine_before(data)
    watch.lap("trust_s")
    draws = certify_draws(data, target, plan, samples=samples, seed=seed, before=before, deadline=until)
    watch.lap("certify_s")
    if preview is not None and systematics is None:
        preview(data, build_certified_posterior(data, draws, target, Trust.unknown(), seed, watch.timing))
    trust = assess_certified(data, draws, target, before=before)
    watch.lap("trust_s")
    posterior = build_certified_posterior(data, draws, target, trust, seed, watch.timing)
    if systematics is None:
        return posterior
    posterior = systematics.reweight(posterior, data, seed, deadline)
    watch.lap("systematics_s")
    return replace(posterior, timing=watch.timing)


def check_request(request: Request) -> None:
    """Checks all of a request that needs no data: numbers, model, approximant, prior, and choices that exclude others.

    Args:
        request: what is asked.

    Raises:
        InputError: as for `infer`.
    """
    _check_numbers(request.samples, request.seed, request.budget)
    _plan(request)


def _plan(request: Request) -> "tuple[list[Candidate], CertificationPlan | None, SystematicsPlan | None]":
    """The candidates, the certification and the systematic uncertainties that are asked for."""
    models = load_candidates(request.model, request.waveform.approximant)
    plan = request.plan_certification(models[0].load())
    return models, plan, _plan_systematics(request, plan)


def _plan_systematics(request: Request, plan: CertificationPlan | None) -> "SystematicsPlan | None":
    """The systematic uncertainties that are asked for; None if there are none."""
    if not request.systematics.asked:
        return None
    from chirpleaf.inference.systematics.stage import plan_systematics  # noqa: PLC0415 - slow, and rarely needed

    return plan_systematics(request.systematics, plan)


def _check_numbers(samples: int, seed: int, budget: float | None = None) -> None:
    """Refuses numbers that no draws can be made with, before any work."""
    check_integer("samples", samples, 1)
    check_integer("seed", seed, 0, MOST_SEED)
    if budget is not None:
        check_positive("budget in seconds", budget)
