"""Mixture proposal: a Gaussian mixture fitted to weighted draws (adaptive importance sampling, arXiv:1102.1609).

It is fitted by expectation and maximisation in the coordinates in which the network's own posterior is standard normal,
so that the fit is a correction of the network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.distributions.transforms import Transform

from chirpleaf.inference.certify.proposals import NetworkProposal, log_sum_exp
from chirpleaf.inference.certify.settings import MixtureFitSettings
from chirpleaf.inference.observation import Observation
from chirpleaf.models.normal import normal_coordinates
from chirpleaf.physics.bijections import transform
from chirpleaf.physics.derived import Samples
from chirpleaf.result.weights import effective_sample_size, relative_weights

Array = NDArray[np.float64]

_SINGULAR = 1e-9
"""Variance added to the common covariance, which equal draws would make singular."""
_LEAST_SHARE = 1e-6
"""Share of a component below which it is not normalised."""


@runtime_checkable
class Columns(Protocol):
    """Parameters as columns of a matrix."""

    def stack(self, samples: Mapping[str, ArrayLike], /) -> Array:
        """Parameters by name, each of shape (n,), as columns, shape (n, d)."""
        ...

    def unstack(self, theta: Array | Tensor, /) -> Samples:
        """Columns, shape (n, d), by parameter name, each of shape (n,)."""
        ...


@dataclass(frozen=True, eq=False)
class MixtureProposal:
    """A Gaussian mixture in coordinates of the intrinsic parameters.

    Attributes:
        space: the intrinsic parameters.
        coordinates: bijection from the intrinsic parameters to R^d.
        log_share: ln of the components' shares, shape (k,).
        means: shape (k, d).
        roots: lower Cholesky factors of the covariances, shape (k, d, d).
    """

    space: Columns
    coordinates: Transform
    log_share: Float64[np.ndarray, " k"]
    means: Float64[np.ndarray, "k d"]
    roots: Float64[np.ndarray, "k d d"]

    @classmethod
    def fit(
        cls,
        space: Columns,
        coordinates: Transform,
        theta: Samples,
        log_weight: Array,
        settings: MixtureFitSettings,
        seed: int,
    ) -> "MixtureProposal":
        """Fits the mixture to weighted draws.

        Args:
            space: the intrinsic parameters.
            coordinates: bijection from the intrinsic parameters to R^d.
            theta: intrinsic parameters, each of shape (n,).
            log_weight: ln of the importance weights, shape (n,).
            settings: settings of the fit.
            seed: seed of the starting means.

        Returns:
            The fitted mixture, with broadened covariances.
        """
        weight = _flatten(log_weight, settings)
        z, weight = _select(coordinates(torch.from_numpy(space.stack(theta))).numpy(), weight, settings)
        centre = weight @ z
        whole = _SINGULAR * np.eye(z.shape[1])
        if weight.max() < 1 - _SINGULAR:  # one draw alone has no covariance
            whole += np.cov(z.T, aweights=weight)
        rng = np.random.default_rng([seed, 3])
        n, floor = settings.components, _floor_covariances(z.shape[1], effective_sample_size(weight), settings)
        means = z[rng.choice(len(z), n, p=weight)] * (1 - settings.shrinkage) + centre * settings.shrinkage
        covariances = np.repeat(whole[None] / 2, n, axis=0)
        share = np.full(n, 1 / n)
        z = z - centre
        means -= centre
        products = (z[:, :, None] * z[:, None]).reshape(len(z), -1)
        for _ in range(settings.iterations):
            log_joint = _log_normal(z, means, np.linalg.cholesky(covariances)) + np.log(share)
            joint = weight[:, None] * np.exp(log_joint - log_sum_exp(log_joint, axis=1)[:, None])
            share = joint.sum(axis=0).clip(_LEAST_SHARE)
            means = (joint.T @ z) / share[:, None]
            covariances = ((joint.T @ products) / share[:, None]).reshape(covariances.shape)
            covariances += floor * whole - means[:, :, None] * means[:, None]
            share /= share.sum()
        return cls(
            space, coordinates, np.log(share), centre + means, np.linalg.cholesky(settings.broadening * covariances)
        )

    def sample(self, n: int, seed: int) -> Samples:
        """Draws intrinsic parameters, each of shape (n,)."""
        rng = np.random.default_rng([seed, 4])
        component = rng.choice(len(self.means), n, p=np.exp(self.log_share))
        normal = rng.standard_normal((n, self.means.shape[1]))
        z = self.means[component] + np.einsum("nij,nj->ni", self.roots[component], normal)
        return self.space.unstack(self.coordinates.inv(torch.from_numpy(z)))

    def log_prob(self, theta: Samples) -> Array:
        """ln of the density per unit of the intrinsic parameters, shape (n,)."""
        z, log_jacobian = transform(self.coordinates, torch.from_numpy(self.space.stack(theta)))
        log_prob = log_sum_exp(_log_normal(z.numpy(), self.means, self.roots) + self.log_share, axis=1)
        return np.asarray(log_prob + log_jacobian.numpy())


def fit_correction(
    observation: Observation, theta: Samples, log_weight: Array, settings: MixtureFitSettings, seed: int
) -> MixtureProposal:
    """Fits a mixture in the coordinates that are appropriate for the draws.

    These are the network's normal coordinates, or the unconstrained coordinates of the parameter space if too much of
    the posterior lies where the density of the network is negligible.

    Args:
        observation: the data in the form that the network takes.
        theta: intrinsic parameters, each of shape (n,).
        log_weight: ln of the importance weights, shape (n,).
        settings: settings of the fit.
        seed: seed of the starting means.
    """
    estimator, space = observation.model.posterior, NetworkProposal(observation).space
    normal = normal_coordinates(estimator, observation.canonical)
    weight = _flatten(log_weight, settings)
    unreachable = weight @ (normal(torch.from_numpy(space.stack(theta))).abs().amax(1) >= settings.reach).numpy()
    coordinates = normal if unreachable < settings.unreachable else space.bijection
    return MixtureProposal.fit(space, coordinates, theta, log_weight, settings, seed)


def _select(
    z: Float64[np.ndarray, "n d"], weight: Array, settings: MixtureFitSettings
) -> tuple[Float64[np.ndarray, "m d"], Array]:
    """Keeps the heaviest draws within reach; returns their coordinates and their weights, whose sum is one."""
    order = np.argsort(-weight)
    heaviest = order[: np.searchsorted(weight[order].cumsum(), settings.kept_weight) + 1]
    near = heaviest[(np.abs(z[heaviest]) < settings.reach).all(axis=1)]
    # If the whole posterior is at an edge of the prior, no coordinates are within reach.
    chosen = near if 2 * len(near) > len(heaviest) else heaviest
    return z[chosen], weight[chosen] / weight[chosen].sum()


def _flatten(log_weight: Array, settings: MixtureFitSettings) -> Array:
    """Weights of sum one, raised to the greatest power, at most one, that leaves enough effective draws."""
    power = 1.0
    while True:
        weight = relative_weights(power * log_weight)
        enough = effective_sample_size(weight) > min(settings.effective_draws, len(weight) / 4)
        if enough or power < settings.least_power:
            return np.asarray(weight / weight.sum())
        power *= settings.flattening


def _floor_covariances(dimension: int, effective_draws: float, settings: MixtureFitSettings) -> float:
    """Share of the common covariance in each component's: more where few draws determine many numbers."""
    numbers = dimension * (dimension + 1) / 2
    draws = max(effective_draws / settings.components, 1.0)
    return min(max(settings.covariance_floor, settings.shrinkage_per_number * numbers / draws), 1.0)


def _log_normal(
    z: Float64[np.ndarray, "n d"], means: Float64[np.ndarray, "k d"], roots: Float64[np.ndarray, "k d d"]
) -> Float64[np.ndarray, "n k"]:
    """ln of normal densities."""
    whitening = np.linalg.inv(roots)
    # One matrix product for all components.
    scaled = (z @ whitening.reshape(-1, z.shape[1]).T).reshape(len(z), *means.shape)
    scaled -= np.einsum("kij,kj->ki", whitening, means)
    volume = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
    return np.asarray(-0.5 * np.square(scaled).sum(axis=-1) - volume - 0.5 * z.shape[1] * np.log(2 * np.pi))
