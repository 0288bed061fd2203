"""A linear Gaussian problem with an exact posterior: shared by the tests of training."""

from dataclasses import dataclass

import numpy as np
import torch

from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.training.batch import Batch

MIXING = torch.tensor([[1.0, 0.5, 0.0, 0.0], [0.0, 1.0, -0.5, 0.0], [0.3, 0.0, 1.0, 0.8], [0.0, 0.7, 0.0, 1.0],
                       [0.5, 0.0, 0.0, -1.0]])  # fmt: skip


NOISE = 0.5


@dataclass(frozen=True)
class LinearGaussian:
    """Batches of theta ~ N(0, width^2), d = MIXING theta + noise, weighted to the prior N(0, 1) when `weighted`."""

    width: float = 1.25
    weighted: bool = True
    size: int = 200
    seed: int = 0

    def batch(self, index: int) -> Batch:
        generator = torch.Generator().manual_seed(10_000 * self.seed + index)
        theta = self.width * torch.randn(self.size, 4, generator=generator)
        data = theta @ MIXING.T + NOISE * torch.randn(self.size, len(MIXING), generator=generator)
        log_weight = 4 * np.log(self.width) - 0.5 * (1 - self.width**-2) * theta.square().sum(1)
        weight = log_weight.exp() if self.weighted else torch.ones(self.size)
        return Batch(data, theta, torch.zeros(self.size), torch.full((self.size,), -torch.inf), weight)


def small_density() -> ConditionalDensity:
    root = ResidualSettings(width=32, n_blocks=1).build(len(MIXING), 16)
    return ConditionalDensity(root, MixtureSettings(n_components=3, n_hidden=16).build(16, 4)).train()
