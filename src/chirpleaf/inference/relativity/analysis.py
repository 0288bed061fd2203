"""The test of general relativity of one event: composition of all stages, and its verdict."""

from dataclasses import dataclass, replace

from chirpleaf.errors import InputError
from chirpleaf.inference.build import trace_origin
from chirpleaf.inference.certify import Certified, Target
from chirpleaf.inference.plan import certify_draws
from chirpleaf.inference.preparation import PreparedData, load_candidates
from chirpleaf.inference.recording import record_analysis
from chirpleaf.inference.relativity.comparison import Comparison, compare_parts
from chirpleaf.inference.relativity.leaves import LeafComparison, compare_leaves
from chirpleaf.inference.relativity.settings import DEFAULT_RELATIVITY, RelativitySettings
from chirpleaf.inference.request import Request
from chirpleaf.inference.timing import Stopwatch
from chirpleaf.inference.trust import assess_certified
from chirpleaf.models.model import Model
from chirpleaf.physics.signals import make_signal_model
from chirpleaf.result.provenance import Provenance
from chirpleaf.result.trust import Finding, Level, Trust
from chirpleaf.system.checks import check_positive
from chirpleaf.system.deadline import Deadline

PRIOR = "uniform"
"""Prior of the test: that of the catalogues, with aligned spins uniform. It is made flat in the remnant, and needs less
correction for that than isotropic spins, which are peaked at zero."""

TESTED = ("model.misfit", "model.residual", "model.tile", "model.correlation")
"""Checks that say that the data deviate from the waveforms. A test of general relativity is made to see that."""


@dataclass(frozen=True, eq=False)
class RelativityTest:
    """Result of the tests of general relativity of one event.

    Attributes:
        comparison: remnant by the inspiral against remnant by the post-inspiral; None without one effective draw.
        leaves: remnant by the leaves of a network against remnant by the fits; empty if they do not suit the data.
        trust: verdict on the test: whether its numbers can be trusted, not whether general relativity holds.
        provenance: the origin of the data.
        prior: name of the prior before it is made flat in the remnant.
        timing: seconds by stage.
    """

    comparison: Comparison | None
    leaves: tuple[LeafComparison, ...]
    trust: Trust
    provenance: Provenance
    prior: str
    timing: dict[str, float | None]


def check_relativity(request: Request, settings: RelativitySettings = DEFAULT_RELATIVITY) -> RelativityTest:
    """Tests general relativity with one event.

    Args:
        request: the data and the model, as for `chirpleaf.infer`; the prior is `PRIOR` if None. The number of samples
            and of effective samples are those of the settings.
        settings: numbers of draws and samples, and limits.

    Returns:
        Deviations between the remnants by inspiral and by post-inspiral, the leaves of the remnant, and a verdict.

    Raises:
        InputError: the input is wrong, or the model or the waveforms do not allow the test.
    """
    if request.budget is not None:
        check_positive("budget in seconds", request.budget)
    watch, deadline = Stopwatch(), Deadline.after(request.budget)
    models = load_candidates(request.model)
    _check_model(models[0].load())
    prior = PRIOR if request.prior is None else request.prior
    asked = replace(
        request,
        certify=True,
        prior=prior,
        samples=settings.draws,
        effective_samples=settings.effective_samples,
    )
    plan = asked.plan_certification(models[0].load())
    assert plan is not None  # certification was asked for
    data = asked.prepare(models, watch)
    target = plan.make_target(data)
    _check_waveforms(data, target)
    until = deadline.share(settings.whole_share)
    draws = certify_draws(data, target, plan, samples=settings.draws, seed=request.seed, deadline=until)
    trust = _relax(assess_certified(data, draws, target))
    watch.lap("certify_s")
    possible = draws.certificate.effective_samples >= 1
    comparison = _compare(data, draws, target, settings, request.seed, deadline) if possible else None
    leaves, notes = _compare_leaves(data, draws, settings, request.seed) if possible else ((), ())
    watch.lap("trust_s")
    trust = trust.add(*(comparison.findings if comparison else ()))
    origin = replace(trace_origin(data, request.seed, target.waveform), recipe=record_analysis(data, asked))
    return RelativityTest(
        comparison, leaves, replace(trust, notes=(*trust.notes, *notes)), origin, str(prior), watch.timing
    )


def _check_model(model: Model) -> None:
    """Refuses a model of single quantities, which has no remnant to compare."""
    if not model.estimator.can_propose:
        names = ", ".join(model.estimator.quantities)
        raise InputError(
            f"expected a model of all parameters for the test; got {model.name}, of {names} alone: leave --model out"
        )


def _compare(
    data: PreparedData, draws: Certified, target: Target, settings: RelativitySettings, seed: int, deadline: Deadline
) -> Comparison:
    return compare_parts(
        data.observation,
        data.cut_network_segment(),
        data.source.trigger_time,
        target,
        draws,
        settings,
        seed=seed,
        deadline=deadline,
    )


def _compare_leaves(
    data: PreparedData, draws: Certified, settings: RelativitySettings, seed: int
) -> tuple[tuple[LeafComparison, ...], tuple[str, ...]]:
    """The leaves against the fits; without them, a sentence that says why."""
    try:
        return compare_leaves(data, draws, settings, seed=seed), ()
    except InputError as error:
        return (), (f"the leaves of the remnant are not compared: {error}",)


def _check_waveforms(data: PreparedData, target: Target) -> None:
    """Refuses approximants whose further modes the marginal likelihood does not have."""
    if not make_signal_model(target.waveform, data.model.architecture.signal).has_all_modes():
        raise InputError(
            f"expected an approximant with the modes of the model for a test of general relativity; got "
            f"{target.waveform.approximant}, which has more: leave --approximant out"
        )


def _relax(trust: Trust) -> Trust:
    """The verdict on the whole signal as far as it concerns the test.

    What a deviation from general relativity may cause is a note. Draws of the whole signal that are not enough for its
    posterior still give a cut-off frequency, and a first proposal of each part.
    """

    def relax(one: Finding) -> Finding:
        if one.check in TESTED:
            return replace(one, level=Level.NOTE)
        return replace(one, level=min(one.level, Level.WARN)) if one.area == "sampling" else one

    found = map(relax, trust.findings)
    return Trust.from_findings(found, trust.network_snr, trust.snr, trust.notes)
