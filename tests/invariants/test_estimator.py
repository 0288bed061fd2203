"""Estimator: its samples have the density that it returns, per unit of the parameters."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from chirpleaf.models import Model, PosteriorEstimator
from chirpleaf.networks.defensive import DefensiveMixture
from chirpleaf.representation.canonical import Canonical

SEEN = 5


@pytest.fixture(scope="module", params=[0.0, 0.2], ids=["network alone", "with background"])
def estimator(model: Model, request: pytest.FixtureRequest) -> PosteriorEstimator:
    estimator = copy.deepcopy(model.posterior)
    estimator.mixture = DefensiveMixture(request.param)
    return estimator


@pytest.fixture(scope="module")
def canonical(estimator: PosteriorEstimator) -> Canonical:
    generator = torch.Generator().manual_seed(0)
    shape = (SEEN, 2, estimator.canonical.grid.n_bins)
    noise = torch.view_as_complex(torch.randn(*shape, 2, generator=generator))
    return estimator.canonical(4 * noise, torch.ones(shape))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


@torch.no_grad()
def test_samples_come_with_their_density(estimator: PosteriorEstimator, canonical: Canonical) -> None:
    theta, log_prob = estimator.sample(canonical, 400, generator())
    assert theta.shape == (400, SEEN, len(estimator.space))
    assert theta.dtype == log_prob.dtype == torch.float64
    found = estimator.log_prob(theta, canonical)
    inside = (estimator.space.bijection(theta).abs() < 4.5).all(-1)
    assert inside.float().mean() > 0.8
    torch.testing.assert_close(found[inside], log_prob[inside], rtol=0, atol=0.02)


@torch.no_grad()
def test_density_is_normalised_over_the_prior(
    model: Model, estimator: PosteriorEstimator, canonical: Canonical
) -> None:
    # Away from the edges, wide in chirp mass and narrow in the rest: draws from the prior reach all of it.
    seen = canonical._replace(template=torch.arange(SEEN) * 3 + 20)
    narrow = copy.deepcopy(estimator)
    narrow.density.head.affine.bias[4:8] += torch.tensor([0.3, -1.1, -1.1, -1.1])
    samples = model.architecture.prior.sample(100_000, np.random.default_rng(2))
    theta = torch.from_numpy(estimator.space.stack(samples))
    prior = torch.from_numpy(model.architecture.prior.log_prob(samples))

    def integral(power: float) -> tuple[Tensor, Tensor]:
        """Integral of the density over the prior's support and its standard error, for each of the data."""
        log_prob = torch.stack(
            [narrow.log_prob(some[:, None].expand(-1, SEEN, -1), seen) for some in theta.split(1000)]
        )
        weights = (power * log_prob.flatten(0, 1) - prior[:, None]).exp()
        return weights.mean(0), weights.std(0) / len(weights) ** 0.5

    mean, error = integral(1.0)
    assert (error < 0.03).all()
    assert ((mean - 1).abs() < 4 * error).all()
    mean, error = integral(1.1)
    assert ((mean - 1).abs() > 6 * error).any()


@torch.no_grad()
def test_samples_lie_in_the_prior(model: Model, canonical: Canonical) -> None:
    theta, _ = model.posterior.sample(canonical, 400, generator())
    samples = model.architecture.space.unstack(theta.reshape(-1, 4))
    assert np.isfinite(model.architecture.prior.log_prob(samples)).mean() > 0.999


@torch.no_grad()
def test_the_background_bounds_what_a_truth_can_cost(model: Model, canonical: Canonical) -> None:
    estimator = copy.deepcopy(model.posterior)
    estimator.mixture = DefensiveMixture(0.0)
    estimator.density.head.affine.bias[4:8] -= 5.0
    samples = model.architecture.prior.sample(2000, np.random.default_rng(3))
    theta = torch.from_numpy(estimator.space.stack(samples))[:, None].expand(-1, SEEN, -1)
    jacobian = estimator.space.bijection.log_abs_det_jacobian(theta, estimator.space.bijection(theta))
    alone = estimator.log_prob(theta, canonical) - jacobian
    estimator.mixture = DefensiveMixture(0.01)
    bounded = estimator.log_prob(theta, canonical) - jacobian
    inside = (estimator.space.bijection(theta).abs() < 2).all(-1)
    assert alone[inside].min() < -100
    assert bounded[inside].min() > np.log(0.01) - 2 * np.log(2 * np.pi) - 8
    assert ((bounded - alone).clamp_max(0) >= np.log(0.99) - 1e-6).all()


@torch.no_grad()
def test_the_background_has_its_share_of_the_draws(model: Model, canonical: Canonical) -> None:
    estimator = copy.deepcopy(model.posterior)
    estimator.density.head.affine.bias[4:8] -= 6.0
    estimator.mixture = DefensiveMixture(0.2)
    theta, _ = estimator.sample(canonical, 4000, generator())
    coordinates = estimator.space.bijection(theta)
    far = (coordinates[..., 1] - coordinates[..., 1].median(0).values).abs() > 0.2
    assert far.double().mean() == pytest.approx(0.2, abs=0.04)


def test_same_seed_same_samples(estimator: PosteriorEstimator, canonical: Canonical) -> None:
    first, again = (estimator.sample(canonical, 20, generator()) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


@torch.no_grad()
def test_batch_equals_loop(estimator: PosteriorEstimator, canonical: Canonical) -> None:
    theta, _ = estimator.sample(canonical, 20, generator())
    whole = estimator.log_prob(theta, canonical)
    for index in range(SEEN):
        one = canonical.select(slice(index, index + 1))
        found = estimator.log_prob(theta[:, index : index + 1], one)
        torch.testing.assert_close(found, whole[:, index : index + 1], rtol=0, atol=1e-3)


def test_only_the_density_is_trained_and_saved(estimator: PosteriorEstimator) -> None:
    assert {name.split(".")[0] for name, _ in estimator.named_parameters()} == {"density"}
    names = set(estimator.state_dict())
    assert {"density.root.embed.weight", "density.root.blocks.0.layers.1.weight", "density.head.affine.bias"} < names
    assert {name.split(".")[0] for name in names} == {"density"}
