"""Proposals of the first draws, where the target's prior differs from the network's.

The network's posterior over its prior is a fast estimate of the likelihood,

    L(theta) ~ q(theta) / pi_network(theta).

Times the target's prior, it estimates the target's posterior without any waveform. If the network's own draws represent
this estimate poorly, a Gaussian mixture is fitted to it, and the first draws come from this mixture: in coordinates of
the network with other spins (`spin_coordinates`) if the network covers the target, else (narrow or fixed spins) in
coordinates of the target alone (`coordinates`). The importance weights are exact for any proposal.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.inference.certify.coordinates import FreeParameters, make_target_coordinates
from chirpleaf.inference.certify.importance import ImportanceDiagnostics
from chirpleaf.inference.certify.magnitudes_and_tilts import draw_spins
from chirpleaf.inference.certify.mixture import MixtureProposal, fit_correction
from chirpleaf.inference.certify.proposals import NetworkProposal, Proposal
from chirpleaf.inference.certify.settings import CertifySettings
from chirpleaf.inference.certify.spin_coordinates import make_spin_coordinates
from chirpleaf.inference.certify.target import Target
from chirpleaf.inference.observation import Observation
from chirpleaf.physics.bijections import Bijection, Chain
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.priors import IntrinsicPrior

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FirstProposals:
    """The proposals of one event under one reference time, before any waveform is computed.

    Attributes:
        observation: the data in the form that the network takes.
        target: prior and waveform model.
        settings: settings of certification.
        seed: seed of the fits.
    """

    observation: Observation
    target: Target
    settings: CertifySettings
    seed: int

    @property
    def principal(self) -> Proposal:
        """The proposal of most of the first draws."""
        return self._fits[-1] if self.adapted else self.network

    @property
    def background(self) -> Proposal | None:
        """A broader proposal of some of them, which bounds the weights; None if the network is the principal one."""
        if not self.adapted:
            return None
        return self._fits[0] if self._free.fixed else self.network

    @cached_property
    def network(self) -> NetworkProposal:
        """The network."""
        return NetworkProposal(self.observation)

    @cached_property
    def adapted(self) -> bool:
        """Whether a mixture is the principal proposal."""
        return self._covered < self.settings.first_fit.efficiency

    def refit(self, theta: Samples, log_weight: Array) -> MixtureProposal:
        """Fits a mixture to weighted draws, in the coordinates that suit network and target.

        Args:
            theta: intrinsic parameters, each of shape (n,).
            log_weight: ln of the importance weights, shape (n,).
        """
        if self._covered < self.settings.first_fit.covered:
            return MixtureProposal.fit(
                self._free, self._coordinates, theta, log_weight, self.settings.mixture, self.seed
            )
        if self._changes_spins:
            return MixtureProposal.fit(
                self.network.space, self._spin_coordinates, theta, log_weight, self.settings.mixture, self.seed
            )
        return fit_correction(self.observation, theta, log_weight, self.settings.mixture, self.seed)

    @cached_property
    def _covered(self) -> float:
        """Efficiency of the network's draws by the ratio of the priors; zero if the target fixes a parameter."""
        if self._free.fixed:
            return 0.0
        if self.target.intrinsic == self.network.space.prior:
            return 1.0
        return self._efficiency(self._log_ratio(self._draws))

    @cached_property
    def _free(self) -> FreeParameters:
        return FreeParameters.of(self.network.space, self.target)

    @cached_property
    def _coordinates(self) -> Bijection:
        prior = self.network.space.prior
        if not isinstance(prior, IntrinsicPrior | PrecessingPrior):
            raise InputError(
                f"expected a network of uniform masses for prior {self.target.prior}, which it hardly covers; got one "
                f"under {type(prior).__name__}: choose prior model"
            )
        return make_target_coordinates(prior, self.target, self._free)

    @property
    def _changes_spins(self) -> bool:
        """Whether the target has other priors of both spins than the network, independent of all else."""
        prior, spins = self.network.space.prior, self.target.spins
        return (
            isinstance(prior, IntrinsicPrior)
            and {"chi_1", "chi_2"} <= set(spins)
            and any(spins[name] != prior.spin for name in ("chi_1", "chi_2"))
        )

    @cached_property
    def _spin_coordinates(self) -> Chain:
        return make_spin_coordinates(self.observation, self.target.spins, self.settings.spin_coordinates, self.seed)

    @cached_property
    def _draws(self) -> Samples:
        return self.network.sample(self.settings.first_fit.draws, self.seed)

    @cached_property
    def _fits(self) -> tuple[MixtureProposal, ...]:
        """The mixtures of all rounds: the first one is broad, the last one fits the estimated posterior."""
        settings = self.settings.first_fit
        if self._covered >= settings.covered:
            return (self.refit(self._draws, self._log_ratio(self._draws)),)
        fits = [self.refit(self._redraw(), np.zeros(settings.draws))]
        for turn in range(settings.rounds):
            theta = fits[-1].sample(settings.draws, self.seed + turn)
            log_weight = self._log_estimate(theta) - fits[-1].log_prob(theta)
            if not np.isfinite(log_weight).any():
                break
            fits.append(self.refit(theta, log_weight))
            if self._efficiency(log_weight) > settings.enough:
                break
        return tuple(fits)

    def _redraw(self) -> Samples:
        """The network's draws with spins drawn from the target's prior, and with the fixed parameters."""
        rng, n = np.random.default_rng([self.seed, 5]), self.settings.first_fit.draws
        spins = draw_spins(self.target.spins, n, rng)
        return {**self._draws, **spins, **{name: np.full(n, value) for name, value in self._free.fixed.items()}}

    def _log_ratio(self, theta: Samples) -> Array:
        """ln of the target's prior over the network's, shape (n,)."""
        return _subtract(self.target.intrinsic.log_prob(theta), self.network.space.prior.log_prob(theta))

    def _log_estimate(self, theta: Samples) -> Array:
        """ln of the estimated posterior of the target, up to a constant, shape (n,)."""
        return _subtract(self.network.log_prob(theta), -self._log_ratio(theta))

    @staticmethod
    def _efficiency(log_weight: Array) -> float:
        return ImportanceDiagnostics.from_log_weights(log_weight).efficiency


def _subtract(first: Array, second: Array) -> Array:
    """Difference of two logarithms; minus infinity where either is infinite."""
    possible = np.isfinite(first) & np.isfinite(second)
    return np.where(possible, np.where(possible, first, 0.0) - np.where(possible, second, 0.0), -np.inf)
