"""Certification: importance sampling with the network as proposal and the exact likelihood.

    draws theta_i ~ q of the network
      -> marginal likelihood L_i over all other parameters, and one extrinsic point for each draw from its
         conditional density
      -> weights w_i = L_i pi(theta_i) / q(theta_i), until enough of them are effective and their tail has converged;
         if the network misses the posterior, it is run about other reference times (`reference_times`);
         a broadened proposal makes a few draws, which find what the others miss (`coverage`);
         if the efficiency is low, a mixture fitted to the draws is a further proposal (`mixture`)
      -> the same likelihood on every frequency, for some of the samples, as a check.

The marginal likelihood evaluates waveforms on few frequencies (`heterodyne`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from chirpleaf.inference.certify.certified import Certified
from chirpleaf.inference.certify.coverage import broaden
from chirpleaf.inference.certify.edges import find_reached_edges
from chirpleaf.inference.certify.mode_reweighting import reweight_with_modes
from chirpleaf.inference.certify.pool import Pool, Refit
from chirpleaf.inference.certify.reference_times import FirstDraws, weigh_first_draws
from chirpleaf.inference.certify.settings import DEFAULTS, CertifySettings
from chirpleaf.inference.certify.target import Target
from chirpleaf.inference.observation import Observation
from chirpleaf.physics.signals import make_likelihood_model
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.result.certificate import GREATEST_LIKELIHOOD_ERROR, Stopped
from chirpleaf.strain.segment import Segment
from chirpleaf.system.deadline import Deadline


def certify(
    observation: Observation,
    segment: Segment,
    trigger_time: float,
    target: Target,
    settings: CertifySettings = DEFAULTS,
    *,
    seed: int = 0,
    workers: int = 1,
    rules_out: Callable[[float], bool] | None = None,
    deadline: Deadline | None = None,
) -> Certified:
    """Draws from the network and computes importance weights until the effective sample size is reached.

    Args:
        observation: the data in the form that the network takes.
        segment: the data of the likelihood: any detectors, about the same reference time.
        trigger_time: GPS time that the prior of the arrival is centred on, unless the target has a centre, seconds.
        target: prior and waveform model.
        settings: number of draws, time budget, and the numbers that trade accuracy for time.
        seed: seed of all random numbers.
        workers: processes that share waveforms with further modes (see `reweight_with_modes`).
        rules_out: takes the greatest ln of the likelihood of the first draws, nats, and returns whether the answer is
            refused, so that no more draws are made. There is no such test if None.
        deadline: end of the time budget; if None, that of the settings begins now.

    Returns:
        All draws with their weights, a sky map and a certificate.
    """
    deadline = Deadline.after(settings.budget) if deadline is None else deadline
    first_deadline = deadline.share(settings.reference_time.share)
    architecture = observation.model.architecture
    lacks_modes = not make_likelihood_model(target.waveform, architecture.signal).has_all_modes()
    network_waveform = replace(target.waveform, approximant=architecture.approximant, arguments=())
    first_target = replace(target, waveform=network_waveform) if lacks_modes else target
    centre = trigger_time if target.centre is None else target.centre
    n_first = settings.sampling.first_draws
    if settings.minimum_draws:
        n_first = min(settings.minimum_draws, n_first)
    weigh = FirstDraws(segment, centre, first_target, n_first, settings, seed, first_deadline)
    hypotheses, pool = weigh_first_draws(observation, weigh, settings, first_deadline, rules_out)
    if pool.stopped != "refused" and not deadline.passed:
        _cover(pool, settings, deadline)
    refit = weigh.propose(hypotheses[-1]).refit
    if lacks_modes:
        reweighter = ModeReweighter(segment, network_waveform, target.waveform, settings, seed, workers)
        result = reweighter.fill(pool, refit, deadline)
    else:
        result = fill_pool(pool, refit, settings, deadline)
    edges = find_reached_edges(result.samples, result.log_weight, architecture.space, target, settings.prior)
    return result._replace(certificate=replace(result.certificate, edges=edges))


def _cover(pool: Pool, settings: CertifySettings, deadline: Deadline) -> None:
    """Adds draws of the broadened principal proposal: a share of as many as the settings ask for, if time allows."""
    sampling = settings.sampling
    wanted = max(settings.minimum_draws, settings.effective_samples, pool.size)
    if draws := int(sampling.coverage_share * wanted):
        broad = broaden(pool.principal, sampling.coverage_scale)
        pool.add(broad, pool.afford(draws, deadline), background=True)


def fill_pool(pool: Pool, refit: Refit, settings: CertifySettings, deadline: Deadline) -> Certified:
    """Adds draws until there are enough; if the fast likelihood then errs, it is made again and more are added.

    The first draws determine that likelihood, and later ones may reach where it errs.

    Args:
        pool: first draws with their weights.
        refit: as for `Pool.fill`.
        settings: numbers of draws and effective samples.
        deadline: as for `Pool.fill`.

    Returns:
        All draws with their weights, and a certificate.
    """
    pool.fill(settings.minimum_draws, settings.effective_samples, refit, deadline)
    result = pool.to_certified()
    inexact = result.certificate.is_inexact and pool.stopped != "refused"
    if inexact and pool.correct(settings.sampling.checked_samples, GREATEST_LIKELIHOOD_ERROR, deadline):
        pool.fill(settings.minimum_draws, settings.effective_samples, refit, deadline)
        result = pool.to_certified()
    return result


@dataclass(frozen=True, eq=False)
class ModeReweighter:
    """Reweights the samples of a pool towards an approximant with further modes.

    Attributes:
        segment: the data.
        old: waveform model of the pool.
        new: waveform model with further modes.
        settings: settings of certification.
        seed: seed of all random numbers.
        workers: processes that share the waveforms.
    """

    segment: Segment
    old: WaveformSettings
    new: WaveformSettings
    settings: CertifySettings
    seed: int
    workers: int

    def fill(self, pool: Pool, refit: Refit, deadline: Deadline) -> Certified:
        """Adds draws to the pool until the effective sample size is reached after reweighting.

        Args:
            pool: draws with their weights by the (2, 2) mode.
            refit: as for `Pool.fill`.
            deadline: as for `Pool.fill`.
        """
        if pool.stopped == "refused":
            return self._reweight(pool, deadline, self.settings.sampling.refused_draws)
        wanted = self.settings.effective_samples
        result, before = self._weigh(pool, wanted, refit, deadline), 0
        while (short := wanted / max(result.certificate.effective_samples, 1.0)) > 1:
            if end := self._end(pool, before, short, deadline):
                return result._replace(certificate=replace(result.certificate, stopped=end))
            before = pool.size
            more = round(self.settings.reweighting.reserve * short * pool.diagnostics.effective_samples)
            result = self._weigh(pool, more, refit, deadline)
        return result

    @staticmethod
    def _end(pool: Pool, before: int, short: float, deadline: Deadline) -> Stopped | None:
        """Why the samples are not reweighted again; None if they are.

        Args:
            pool: draws so far.
            before: number of draws at the last but one reweighting.
            short: factor on the effective sample size that is missing.
            deadline: end of the time budget.
        """
        if deadline.passed:
            return "budget"
        if pool.size == before:
            return pool.stopped
        return "hopeless" if short * pool.size > pool.most_draws else None

    def _weigh(self, pool: Pool, effective_samples: int, refit: Refit, deadline: Deadline) -> Certified:
        until = deadline.share(self.settings.reweighting.draws_share)
        pool.fill(self.settings.minimum_draws, effective_samples, refit, until)
        return self._reweight(pool, deadline)

    def _reweight(self, pool: Pool, deadline: Deadline, most: int | None = None) -> Certified:
        return reweight_with_modes(
            pool.to_certified(),
            self.segment,
            self.old,
            self.new,
            self.settings,
            seed=self.seed,
            workers=self.workers,
            most=most,
            deadline=deadline,
        )
