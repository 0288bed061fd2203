"""A target of known density in four normal coordinates, and proposals for it; shared by the tests of pools."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from chirpleaf.inference.certify.draws import EvaluatedDraws
from chirpleaf.inference.certify.mixture import MixtureProposal
from chirpleaf.inference.certify.mixture_settings import MixtureFitSettings
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import aligned_space

SPACE = aligned_space(IntrinsicPrior(chirp_mass_min=20.0, chirp_mass_max=40.0))
SUPPORT = SPACE.bijection
TARGET, POOR = (0.2, 0.4), (0.8, 1.2)
"""Centre and width of normal coordinates: of the target, and of a proposal that misses it by half."""
PER_DRAW = 1e-3
"""Seconds that a draw takes by the clock of these tests."""


class Gaussian:
    """A proposal, or a target, of independent normal coordinates."""

    def __init__(self, centre: float, width: float) -> None:
        self.centre, self.width = centre, width

    def sample(self, n: int, seed: int) -> Samples:
        z = self.centre + self.width * np.random.default_rng(seed).standard_normal((n, 4))
        return SPACE.unstack(SUPPORT.inv(torch.from_numpy(z)))

    def log_prob(self, theta: Samples) -> np.ndarray:
        values = torch.from_numpy(SPACE.stack(theta))
        z = SUPPORT(values)
        whitened = (z - self.centre) / self.width
        log_density = -0.5 * (whitened.square() + np.log(2 * np.pi * self.width**2)).sum(-1)
        return np.asarray((log_density + SUPPORT.log_abs_det_jacobian(values, z)).numpy())


def refit(theta: Samples, log_weight: np.ndarray) -> MixtureProposal:
    return MixtureProposal.fit(SPACE, SUPPORT, theta, log_weight, MixtureFitSettings(), seed=0)


class FakeWeigher(Weigher):
    """Computes a known target density, and takes a known time."""

    def __init__(self, clock: SimpleNamespace, density: Any = None) -> None:
        vars(self).update(space=SPACE, seed=0, clock=clock, density=density or Gaussian(*TARGET))

    def weigh(self, theta: Samples, log_prob: np.ndarray, offset: int) -> EvaluatedDraws:
        self.clock.now += PER_DRAW * len(log_prob)  # type: ignore[attr-defined]
        return EvaluatedDraws(
            theta,
            self.density.log_prob(theta),  # type: ignore[attr-defined]
            np.zeros(len(log_prob)),
            np.zeros((1, 3)),
            np.zeros(len(log_prob), bool),
            np.full(len(log_prob), offset),
        )
