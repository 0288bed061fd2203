"""Pool: all draws of an event so far, from all proposals, and what they say."""

import time
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chirpleaf.inference.certify.certificate import Certified
from chirpleaf.inference.certify.importance import Weighing
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.certify.proposals import Proposal, balanced
from chirpleaf.inference.certify.weigher import Batch, Weigher
from chirpleaf.models.estimator import PARAMETERS
from chirpleaf.physics.derived import Samples, derived, source_frame
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.sky import SkyMap
from chirpleaf.result.weights import relative_weights

Array = NDArray[np.float64]
Refit = Callable[[Samples, Array], Proposal]
"""From `PARAMETERS` and ln of their weights to a proposal that fits them better."""

_FAIR_TRIAL = 16_384
"""Draws before an event is given up."""
_POOR = 0.6
"""Efficiency below which another proposal is fitted to the draws."""
_REFITS = 3
_FITTED = 32
"""Draws of any likelihood that a proposal can be fitted to."""
_LEAST = 512
"""Draws that are worth a turn."""
_CHECKED = 64
"""Samples whose likelihood is computed on every frequency."""


class Pool:
    """All draws so far, from all proposals.

    Args:
        weigher: what they are weighed with.
    """

    def __init__(self, weigher: "Weigher") -> None:
        self._weigher = weigher
        self._proposals: list[Proposal] = []
        self._counts: list[int] = []
        self._batch: Batch | None = None
        self._seconds = 0.0

    @property
    def batch(self) -> Batch:
        """The draws."""
        assert self._batch is not None
        return self._batch

    @cached_property
    def log_prob(self) -> Array:
        """ln of the density of the mixture of proposals, shape (n,)."""
        theta = {name: self.batch.samples[name] for name in PARAMETERS}
        return balanced(np.stack([proposal.log_prob(theta) for proposal in self._proposals]), self._counts)

    @property
    def log_weight(self) -> Array:
        """ln of the weights, shape (n,)."""
        return self.batch.log_target - self.log_prob

    @property
    def weighing(self) -> Weighing:
        """The verdict on them."""
        return Weighing.of(self.log_weight)

    def add(self, proposal: Proposal, draws: Samples | int) -> None:
        """Weighs draws of a proposal, or that many new ones."""
        start, turn = time.perf_counter(), self.size
        theta = proposal.draw(draws, self._weigher.seed + turn) if isinstance(draws, int) else draws
        batch = self._weigher.weigh(theta, proposal.log_prob(theta), turn)
        self._batch = batch if self._batch is None else Batch.joined([self._batch, batch])
        if proposal not in self._proposals:
            self._proposals.append(proposal)
            self._counts.append(0)
        self._counts[self._proposals.index(proposal)] += len(batch.log_target)
        self.__dict__.pop("log_prob", None)
        self._seconds += time.perf_counter() - start

    def fill(self, draws: int, effective_samples: int, refit: Refit, deadline: float) -> None:
        """Adds draws until there are enough, and enough of them count, or it is hopeless, or the time is up.

        Args:
            draws: how many there must be.
            effective_samples: how many must count.
            refit: gives another proposal where those so far are poor.
            deadline: when no more are begun, by `time.perf_counter`.
        """
        start, before = time.perf_counter(), self.weighing.effective_samples
        while more := self._wanting(draws, effective_samples):
            now, have = time.perf_counter(), self.weighing.effective_samples
            rate = (have - before) / (now - start) if have > before else np.inf
            hopeless = self.size >= _FAIR_TRIAL and 3 * rate * (deadline - now) < effective_samples - have
            nothing = not np.isfinite(self.log_weight).any()
            if now > deadline or hopeless or nothing:
                return
            affordable = int(self.size / self._seconds * (deadline - now))
            self.add(self._next_proposal(refit), min(more, max(affordable, _LEAST)))

    @property
    def size(self) -> int:
        """Draws so far."""
        return sum(self._counts)

    def _wanting(self, draws: int, effective_samples: int) -> int:
        """Draws that are still needed; none when enough count."""
        weighing = self.weighing
        missing = 1.05 * (effective_samples - weighing.effective_samples) / max(weighing.efficiency, 1e-3)
        if weighing.effective_samples >= effective_samples:
            return max(draws - self.size, 0)
        return max(min(draws - self.size, self.size), int(np.clip(missing, _LEAST, 2 * self.size)))

    def _next_proposal(self, refit: Refit) -> Proposal:
        """The last proposal, or where the draws are poor, and may be bettered, another one fitted to them."""
        too_few = np.isfinite(self.log_weight).sum() < _FITTED
        if self.weighing.efficiency > _POOR or len(self._proposals) > _REFITS or too_few:
            return self._proposals[-1]
        theta = {name: self.batch.samples[name] for name in PARAMETERS}
        return refit(theta, self.log_weight)

    def likelihood_error(self) -> float:
        """Root mean square of ln L less its value on every frequency, over the posterior."""
        weight = relative_weights(self.log_weight)
        if not weight.any():
            return float("inf")
        rng = np.random.default_rng([self._weigher.seed, 2])
        chosen = rng.choice(len(weight), _CHECKED, p=weight / weight.sum())
        samples = with_derived({name: values[chosen] for name, values in self.batch.samples.items()})
        full, _ = log_likelihood_ratio(self._weigher.segment, samples, self._weigher.target.approximant)
        return float(np.sqrt(np.mean((samples["log_likelihood"] - full) ** 2)))

    def certified(self, wanted: int) -> Certified:
        """All draws, and the verdict on them."""
        weighing, log_weight, batch = self.weighing, self.log_weight, self.batch
        order = np.argsort(batch.error)
        mass = relative_weights(log_weight)[order].cumsum()
        certificate = Certificate(
            efficiency=weighing.efficiency,
            effective_samples=weighing.effective_samples,
            log_bayes_factor=weighing.log_evidence,
            log_bayes_factor_error=weighing.error,
            pareto_k=weighing.pareto_k,
            draws=len(log_weight),
            marginal_error=float(batch.error[order][np.searchsorted(mass, mass[-1] / 2)]),
            likelihood_error=self.likelihood_error(),
            approximant=self._weigher.target.approximant,
            detectors=self._weigher.segment.detectors,
            wanted=wanted,
        )
        ra, dec, votes = batch.votes.T
        sky = SkyMap.from_directions(ra, dec, relative_weights(votes))
        samples = with_derived(batch.samples)
        level = weighing.log_evidence if np.isfinite(weighing.log_evidence) else 0.0
        return Certified({**samples, **source_frame(samples)}, self.log_prob, log_weight - level, sky, certificate)


def with_derived(samples: Samples) -> Samples:
    """The samples with all that follows from masses and spins."""
    return {**samples, **derived(samples)}
