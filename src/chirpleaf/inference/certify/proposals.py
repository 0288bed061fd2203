"""Proposals: densities that intrinsic parameters are drawn from.

The network proposes first. If its efficiency is low, a Gaussian mixture fitted to the weighted draws proposes as well
(`mixture`). All draws are then weighted with the density of the mixture of all proposals,

    q(theta) = sum_k (n_k / N) q_k(theta),

with n_k draws from proposal k (the balance heuristic of multiple importance sampling, doi:10.1145/218380.218498), so
that a weight is bounded by the network's share of the draws.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray

from chirpleaf.inference.amortised import sample_intrinsic
from chirpleaf.inference.observation import Observation
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.spaces import ParameterSpace

Array = NDArray[np.float64]


@runtime_checkable
class Proposal(Protocol):
    """A density of the intrinsic parameters that can be sampled."""

    def sample(self, n: int, seed: int) -> Samples:
        """Draws intrinsic parameters, each of shape (n,)."""
        ...

    def log_prob(self, theta: Samples) -> Array:
        """ln of the density per unit of the intrinsic parameters, shape (n,)."""
        ...


@dataclass(frozen=True, eq=False)
class NetworkProposal:
    """The amortised posterior of a network.

    Attributes:
        observation: the data in the form that the network takes.
    """

    observation: Observation

    @property
    def space(self) -> ParameterSpace:
        """The parameters."""
        return self.observation.model.architecture.space

    def sample(self, n: int, seed: int) -> Samples:
        """Draws intrinsic parameters, each of shape (n,)."""
        return sample_intrinsic(self.observation, n, seed)[0]

    @torch.no_grad()
    def log_prob(self, theta: Samples) -> Array:
        """ln of the density per unit of the intrinsic parameters, shape (n,)."""
        estimator = self.observation.model.posterior
        values = torch.from_numpy(self.space.stack(theta))[:, None]
        log_prob: Array = estimator.log_prob(values, self.observation.canonical)[:, 0].numpy()
        return log_prob


def mix_log_prob(log_prob: Float64[np.ndarray, "k n"], counts: list[int]) -> Array:
    """Density of the mixture of proposals.

    Args:
        log_prob: ln of the density of each proposal at each draw, shape (k, n).
        counts: number of draws from each proposal, length k.

    Returns:
        ln of the density of the mixture at each draw, shape (n,).
    """
    return log_sum_exp(log_prob + np.log(np.asarray(counts) / sum(counts))[:, None], axis=0)


def log_sum_exp(values: Float64[np.ndarray, "a b"], axis: int) -> Array:
    """ln of the sum of exponentials along an axis of a matrix."""
    summed: Array = torch.from_numpy(values).logsumexp(axis).numpy()
    return summed
