"""Normal coordinates of an event: a bijection in which the network's posterior is standard normal."""

import copy

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from torch import Tensor

from chirpleaf.models import Model, PosteriorEstimator
from chirpleaf.models.normal import normal_coordinates
from chirpleaf.networks.defensive import DefensiveMixture
from chirpleaf.representation.canonical import Canonical


@pytest.fixture(scope="module")
def estimator(model: Model) -> PosteriorEstimator:
    estimator = copy.deepcopy(model.posterior)
    estimator.mixture = DefensiveMixture(0.0)
    with torch.no_grad():  # away from the edges, where coordinates are cut
        estimator.density.head.affine.bias[4:8] -= 1.6
    return estimator


@pytest.fixture(scope="module")
def canonical(estimator: PosteriorEstimator) -> Canonical:
    shape = (1, 2, estimator.canonical.grid.n_bins)
    noise = torch.randn(*shape, 2, generator=torch.Generator().manual_seed(0))
    return estimator.canonical(4 * torch.view_as_complex(noise), torch.ones(shape))


@pytest.fixture(scope="module")
def draws(estimator: PosteriorEstimator, canonical: Canonical) -> tuple[Tensor, Tensor]:
    """Draws of the posterior and ln of their density."""
    theta, log_prob = (part[:, 0] for part in estimator.sample(canonical, 2000, torch.Generator().manual_seed(1)))
    assert (estimator.space.bijection(theta).abs() < 4.5).all()
    return theta, log_prob


def test_draws_are_standard_normal(
    estimator: PosteriorEstimator, canonical: Canonical, draws: tuple[Tensor, Tensor]
) -> None:
    normal = normal_coordinates(estimator, canonical)(draws[0])
    assert min(kstest(column, "norm").pvalue for column in normal.numpy().T) > 1e-3
    shifted = copy.deepcopy(estimator)
    with torch.no_grad():
        shifted.density.head.affine.bias[:4] += 0.2
    assert (
        min(kstest(column, "norm").pvalue for column in normal_coordinates(shifted, canonical)(draws[0]).numpy().T)
        < 1e-6
    )


def test_there_and_back(estimator: PosteriorEstimator, canonical: Canonical) -> None:
    normal, z = normal_coordinates(estimator, canonical), torch.randn(500, 4, dtype=torch.float64)
    theta = normal.inv(z)
    torch.testing.assert_close(normal(theta), z, rtol=1e-3, atol=2e-3)


def test_the_jacobian_is_the_density_over_the_normal_one(
    estimator: PosteriorEstimator, canonical: Canonical, draws: tuple[Tensor, Tensor]
) -> None:
    normal, (theta, log_prob) = normal_coordinates(estimator, canonical), draws
    z = normal(theta)
    expected = log_prob + 0.5 * (z.square() + np.log(2 * np.pi)).sum(-1)
    torch.testing.assert_close(normal.log_abs_det_jacobian(theta, z), expected, rtol=0, atol=0.02)
