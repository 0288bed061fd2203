"""Pool: the draws of all proposals for one event, and their importance weights."""

import time
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chirpleaf.inference.certify.certified import Certified
from chirpleaf.inference.certify.draws import EvaluatedDraws
from chirpleaf.inference.certify.importance import ImportanceDiagnostics
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.certify.proposals import Proposal, mix_log_prob
from chirpleaf.inference.certify.settings import CertifySettings
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.physics.derived import Samples, derived, source_frame
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.sky import SkyMap
from chirpleaf.result.weights import relative_weights

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
        self._draws: EvaluatedDraws | None = None
        self._seconds = 0.0

    @property
    def draws(self) -> EvaluatedDraws:
        """All draws so far."""
        assert self._draws is not None
        return self._draws

    @property
    def size(self) -> int:
        """Number of draws so far."""
        return sum(self._counts)

    @cached_property
    def log_prob(self) -> Array:
        """ln of the density of the mixture of proposals at each draw, shape (n,)."""
        return mix_log_prob(np.stack([proposal.log_prob(self._theta) for proposal in self._proposals]), self._counts)

    @property
    def log_weight(self) -> Array:
        """ln of the importance weights, shape (n,)."""
        return self.draws.log_target - self.log_prob

    @property
    def diagnostics(self) -> ImportanceDiagnostics:
        """Diagnostics of the importance weights."""
        return ImportanceDiagnostics.from_log_weights(self.log_weight)

    @property
    def _theta(self) -> Samples:
        """Intrinsic parameters of the draws."""
        return {name: self.draws.samples[name] for name in self._weigher.space.names}

    def add(self, proposal: Proposal, draws: Samples | int) -> None:
        """Computes the target density of draws of a proposal, and adds the draws.

        Args:
            proposal: density of the draws.
            draws: intrinsic parameters drawn from it, or the number of draws.
        """
        start, offset = time.perf_counter(), self.size
        theta = proposal.sample(draws, self._weigher.seed + offset) if isinstance(draws, int) else draws
        batch = self._weigher.weigh(theta, proposal.log_prob(theta), offset)
        self._draws = batch if self._draws is None else EvaluatedDraws.concatenate([self._draws, batch])
        if proposal not in self._proposals:
            self._proposals.append(proposal)
            self._counts.append(0)
        self._counts[self._proposals.index(proposal)] += len(batch.log_target)
        self.__dict__.pop("log_prob", None)
        self._seconds += time.perf_counter() - start

    def fill(self, draws: int, effective_samples: int, refit: Refit, deadline: float) -> None:
        """Adds draws until both numbers are reached, the deadline has passed, or the target is out of reach.

        Args:
            draws: least number of draws.
            effective_samples: effective sample size that is wanted.
            refit: fits another proposal if the efficiency is low.
            deadline: time after which no further batch starts, by `time.perf_counter`.
        """
        sampling = self._settings.sampling
        start, before = time.perf_counter(), self.diagnostics.effective_samples
        while more := self._missing_draws(draws, effective_samples):
            now, have = time.perf_counter(), self.diagnostics.effective_samples
            rate = (have - before) / (now - start) if have > before else np.inf
            out_of_reach = sampling.rate_growth * rate * (deadline - now) < effective_samples - have
            hopeless = self.size >= sampling.trial_draws and out_of_reach
            if now > deadline or hopeless or not np.isfinite(self.log_weight).any():
                return
            affordable = int(self.size / self._seconds * (deadline - now))
            self.add(self._next_proposal(refit), min(more, max(affordable, sampling.fewest_draws)))

    def _missing_draws(self, draws: int, effective_samples: int) -> int:
        """Number of draws that are still needed; zero when there are enough."""
        sampling, found = self._settings.sampling, self.diagnostics
        if found.effective_samples >= effective_samples:
            return max(draws - self.size, 0)
        efficiency = max(found.efficiency, sampling.least_efficiency)
        missing = sampling.reserve * (effective_samples - found.effective_samples) / efficiency
        by_efficiency = int(np.clip(missing, sampling.fewest_draws, sampling.growth * self.size))
        return max(min(draws - self.size, self.size), by_efficiency)

    def _next_proposal(self, refit: Refit) -> Proposal:
        """The last proposal, or a new one fitted to the draws if their efficiency is low and a fit is possible."""
        sampling = self._settings.sampling
        too_few = np.isfinite(self.log_weight).sum() < sampling.refit_draws
        good = self.diagnostics.efficiency > sampling.refit_efficiency
        if good or too_few or len(self._proposals) > sampling.refits:
            return self._proposals[-1]
        return refit(self._theta, self.log_weight)

    def likelihood_error(self) -> float:
        """Root mean square difference of ln L from its value on every frequency, over the posterior, nats."""
        weight = relative_weights(self.log_weight)
        if not weight.any():
            return float("inf")
        rng = np.random.default_rng([self._weigher.seed, 2])
        chosen = rng.choice(len(weight), self._settings.sampling.checked_samples, p=weight / weight.sum())
        samples = add_derived({name: values[chosen] for name, values in self.draws.samples.items()})
        full, _ = log_likelihood_ratio(
            self._weigher.segment, samples, self._weigher.signal, settings=self._settings.likelihood
        )
        return float(np.sqrt(np.mean((samples["log_likelihood"] - full) ** 2)))

    def to_certified(self) -> Certified:
        """All draws with their weights, sky map and certificate."""
        found, log_weight, draws = self.diagnostics, self.log_weight, self.draws
        certificate = Certificate(
            efficiency=found.efficiency,
            effective_samples=found.effective_samples,
            log_bayes_factor=found.log_evidence,
            log_bayes_factor_error=found.error,
            pareto_k=found.pareto_k,
            draws=len(log_weight),
            marginal_error=self._median_error(),
            likelihood_error=self.likelihood_error(),
            approximant=self._weigher.target.waveform.approximant,
            detectors=self._weigher.segment.detectors,
            wanted=self._settings.effective_samples,
            failed_waveforms=int(draws.failed.sum()),
        )
        ra, dec, sky_weight = draws.directions.T
        sky = SkyMap.from_directions(ra, dec, relative_weights(sky_weight))
        samples = add_derived(draws.samples)
        level = found.log_evidence if np.isfinite(found.log_evidence) else 0.0
        return Certified({**samples, **source_frame(samples)}, self.log_prob, log_weight - level, sky, certificate)

    def _median_error(self) -> float:
        """Standard error of ln L from the extrinsic points, median over the posterior, nats."""
        order = np.argsort(self.draws.error)
        cumulative = relative_weights(self.log_weight)[order].cumsum()
        return float(self.draws.error[order][np.searchsorted(cumulative, cumulative[-1] / 2)])


def add_derived(samples: Samples) -> Samples:
    """The samples with all parameters that follow from masses and spins."""
    return {**samples, **derived(samples)}
