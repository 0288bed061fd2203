"""Mixture proposal: a Gaussian mixture fitted to weighted draws of intrinsic parameters (adaptive importance sampling).

It is fitted in the coordinates in which the network's own posterior is standard normal, so that the fit is a correction
of the network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.distributions.transforms import Transform

from chirpleaf.inference.certify.gaussian_mixture import GaussianMixture, flatten_weights
from chirpleaf.inference.certify.mixture_settings import MixtureFitSettings
from chirpleaf.inference.certify.proposals import NetworkProposal
from chirpleaf.inference.observation import Observation
from chirpleaf.models.normal import normal_coordinates
from chirpleaf.physics.bijections import transform
from chirpleaf.physics.derived import Samples

Array = NDArray[np.float64]


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
        gaussians: the mixture.
    """

    space: Columns
    coordinates: Transform
    gaussians: GaussianMixture

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
        z = coordinates(torch.from_numpy(space.stack(theta))).numpy()
        return cls(space, coordinates, GaussianMixture.fit(z, log_weight, settings, seed))

    def sample(self, n: int, seed: int) -> Samples:
        """Draws intrinsic parameters, each of shape (n,)."""
        return self.space.unstack(self.coordinates.inv(torch.from_numpy(self.gaussians.sample(n, seed))))

    def log_prob(self, theta: Samples) -> Array:
        """ln of the density per unit of the intrinsic parameters, shape (n,)."""
        z, log_jacobian = transform(self.coordinates, torch.from_numpy(self.space.stack(theta)))
        return np.asarray(self.gaussians.log_prob(z.numpy()) + log_jacobian.numpy())


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
    weight = flatten_weights(log_weight, settings)
    unreachable = weight @ (normal(torch.from_numpy(space.stack(theta))).abs().amax(1) >= settings.reach).numpy()
    coordinates = normal if unreachable < settings.unreachable else space.bijection
    return MixtureProposal.fit(space, coordinates, theta, log_weight, settings, seed)
