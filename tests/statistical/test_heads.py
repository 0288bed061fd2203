"""Samples of every head follow its density: probability integral transforms, and importance weights."""

import pytest
import torch
from scipy.stats import kstest
from torch import Tensor, nn

from chirpleaf.models.architecture import DENSITY_HEADS as HEADS

heads = pytest.mark.parametrize("kind", HEADS)


def build(kind: str, n_dims: int, spread: float) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        head = HEADS[kind]().build(3, n_dims)
        with torch.no_grad():
            for weights in head.parameters():
                weights.add_(spread * torch.randn(weights.shape))
    return head


def integral_transform(log_prob: Tensor, grid: Tensor, samples: Tensor) -> Tensor:
    """Cumulative probability of the samples (n,) under a density tabulated on a grid."""
    cumulative = torch.cumulative_trapezoid(log_prob.double().exp(), grid.double())
    place = torch.searchsorted(grid, samples).clamp(1, len(grid) - 1)
    fraction = (samples - grid[place - 1]) / (grid[place] - grid[place - 1])
    padded = torch.cat([torch.zeros(1, dtype=torch.float64), cumulative])
    return padded[place - 1] + fraction * (padded[place] - padded[place - 1])


@heads
@torch.no_grad()
def test_samples_follow_the_density(kind: str) -> None:
    posterior = build(kind, 1, 0.15)(torch.randn(1, 3, generator=torch.Generator().manual_seed(1)))
    samples = posterior.sample(20_000, torch.Generator().manual_seed(3))[:, 0, 0]
    middle, spread = samples.mean(), samples.std()
    grid = torch.linspace(float(samples.min() - 2 * spread), float(samples.max() + 2 * spread), 20_001)
    log_prob = posterior.log_prob(grid[:, None, None])[:, 0]
    assert kstest(integral_transform(log_prob, grid, samples), "uniform").pvalue > 1e-3
    for wrong in (0.95, 1.05):
        scaled = middle + wrong * (samples - middle)
        assert kstest(integral_transform(log_prob, grid, scaled), "uniform").pvalue < 1e-3


@heads
@torch.no_grad()
def test_densities_of_samples_are_theirs(kind: str) -> None:
    posterior = build(kind, 4, 0.05)(torch.randn(1, 3, generator=torch.Generator().manual_seed(1)))
    samples = posterior.sample(10_000, torch.Generator().manual_seed(4))
    centre = samples.mean(0)
    target = torch.distributions.MultivariateNormal(centre[0], 0.5 * samples[:, 0].T.cov())

    def deviation(draws: Tensor) -> float:
        """Mean of target / density over the draws, less one, in standard errors."""
        weights = (target.log_prob(draws) - posterior.log_prob(draws)).exp()
        return float((weights.mean() - 1) / weights.std() * len(weights) ** 0.5)

    assert abs(deviation(samples)) < 4
    assert deviation(centre + 0.95 * (samples - centre)) > 6
    assert deviation(centre + 1.05 * (samples - centre)) < -6
