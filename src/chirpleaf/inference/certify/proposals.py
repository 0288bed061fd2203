"""Proposals: where intrinsic parameters are drawn from, and with what density.

The network proposes first. Where its draws are worth too little, a Gaussian mixture fitted to the weighed draws
proposes as well (adaptive importance sampling, arXiv:1102.1609), in the coordinates in which the network's own
posterior is standard normal: what is fitted is a correction. All draws then count with the density of the whole mixture
of proposals, q(theta) = sum_k (n_k / N) q_k(theta) (the balance heuristic), so that no weight is larger than the
network's share of the draws allows.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch.distributions.transforms import Transform

from chirpleaf.inference.amortised import sample_intrinsic
from chirpleaf.inference.observation import Observation
from chirpleaf.models.estimator import PARAMETERS
from chirpleaf.models.normal import normal_coordinates
from chirpleaf.physics.derived import Samples
from chirpleaf.result.weights import effective_sample_size, relative_weights

Array = NDArray[np.float64]

_COMPONENTS = 8
_ITERATIONS = 40
_BROADER = 1.2
"""Factor on the fitted covariances: a proposal had better be too broad."""
_KEPT = 0.998
"""Share of the weight that a mixture is fitted to: the heaviest draws, not the many that all but do not count."""
_REACH = 5.0
"""How far from zero coordinates are of use: the network says nothing of what lies beyond."""
_MISSED = 0.01
"""Share of the weight that may lie there."""
_LEAST = 200.0
"""Effective samples that a mixture is fitted to; weights are flattened where there are fewer."""


class Proposal(Protocol):
    """What draws intrinsic parameters."""

    def draw(self, n: int, seed: int) -> Samples:
        """`PARAMETERS`, each of shape (n,)."""
        ...

    def log_prob(self, theta: Samples) -> Array:
        """ln of the density per unit of `PARAMETERS`, shape (n,)."""
        ...


@dataclass(frozen=True, eq=False)
class NetworkProposal:
    """The amortised posterior.

    Attributes:
        observation: data as the network sees them.
    """

    observation: Observation

    def draw(self, n: int, seed: int) -> Samples:
        """`PARAMETERS`, each of shape (n,)."""
        return sample_intrinsic(self.observation, n, seed)[0]

    @torch.no_grad()
    def log_prob(self, theta: Samples) -> Array:
        """ln of the density per unit of `PARAMETERS`, shape (n,)."""
        estimator = self.observation.model.posterior
        log_prob: Array = estimator.log_prob(_tensor(theta)[:, None], self.observation.canonical)[:, 0].numpy()
        return log_prob


@dataclass(frozen=True, eq=False)
class MixtureProposal:
    """A Gaussian mixture in some coordinates of the parameters.

    Attributes:
        coordinates: a bijection from `PARAMETERS` to R^4.
        log_share: ln of the components' shares, shape (k,).
        means: shape (k, 4).
        roots: lower Cholesky factors of the covariances, shape (k, 4, 4).
    """

    coordinates: Transform
    log_share: Float64[np.ndarray, " k"]
    means: Float64[np.ndarray, "k four"]
    roots: Float64[np.ndarray, "k four four"]

    @classmethod
    def fitted(cls, coordinates: Transform, theta: Samples, log_weight: Array, seed: int) -> "MixtureProposal":
        """Fits the mixture to weighed draws by expectation and maximisation.

        Args:
            coordinates: a bijection from `PARAMETERS` to R^4.
            theta: `PARAMETERS`, each of shape (n,).
            log_weight: of the draws, shape (n,).
            seed: of the starting points.
        """
        z, weight = _counted(coordinates(_tensor(theta)).numpy(), _flattened(log_weight))
        centre = weight @ z
        whole = np.cov(z.T, aweights=weight) + 1e-9 * np.eye(z.shape[1])
        rng = np.random.default_rng([seed, 3])
        means = z[rng.choice(len(z), _COMPONENTS, p=weight)] * 0.7 + centre * 0.3
        covariances = np.repeat(whole[None] / 2, _COMPONENTS, axis=0)
        share = np.full(_COMPONENTS, 1 / _COMPONENTS)
        for _ in range(_ITERATIONS):
            log_part = _log_normal(z, means, np.linalg.cholesky(covariances)) + np.log(share)
            part = weight[:, None] * np.exp(log_part - _logsumexp(log_part, 1)[:, None])
            share = part.sum(axis=0).clip(1e-6)
            means = (part.T @ z) / share[:, None]
            off = z[:, None] - means
            covariances = np.einsum("nk,nki,nkj->kij", part, off, off) / share[:, None, None] + 0.02 * whole
            share /= share.sum()
        return cls(coordinates, np.log(share), means, np.linalg.cholesky(_BROADER * covariances))

    def draw(self, n: int, seed: int) -> Samples:
        """`PARAMETERS`, each of shape (n,)."""
        rng = np.random.default_rng([seed, 4])
        component = rng.choice(len(self.means), n, p=np.exp(self.log_share))
        z = self.means[component] + np.einsum("nij,nj->ni", self.roots[component], rng.standard_normal((n, 4)))
        return dict(zip(PARAMETERS, self.coordinates.inv(torch.from_numpy(z)).numpy().T, strict=True))

    def log_prob(self, theta: Samples) -> Array:
        """ln of the density per unit of `PARAMETERS`, shape (n,)."""
        values = _tensor(theta)
        z = self.coordinates(values)
        log_prob = _logsumexp(_log_normal(z.numpy(), self.means, self.roots) + self.log_share, 1)
        return np.asarray(log_prob + self.coordinates.log_abs_det_jacobian(values, z).numpy())


def balanced(densities: Float64[np.ndarray, "k n"], counts: list[int]) -> Array:
    """ln of the density of the mixture of proposals.

    Args:
        densities: ln q_k of every draw.
        counts: draws from each proposal.
    """
    return _logsumexp(densities + np.log(np.asarray(counts) / sum(counts))[:, None], 0)


def refitted(observation: Observation, theta: Samples, log_weight: Array, seed: int) -> MixtureProposal:
    """A mixture fitted to weighed draws where it is fitted best.

    That is in the network's normal coordinates, or in the support's own where the network misses too much of the
    posterior for its coordinates to be of use.

    Args:
        observation: data as the network sees them.
        theta: `PARAMETERS`, each of shape (n,).
        log_weight: of the draws, shape (n,).
        seed: of the starting points.
    """
    estimator = observation.model.posterior
    normal = normal_coordinates(estimator, observation.canonical)
    weight = _flattened(log_weight)
    missed = weight @ (normal(_tensor(theta)).abs().amax(1) >= _REACH).numpy()
    return MixtureProposal.fitted(normal if missed < _MISSED else estimator.space.bijection, theta, log_weight, seed)


def _counted(z: Float64[np.ndarray, "n d"], weight: Array) -> tuple[Float64[np.ndarray, "m d"], Array]:
    """The draws that hold nearly all of the weight, those out of reach left out, and their weights, of sum one."""
    order = np.argsort(-weight)
    heaviest = order[: np.searchsorted(weight[order].cumsum(), _KEPT) + 1]
    near = heaviest[(np.abs(z[heaviest]) < _REACH).all(axis=1)]
    chosen = near if 2 * len(near) > len(heaviest) else heaviest  # a posterior may lie at the prior's very edge
    return z[chosen], weight[chosen] / weight[chosen].sum()


def _flattened(log_weight: Array) -> Array:
    """Weights of sum one, raised to the power of at most one at which enough of them count."""
    power = 1.0
    while True:
        weight = relative_weights(power * log_weight)
        if effective_sample_size(weight) > min(_LEAST, len(weight) / 4) or power < 1e-3:
            return np.asarray(weight / weight.sum())
        power *= 0.8


def _log_normal(
    z: Float64[np.ndarray, "n d"], means: Float64[np.ndarray, "k d"], roots: Float64[np.ndarray, "k d d"]
) -> Float64[np.ndarray, "n k"]:
    """ln of normal densities."""
    scaled = np.linalg.solve(roots[None], (z[:, None] - means)[..., None])[..., 0]
    volume = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
    return np.asarray(-0.5 * np.square(scaled).sum(axis=-1) - volume - 0.5 * z.shape[1] * np.log(2 * np.pi))


def _logsumexp(values: Float64[np.ndarray, "n d"], axis: int) -> Array:
    """ln of the sum of exponentials along an axis."""
    summed: Array = torch.from_numpy(values).logsumexp(axis).numpy()
    return summed


def _tensor(theta: Samples) -> torch.Tensor:
    return torch.from_numpy(np.stack([theta[name] for name in PARAMETERS], axis=-1))
