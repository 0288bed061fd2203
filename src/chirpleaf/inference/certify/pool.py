"""Pool: the draws of all proposals for one event, and their importance weights."""

import time
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chirpleaf.inference.certify.certified import Certified
from chirpleaf.inference.certify.checked import CheckedSamples
from chirpleaf.inference.certify.draws import EvaluatedDraws
from chirpleaf.inference.certify.effective_sizes import count_effective_sizes
from chirpleaf.inference.certify.importance import ImportanceDiagnostics, evidence_error
from chirpleaf.inference.certify.proposals import Proposal, mix_log_prob
from chirpleaf.inference.certify.settings import CertifySettings
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.physics.derived import Samples, add_derived, source_frame
from chirpleaf.result.certificate import Certificate, Stopped
from chirpleaf.result.sky import SkyMap
from chirpleaf.result.weights import relative_weights
from chirpleaf.system.deadline import Deadline

Array = NDArray[np.float64]
Refit = Callable[[Samples, Array], Proposal]
"""Fits a proposal to intrinsic parameters and ln of their weights."""


class Pool:
    """Draws of all proposals, weighted as draws from the mixture of these proposals.

    Args:
        weigher: computes the target density of draws.
        settings: how many draws are made, and when to stop.
    """

    def __init__(self, weigher: Weigher, settings: CertifySettings) -> None:
        self._weigher, self._settings = weigher, settings
        self._proposals: list[Proposal] = []
        self._counts: list[int] = []
        self._log_probs: list[Array] = []
        self._draws: EvaluatedDraws | None = None
        self._origins: list[tuple[Proposal, int]] = []
        self._seconds = 0.0
        self._refits = 0
        self.stopped: Stopped = "enough"

    @property
    def draws(self) -> EvaluatedDraws:
        """All draws so far."""
        assert self._draws is not None
        return self._draws

    @property
    def size(self) -> int:
        """Number of draws so far."""
        return sum(self._counts)

    @property
    def most_draws(self) -> int:
        """Most draws of the event, unless more are asked for."""
        sampling = self._settings.sampling
        return max(sampling.most_draws, sampling.most_draws_per_sample * self._settings.effective_samples)

    @property
    def principal(self) -> Proposal:
        """The proposal of the next draws."""
        return self._proposals[-1]

    @cached_property
    def log_prob(self) -> Array:
        """ln of the density of the mixture of proposals at each draw, shape (n,)."""
        return mix_log_prob(np.stack(self._log_probs), self._counts)

    @property
    def log_weight(self) -> Array:
        """ln of the importance weights, shape (n,)."""
        return self.draws.log_target - self.log_prob

    @property
    def greatest_likelihood(self) -> float:
        """Greatest ln of the marginal likelihood of a draw over that of noise, nats; -inf if no draw is possible."""
        with np.errstate(invalid="ignore"):  # impossible draws
            values = self.draws.log_target - self._weigher.target.intrinsic.log_prob(self.theta)
        return float(np.where(np.isnan(values), -np.inf, values).max())

    @property
    def diagnostics(self) -> ImportanceDiagnostics:
        """Diagnostics of the importance weights."""
        return ImportanceDiagnostics.from_log_weights(self.log_weight)

    @property
    def theta(self) -> Samples:
        """Intrinsic parameters of the draws."""
        return {name: self.draws.samples[name] for name in self._weigher.space.names}

    def add(self, proposal: Proposal, draws: Samples | int, *, background: bool = False) -> None:
        """Computes the target density of draws of a proposal, and adds the draws.

        Args:
            proposal: density of the draws.
            draws: intrinsic parameters drawn from it, or the number of draws.
            background: whether no further draws are to come from it; if not, it becomes the principal proposal.
        """
        start, offset = time.perf_counter(), self.size
        theta = proposal.sample(draws, self._weigher.seed + offset) if isinstance(draws, int) else draws
        if proposal not in self._proposals:
            place = 0 if background else len(self._proposals)
            self._proposals.insert(place, proposal)
            self._counts.insert(place, 0)
            self._log_probs.insert(place, proposal.log_prob(self.theta) if offset else np.zeros(0))
        own = self._proposals.index(proposal)
        densities = [one.log_prob(theta) for one in self._proposals]
        batch = self._weigher.weigh(theta, densities[own], offset)
        self._draws = batch if self._draws is None else EvaluatedDraws.concatenate([self._draws, batch])
        self._log_probs = [np.concatenate(parts) for parts in zip(self._log_probs, densities, strict=True)]
        self._counts[own] += len(batch.log_target)
        self._origins.append((proposal, len(batch.log_target)))
        self.__dict__.pop("log_prob", None)
        self._seconds += time.perf_counter() - start

    def add_in_time(self, proposal: Proposal, theta: Samples, deadline: Deadline) -> None:
        """Adds draws of a proposal, piece by piece until the deadline; the first piece in any case.

        Args:
            proposal: density of the draws; it becomes the principal proposal.
            theta: intrinsic parameters drawn from it, each of shape (n,).
            deadline: end of the time budget.
        """
        n = len(next(iter(theta.values())))
        for piece in deadline.split(n, self._settings.sampling.fewest_draws):
            self.add(proposal, {name: values[piece] for name, values in theta.items()})

    def afford(self, draws: int, deadline: Deadline) -> int:
        """Number of draws that can be weighed in the time that is left, at the rate of those so far.

        Args:
            draws: number that is wanted.
            deadline: end of the time budget.
        """
        return deadline.afford(draws, self.size, self._seconds, self._settings.sampling.fewest_draws)

    def fill(self, draws: int, effective_samples: int, refit: Refit, deadline: Deadline) -> None:
        """Adds draws until both numbers are reached and the tail of the weights has converged, or until sampling ends.

        `stopped` then states why no more draws were made. None are added to those of an answer that is refused.

        Args:
            draws: least number of draws.
            effective_samples: effective sample size that is wanted.
            refit: fits another proposal if the efficiency is low or the tail heavy.
            deadline: end of the time budget; no further batch starts after it.
        """
        if self.stopped == "refused":
            return
        sampling, start = self._settings.sampling, (self.size, self.diagnostics.effective_samples)
        rounds, most = sampling.tail_rounds, max(draws, self.most_draws)
        self.stopped = "enough"
        while more := self._missing_draws(draws, effective_samples, rounds):
            rounds -= self.diagnostics.effective_samples >= effective_samples and self.size >= draws
            if end := self._end(effective_samples, start, most, deadline):
                self.stopped = end
                return
            proposal = self._next_proposal(refit)
            self.add(proposal, self.afford(min(more, most - self.size), deadline))

    def _end(self, effective_samples: int, start: tuple[int, float], most: int, deadline: Deadline) -> Stopped | None:
        """Why no further draws may be made; None if they may.

        Args:
            effective_samples: effective sample size that is wanted.
            start: number of draws and effective sample size before the first further draws.
            most: most draws.
            deadline: end of the time budget.
        """
        sampling, have = self._settings.sampling, self.diagnostics.effective_samples
        if deadline.passed:
            return "budget"
        if not np.isfinite(self.log_weight).any():
            return "hopeless"
        if self.size >= most:
            return "draws"
        recent = (have - start[1]) / max(self.size - start[0], 1)
        reachable = sampling.efficiency_growth * max(recent, have / self.size) * (most - self.size)
        return "hopeless" if self.size >= sampling.trial_draws and reachable < effective_samples - have else None

    def _missing_draws(self, draws: int, effective_samples: int, tail_rounds: int) -> int:
        """Number of draws that are still needed; zero when there are enough."""
        sampling, found = self._settings.sampling, self.diagnostics
        if found.effective_samples >= effective_samples:
            heavy = tail_rounds and self.size >= draws and not found.converged
            return self.size if heavy else max(draws - self.size, 0)
        efficiency = max(found.efficiency, sampling.least_efficiency)
        missing = sampling.reserve * (effective_samples - found.effective_samples) / efficiency
        growth = sampling.growth_between_fits if self._wants_refit() else sampling.growth
        by_efficiency = int(np.clip(missing, sampling.fewest_draws, growth * self.size))
        return max(min(draws - self.size, self.size), by_efficiency)

    def _next_proposal(self, refit: Refit) -> Proposal:
        """The principal proposal, or a new one fitted to the draws if these are poor and a fit is possible."""
        if not self._wants_refit():
            return self.principal
        self._refits += 1
        return refit(self.theta, self.log_weight)

    def _wants_refit(self) -> bool:
        """Whether the draws are poor, a fit is possible, and further fits are allowed."""
        sampling, found = self._settings.sampling, self.diagnostics
        enough = np.isfinite(self.log_weight).sum() >= sampling.refit_draws
        good = found.efficiency > sampling.refit_efficiency and found.converged
        return bool(enough and not good and self._refits < sampling.refits)

    def likelihood_error(self) -> float:
        """Root mean square difference of ln L from its value on every frequency, over the posterior, nats.

        Infinite if no draw has a weight.
        """
        checked = self._check_samples(self._settings.sampling.checked_samples)
        return float("inf") if checked is None else checked.error

    def correct(self, n: int, tolerated_error: float, latest: Deadline) -> bool:
        """Makes the likelihood again while it errs on samples of the posterior, and weighs all draws by it.

        It is made about these samples, on nodes as close as they need. The posterior may then have other samples, on
        which it still errs: it is made again until the halvings that the settings allow are used up.

        Args:
            n: number of samples.
            tolerated_error: root mean square error of ln L, nats, above which it is made again.
            latest: end of the time for it.

        Returns:
            Whether it was made again.
        """
        left = allowed = self._settings.heterodyne.halvings
        while left and not latest.passed and self.afford(self.size, latest) == self.size:
            checked = self._check_samples(n)
            if checked is None or checked.error <= tolerated_error:
                break
            left -= max(self._make_likelihood_again(checked, left, latest), 1)
        return left < allowed

    def _make_likelihood_again(self, checked: CheckedSamples, halvings: int, latest: Deadline) -> int:
        """Weighs all draws by a likelihood that is accurate on some samples; returns how often nodes were halved."""
        start, weight = time.perf_counter(), relative_weights(self.log_weight)
        chosen = np.random.default_rng([self._weigher.seed, 3]).choice(self.size, self.size, p=weight / weight.sum())
        further = {name: values[chosen] for name, values in self.theta.items()}
        self._weigher, made = checked.make_weigher(further, halvings, latest)
        self._draws = self._weigher.weigh(self.theta, self.log_prob, 0)
        self._seconds = time.perf_counter() - start
        return made

    def _check_samples(self, n: int) -> CheckedSamples | None:
        return CheckedSamples.draw(self._weigher, self.draws.samples, self.log_weight, n, self._settings.likelihood)

    def to_certified(self) -> Certified:
        """All draws with their weights, sky map and certificate."""
        found, log_weight, draws = self.diagnostics, self.log_weight, self.draws
        sizes = count_effective_sizes(draws, log_weight)
        certificate = Certificate(
            efficiency=found.efficiency,
            effective_samples=found.effective_samples,
            log_bayes_factor=found.log_evidence,
            log_bayes_factor_error=self._evidence_error(),
            pareto_k=found.pareto_k,
            draws=len(log_weight),
            marginal_error=self._median_error(),
            likelihood_error=self.likelihood_error(),
            approximant=self._weigher.target.waveform.approximant,
            detectors=self._weigher.segment.detectors,
            wanted=self._settings.effective_samples,
            failed_waveforms=int(draws.failed.sum()),
            largest_weight=found.largest_weight,
            stopped=self.stopped,
            effective_points=sizes.points,
            effective_pairs=sizes.pairs,
        )
        ra, dec, sky_weight = draws.directions.T
        sky = SkyMap.from_directions(ra, dec, relative_weights(sky_weight))
        samples = add_derived(draws.samples)
        level = found.log_evidence if np.isfinite(found.log_evidence) else 0.0
        return Certified({**samples, **source_frame(samples)}, self.log_prob, log_weight - level, sky, certificate)

    def _evidence_error(self) -> float:
        """Standard error of the ln evidence."""
        proposals, counts = zip(*self._origins, strict=True)
        numbers = np.repeat([self._proposals.index(one) for one in proposals], counts)
        return evidence_error(self.log_weight, numbers, self.draws.rounds)

    def _median_error(self) -> float:
        """Standard error of ln L from the extrinsic points, median over the posterior, nats."""
        order = np.argsort(self.draws.error)
        cumulative = relative_weights(self.log_weight)[order].cumsum()
        return float(self.draws.error[order][np.searchsorted(cumulative, cumulative[-1] / 2)])
