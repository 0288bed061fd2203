"""What a network says of an event: draws from its own posterior."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from chirpleaf.inference.observe import Observation
from chirpleaf.models.estimator import PARAMETERS
from chirpleaf.physics.derived import Samples, derived


@dataclass(frozen=True)
class Answer:
    """The answer of a network, whatever its kind.

    Attributes:
        samples: parameter name to values, each of shape (n,).
        log_prob: ln of their density per unit of what was drawn, shape (n,); NaN where they are estimates.
        parts: parameter to parts of its width, where these are known; see `inference.leaves`.
    """

    samples: Samples
    log_prob: NDArray[np.float64]
    parts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def draw(observation: Observation, n: int, seed: int) -> tuple[Samples, NDArray[np.float64]]:
    """Intrinsic parameters and their density.

    Args:
        observation: data as a model sees them.
        n: number of draws.
        seed: their seed.

    Returns:
        chirp_mass (solar masses), mass_ratio, chi_1 and chi_2, each of shape (n,), and ln of their density per unit of
        them, shape (n,).
    """
    generator = torch.Generator().manual_seed(seed)
    theta, log_prob = observation.model.posterior.sample(observation.canonical, n, generator)
    return dict(zip(PARAMETERS, theta[:, 0].numpy().T, strict=True)), log_prob[:, 0].numpy()


def sample(observation: Observation, n: int, seed: int) -> tuple[Samples, NDArray[np.float64]]:
    """The same with every parameter that follows from these four (`physics.derived`)."""
    intrinsic, log_prob = draw(observation, n, seed)
    return derived(intrinsic), log_prob
