"""Draws from the posterior of a network, without any correction by the likelihood."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from chirpleaf.inference.observation import Observation
from chirpleaf.physics.derived import Samples, derived

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NetworkOutput:
    """Samples from a network of any kind.

    Attributes:
        samples: parameter name to values, each of shape (n,).
        log_prob: ln of the density of the samples, per unit of the intrinsic parameters or of the leaves' quantities,
            shape (n,); NaN for deterministic leaves, which have none.
        uncertainty_components: quantity to components of its uncertainty (`result.leaves`); empty for a posterior.
    """

    samples: Samples
    log_prob: Array
    uncertainty_components: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def sample_intrinsic(observation: Observation, n: int, seed: int) -> tuple[Samples, Array]:
    """Draws intrinsic parameters from the network's posterior.

    Args:
        observation: data in the form that a model of all parameters takes.
        n: number of draws.
        seed: seed of the draws.

    Returns:
        Intrinsic parameters by name, each of shape (n,), and ln of their density per unit of them, shape (n,).

    Raises:
        InputError: the model has leaves of single quantities.
    """
    generator = torch.Generator().manual_seed(seed)
    estimator = observation.model.posterior
    theta, log_prob = estimator.sample(observation.canonical, n, generator)
    return estimator.space.unstack(theta[:, 0]), log_prob[:, 0].numpy()


def sample_posterior(observation: Observation, n: int, seed: int) -> tuple[Samples, Array]:
    """Draws intrinsic parameters from the network's posterior, and computes the derived ones.

    Args:
        observation: data in the form that a model of all parameters takes.
        n: number of draws.
        seed: seed of the draws.

    Returns:
        Intrinsic and derived parameters (`physics.derived`) by name, each of shape (n,), and ln of the density per unit
        of the intrinsic parameters, shape (n,).

    Raises:
        InputError: the model has leaves of single quantities.
    """
    intrinsic, log_prob = sample_intrinsic(observation, n, seed)
    found = derived(intrinsic)
    return found | {name: values for name, values in intrinsic.items() if name not in found}, log_prob
