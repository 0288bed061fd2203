"""Plan of a certification: the user's choices, checked before any data are read."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chirpleaf.errors import InputError
from chirpleaf.inference.options import DEFAULT_WAVEFORMS, WaveformOptions
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.trust import Preliminary, examine_before
from chirpleaf.models.model import Model
from chirpleaf.physics.approximants import can_precess
from chirpleaf.physics.argument_trial import check_arguments
from chirpleaf.physics.signals.harmonics import is_separable
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.system.checks import check_integer, check_positive
from chirpleaf.system.deadline import Deadline
from chirpleaf.system.defaults import SAMPLES

if TYPE_CHECKING:
    from chirpleaf.inference.certify import Certified, CertifySettings, Prior, Target

_BINARY = {
    **{"mass_1": 36.0, "mass_2": 29.0, "chi_1": 0.0, "chi_2": 0.0},
    **{"luminosity_distance": 400.0, "theta_jn": 0.0, "phase": 0.0},
}
"""Binary by which an approximant is tried."""


@dataclass(frozen=True)
class CertificationPlan:
    """The user's choices for the certification.

    Attributes:
        prior: prior of the result.
        settings: settings of the certification, except the numbers of draws and of effective samples.
        waveform: waveforms of the likelihood.
        effective_samples: effective sample size that is wanted; half the number of draws if None.
        workers: processes that share waveforms with more than the (2, 2) mode.
    """

    prior: "Prior"
    settings: "CertifySettings"
    waveform: WaveformOptions = DEFAULT_WAVEFORMS
    effective_samples: int | None = None
    workers: int = 1

    def make_target(self, data: PreparedData) -> "Target":
        """The prior and waveform model of the certified posterior.

        Args:
            data: the prepared data.

        Raises:
            InputError: the priors of network and user have no binary in common, or exclude the trigger time.
        """
        architecture = data.model.architecture
        waveform = self.waveform.make_settings(architecture.approximant)
        return self.prior.make_target(
            architecture.space.prior, trigger_time=data.source.trigger_time, waveform=waveform
        )


def plan_certification(
    model: Model,
    certify: bool | None = None,
    prior: str | Path | None = None,
    waveform: WaveformOptions = DEFAULT_WAVEFORMS,
    *,
    effective_samples: int | None = None,
    budget: float | None = None,
    workers: int = 1,
) -> CertificationPlan | None:
    """Decides whether an analysis is certified, and checks the user's choices.

    Args:
        model: one of the candidates; they all have the same kind of estimator.
        certify: the user's choice; None certifies if the model allows it.
        prior: a preset (`PRESETS` of `certify.target`) or a prior file of bilby; that of the catalogues if None.
        waveform: waveforms of the likelihood.
        effective_samples: effective sample size that is wanted; half the number of draws if None.
        budget: seconds after which the analysis makes and reweights no more draws; no limit if None.
        workers: processes that share waveforms with more than the (2, 2) mode.

    Returns:
        The plan; None if the network answers alone.

    Raises:
        InputError: the model cannot be certified, the prior is unknown, a number is out of range, or something is asked
            of a certification that is not made.
    """
    check_integer("workers", workers, 1)
    if effective_samples is not None:
        check_integer("effective_samples", effective_samples, 1)
    if budget is not None:
        check_positive("budget in seconds", budget)
    possible = model.estimator.can_propose
    check_arguments(waveform.make_settings(model.architecture.approximant))
    _check_precession(model, waveform)
    if certify and not possible:
        names = ", ".join(model.estimator.quantities)
        raise InputError(
            f"expected a model of all parameters to certify; got {model.name}, of {names} alone: leave certify out"
        )
    if possible if certify is None else certify:
        from chirpleaf.inference.certify import (  # noqa: PLC0415 - slow, and not always needed
            CertifySettings,
            Prior,
            choose_prior,
        )

        settings = CertifySettings(budget=budget)
        chosen = choose_prior(model.architecture.space.prior) if prior is None else prior
        loaded = Prior.load(chosen)
        loaded.choose_intrinsic(model.architecture.space.prior)  # refuses spins that do not suit, before data are read
        return CertificationPlan(loaded, settings, waveform, effective_samples, workers)
    asked = effective_samples is not None or budget is not None
    if asked or waveform != DEFAULT_WAVEFORMS or prior not in (None, "model"):
        raise InputError(
            "expected certification with effective samples, a budget, an approximant or a prior; got an answer of the "
            "network alone, which takes none: leave them out"
        )
    return None


def _check_precession(model: Model, waveform: WaveformOptions) -> None:
    """Refuses an approximant of aligned spins for a model of precessing spins, and one that cannot be computed."""
    approximant, architecture = waveform.approximant, model.architecture
    if approximant is None or not architecture.space.has_inclination:
        return
    if not can_precess(approximant):
        raise InputError(
            f"expected an approximant that precesses for {model.name}, whose spins do; got {approximant}: choose "
            "IMRPhenomXPHM, or leave --model out"
        )
    settings = waveform.make_settings(approximant)
    if not is_separable(settings):  # its waveforms are needed at the end alone
        polarizations(_BINARY, [settings.reference_frequency, 2 * settings.reference_frequency], settings)


def certify_draws(
    data: PreparedData,
    target: "Target",
    plan: CertificationPlan,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    before: Preliminary | None = None,
    deadline: Deadline | None = None,
) -> "Certified":
    """Third stage of an analysis: draws from the network and weights the draws by the exact likelihood.

    Args:
        data: the prepared data.
        target: prior and waveforms of the result: `plan.make_target(data)`.
        plan: result of `plan_certification`.
        samples: least number of draws; more follow if too few are effective. Of an answer that is refused whatever the
            draws are, only the first ones are made.
        seed: seed of all random numbers.
        before: what `examine_before` found in these data, if it is known.
        deadline: end of the time budget; if None, that of the plan begins with the certification.

    Returns:
        Weighted draws, sky map and certificate, for `build_certified_posterior`.

    Raises:
        InputError: the strain or its spectra do not cover the segment of the likelihood.
    """
    from chirpleaf.inference.certify import certify  # noqa: PLC0415 - an analysis without certification is faster

    wanted = samples // 2 if plan.effective_samples is None else plan.effective_samples
    settings = replace(plan.settings, minimum_draws=samples, effective_samples=wanted)
    before = examine_before(data) if before is None else before
    if before.refused:
        settings = settings.for_first_draws()
    return certify(
        data.observation,
        data.cut_network_segment(),
        data.source.trigger_time,
        target,
        settings,
        seed=seed,
        workers=plan.workers,
        rules_out=before.rules_out,
        deadline=deadline,
    )
