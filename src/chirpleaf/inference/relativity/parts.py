"""Posteriors of a part of the frequency band: the inspiral alone, and the post-inspiral alone.

The likelihood is the exact one with all other frequencies masked. A part constrains a binary far less than the whole
signal, so the network's proposal, which has seen the whole, is too narrow. Adaptive importance sampling starts from the
posterior of the whole signal with its standard deviations multiplied, and from the prior; a Gaussian mixture is fitted
to the weighted draws, and the next draws come from it (`certify.mixture`), in coordinates in which the prior of each
parameter is standard normal. These first draws serve to find the posterior: the likelihood is then prepared again for
draws from the fit, and the draws that count are made with it. They are weighted by the density of the mixture of all
their proposals.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch.distributions.transforms import Transform

from chirpleaf.inference.certify import Certified, CertifySettings, Target
from chirpleaf.inference.certify.certification import fill_pool
from chirpleaf.inference.certify.coordinates import FreeParameters, make_target_coordinates
from chirpleaf.inference.certify.coverage import broaden
from chirpleaf.inference.certify.mixture import Columns, MixtureProposal
from chirpleaf.inference.certify.pool import Pool
from chirpleaf.inference.certify.proposals import Proposal
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.relativity.settings import DEFAULT_RELATIVITY, RelativitySettings
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.prior_kinds import PriorDistribution
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.strain.segment import Segment
from chirpleaf.system.deadline import NEVER, Deadline

Array = NDArray[np.float64]
Fit = Callable[[Samples, Array], MixtureProposal]
"""Fits a mixture to intrinsic parameters and ln of their weights."""


@dataclass(frozen=True, eq=False)
class PriorProposal:
    """The prior of a network as a proposal.

    Attributes:
        prior: prior of the intrinsic parameters.
    """

    prior: PriorDistribution

    def sample(self, n: int, seed: int) -> Samples:
        """Draws intrinsic parameters, each of shape (n,)."""
        return self.prior.sample(n, np.random.default_rng([seed, 6]))

    def log_prob(self, theta: Samples) -> Array:
        """ln of the density per unit of the intrinsic parameters, shape (n,)."""
        return self.prior.log_prob(theta)


def certify_part(
    observation: Observation,
    segment: Segment,
    trigger_time: float,
    target: Target,
    whole: Certified,
    settings: RelativitySettings = DEFAULT_RELATIVITY,
    *,
    seed: int = 0,
    deadline: Deadline = NEVER,
) -> Certified:
    """Samples the posterior of a part of the band.

    Args:
        observation: the data in the form that the network takes.
        segment: the part of the data (`Segment.select_band`), about the same reference time.
        trigger_time: GPS time that the prior of the arrival is centred on, seconds.
        target: prior and waveform model, whose modes are those of the network.
        whole: weighted draws from the posterior of the whole signal.
        settings: number of draws, and settings of the likelihood.
        seed: seed of all random numbers.
        deadline: end of the time budget.

    Returns:
        Weighted draws; their certificate says whether they represent the posterior.
    """
    space, certify = observation.model.architecture.space, settings.certify
    certify = replace(certify, minimum_draws=0, effective_samples=settings.effective_samples)
    fit = _choose_fit(observation, target, settings, seed)
    start: Proposal = broaden(fit({n: whole.samples[n] for n in space.names}, whole.log_weight), settings.broadening)
    centre = trigger_time if target.centre is None else target.centre

    def weigh_first(proposal: Proposal, now: CertifySettings) -> Pool:
        theta = proposal.sample(settings.first_draws, seed)
        pool = Pool(Weigher.prepare(observation, segment, centre, target, theta, now, seed), now)
        pool.add(PriorProposal(space.prior), settings.prior_draws, background=True)
        pool.add_in_time(proposal, theta, deadline)
        return pool

    few = settings.first_points
    points = replace(certify.extrinsic, trial_points=min(few, certify.extrinsic.trial_points), most_points=few)
    pool = weigh_first(start, replace(certify, extrinsic=points))
    _adapt(pool, fit, settings, deadline)
    if not np.isfinite(pool.log_weight).any():
        return pool.to_certified()
    # The tables of the extrinsic points are made again, for draws that fit the part.
    pool = weigh_first(fit(pool.theta, pool.log_weight), certify)
    pool.correct(certify.sampling.checked_first, certify.heterodyne.tolerated_error, deadline)
    return fill_pool(pool, fit, certify, deadline)


def _adapt(pool: Pool, fit: Fit, settings: RelativitySettings, deadline: Deadline) -> None:
    """Fits a mixture to all draws and draws from it, until enough draws are effective for a good fit."""
    for _ in range(settings.rounds):
        enough = pool.diagnostics.effective_samples >= settings.fitted_samples
        if enough or deadline.passed or not np.isfinite(pool.log_weight).any():
            return
        pool.add(fit(pool.theta, pool.log_weight), settings.round_draws)


def _choose_fit(observation: Observation, target: Target, settings: RelativitySettings, seed: int) -> Fit:
    """The fit of a mixture, in coordinates of the target; in those of the space for other priors than aligned spins."""
    space = observation.model.architecture.space
    columns: Columns = space
    coordinates: Transform = space.bijection
    if isinstance(space.prior, IntrinsicPrior):
        columns = free = FreeParameters.of(space, target)
        coordinates = make_target_coordinates(space.prior, target, free)

    def fit(theta: Samples, log_weight: Array) -> MixtureProposal:
        return MixtureProposal.fit(columns, coordinates, theta, log_weight, settings.certify.mixture, seed)

    return fit
