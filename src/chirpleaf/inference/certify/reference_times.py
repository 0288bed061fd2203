"""First draws: they determine the reference time of the network's input and the likelihood.

If the network misses the posterior, it is run again about the times at which the draws of largest weight arrive
(reference-time hypotheses). If the heterodyned likelihood differs too much from that on every frequency, it is made
again about samples of the posterior, and all first draws are weighed again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from chirpleaf.inference.certify.first_proposals import FirstProposals
from chirpleaf.inference.certify.pool import Pool
from chirpleaf.inference.certify.proposals import NetworkProposal
from chirpleaf.inference.certify.settings import CertifySettings, ReferenceTimeSettings
from chirpleaf.inference.certify.target import Target
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.reference_time import find_reference_time_hypotheses
from chirpleaf.strain.segment import Segment
from chirpleaf.system.deadline import NEVER, Deadline

Hypotheses = tuple[Observation, ...]
"""The same data about several reference times, the best one last."""

Weigh = Callable[[Hypotheses], Pool]
"""Weighs first draws under some hypotheses."""


@dataclass(frozen=True, eq=False)
class FirstDraws:
    """Weighs the first draws of an event.

    Attributes:
        segment: the data of the likelihood.
        trigger_time: GPS time that the prior of the arrival is centred on, seconds.
        target: prior and waveform model.
        draws: number of draws under each hypothesis.
        settings: settings of certification.
        seed: seed of the draws.
        latest: time after which no further piece of draws is weighed.
    """

    segment: Segment
    trigger_time: float
    target: Target
    draws: int
    settings: CertifySettings
    seed: int
    latest: Deadline = NEVER
    _proposals: dict[int, FirstProposals] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, hypotheses: Hypotheses) -> Pool:
        """Weighs draws under every hypothesis, with a likelihood made for the last one.

        Args:
            hypotheses: the data about some reference times. Draws under the former ones cover the part of the
                posterior that the last one misses.
        """
        *former, last = [self.propose(hypothesis) for hypothesis in hypotheses]
        theta = last.principal.sample(self.draws, self.seed)
        weigher = Weigher.prepare(
            hypotheses[-1], self.segment, self.trigger_time, self.target, theta, self.settings, self.seed
        )
        pool = Pool(weigher, self.settings)
        few = max(int(self.settings.first_fit.background * self.draws), 1)
        for proposals in (*former, last):
            if proposals.background is not None:
                pool.add(proposals.background, few)
        for proposals in former:
            some = proposals.principal.sample(self.draws, self.seed + pool.size)
            pool.add_in_time(proposals.principal, some, self.latest)
        pool.add_in_time(last.principal, theta, self.latest)
        return pool

    def propose(self, hypothesis: Observation) -> FirstProposals:
        """The proposals under one hypothesis.

        Args:
            hypothesis: the data about a reference time.
        """
        if id(hypothesis) not in self._proposals:
            made = FirstProposals(hypothesis, self.target, self.settings, self.seed)
            self._proposals[id(hypothesis)] = made
        return self._proposals[id(hypothesis)]


def weigh_first_draws(
    observation: Observation,
    weigh: Weigh,
    settings: CertifySettings,
    latest: Deadline,
    rules_out: Callable[[float], bool] | None = None,
) -> tuple[Hypotheses, Pool]:
    """Weighs first draws; tries other hypotheses, and makes the likelihood again, if necessary.

    Args:
        observation: the data about the reference time of the search.
        weigh: weighs first draws (`FirstDraws`).
        settings: settings of certification.
        latest: time after which no first draws are weighed again.
        rules_out: takes the greatest ln of the likelihood of the draws, nats, and returns whether the answer is
            refused. There is no such test if None.

    Returns:
        The hypotheses that were kept, and the draws under them.
    """
    hypotheses: Hypotheses = (observation,)
    pool = weigh(hypotheses)
    if rules_out is not None and rules_out(pool.greatest_likelihood):
        pool.stopped = "refused"
        return hypotheses, pool
    if pool.diagnostics.efficiency < settings.reference_time.efficiency:
        hypotheses, pool = _try_other_times(observation, pool, weigh, settings, latest)
    pool.correct(settings.sampling.checked_first, settings.heterodyne.tolerated_error, latest)
    return hypotheses, pool


def _try_other_times(
    observation: Observation, pool: Pool, weigh: Weigh, settings: CertifySettings, latest: Deadline
) -> tuple[Hypotheses, Pool]:
    """Adds the reference time that gives the greatest efficiency, if one gives enough."""
    hypotheses: Hypotheses = (observation,)
    for other in _other_hypotheses(observation, pool, settings.reference_time):
        if latest.passed:
            break
        again = weigh((observation, other))
        if again.diagnostics.efficiency > max(pool.diagnostics.efficiency, settings.reference_time.efficiency):
            hypotheses, pool = (observation, other), again
    return hypotheses, pool


def _other_hypotheses(observation: Observation, pool: Pool, settings: ReferenceTimeSettings) -> list[Observation]:
    """The data about the times at which the draws of largest weight arrive."""
    heaviest = np.argsort(-pool.log_weight)[: settings.draws]
    heaviest = heaviest[np.isfinite(pool.log_weight[heaviest])]
    if not len(heaviest):
        return []
    theta = {name: pool.draws.samples[name][heaviest] for name in NetworkProposal(observation).space.names}
    return find_reference_time_hypotheses(observation, theta)[: settings.attempts]
