"""Every head is a distribution: a new one gets these tests by its line in `models.architecture.DENSITY_HEADS`."""

import copy

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from torch import Tensor, nn

from chirpleaf.models.architecture import DENSITY_HEADS as HEADS
from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.networks.heads import ConditionalDistribution
from chirpleaf.networks.residual import ResidualSettings

N_CONTEXT, BATCH = 6, 3
heads = pytest.mark.parametrize("kind", HEADS)


def build(kind: str, n_dims: int, seed: int = 0) -> nn.Module:
    """A head whose distribution depends on the context."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = HEADS[kind]().build(N_CONTEXT, n_dims)
        with torch.no_grad():
            for weights in head.parameters():
                weights.add_(0.1 * torch.randn(weights.shape))
    return head


def context(batch: int = BATCH) -> Tensor:
    return torch.randn(batch, N_CONTEXT, generator=torch.Generator().manual_seed(5))


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@heads
@pytest.mark.parametrize("n_dims", [1, 2])
@torch.no_grad()
def test_density_integrates_to_one(kind: str, n_dims: int) -> None:
    posterior = build(kind, n_dims)(context(1))
    draws = posterior.sample(2000, generator())[:, 0]
    n = 20_001 if n_dims == 1 else 301
    limits = zip(draws.amin(0).tolist(), draws.amax(0).tolist(), strict=True)
    axes = [torch.linspace(low - 2, high + 2, n) for low, high in limits]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 1, n_dims)
    cell = float(torch.stack([axis[1] - axis[0] for axis in axes]).prod())
    total = float(posterior.log_prob(points).exp().sum())
    assert total * cell == pytest.approx(1.0, abs=3e-3)


@heads
@torch.no_grad()
def test_distribution_depends_on_the_context(kind: str) -> None:
    posterior = build(kind, 4)(context())
    assert isinstance(posterior, ConditionalDistribution)
    log_prob = posterior.log_prob(torch.zeros(BATCH, 4))
    assert log_prob.shape == (BATCH,)
    assert log_prob.unique().numel() == BATCH


@heads
@torch.no_grad()
def test_same_seed_same_samples(kind: str) -> None:
    posterior = build(kind, 4)(context())
    first, again, other = (posterior.sample(50, generator(seed)) for seed in (1, 1, 2))
    assert first.shape == (50, BATCH, 4)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    source = generator()
    assert not torch.equal(posterior.sample(50, source), posterior.sample(50, source))


@heads
@torch.no_grad()
def test_without_a_generator_the_global_one_is_used(kind: str) -> None:
    posterior = build(kind, 4)(context())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        first, second = posterior.sample(50), posterior.sample(50)
        torch.manual_seed(3)
        assert torch.equal(posterior.sample(50), first)
    assert not torch.equal(first, second)


@heads
@torch.no_grad()
def test_a_generator_leaves_the_global_one_alone(kind: str) -> None:
    posterior = build(kind, 4)(context())
    before = torch.random.get_rng_state()
    posterior.sample(50, generator())
    assert torch.equal(torch.random.get_rng_state(), before)


@heads
@torch.no_grad()
def test_batch_equals_loop(kind: str) -> None:
    head, contexts = build(kind, 4), context()
    values = torch.randn(7, BATCH, 4, generator=generator())
    whole = head(contexts).log_prob(values)
    assert whole.shape == (7, BATCH)
    for index in range(BATCH):
        alone = head(contexts[index : index + 1])
        one = alone.log_prob(values[:, index : index + 1])
        torch.testing.assert_close(whole[:, index : index + 1], one, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(
            whole[0, index], alone.log_prob(values[0, index : index + 1])[0], rtol=1e-4, atol=1e-4
        )


@heads
def test_gradients_reach_every_weight_and_are_finite(kind: str) -> None:
    head, contexts = build(kind, 4), context(64).requires_grad_()
    values = torch.cat([torch.randn(60, 4, generator=generator()), torch.full((4, 4), 40.0)])
    loss = -head(contexts).log_prob(values).mean()
    loss.backward()
    for name, weights in head.named_parameters():
        assert weights.grad is not None, name
        assert torch.isfinite(weights.grad).all(), name
        assert weights.grad.abs().sum() > 0, name
    assert torch.isfinite(contexts.grad).all()


@heads
@torch.no_grad()
def test_far_values_have_finite_densities(kind: str) -> None:
    log_prob = build(kind, 4)(context()).log_prob(torch.full((BATCH, 4), 300.0))
    assert torch.isfinite(log_prob).all()
    assert (log_prob < -100).all()


@heads
@torch.no_grad()
def test_samples_are_standard_normal_in_normal_coordinates_and_others_are_not(kind: str) -> None:
    posterior, other = build(kind, 4)(context()), build(kind, 4, seed=1)(context())
    normal = posterior.to_normal(posterior.sample(2000, generator()))
    assert normal.dtype == torch.float64
    for found, fits in ((normal, True), (posterior.to_normal(other.sample(2000, generator())), False)):
        p_values = [kstest(column.numpy(), "norm").pvalue for column in found.flatten(1).T]
        assert (min(p_values) > 1e-3) == fits
    correlation = torch.corrcoef(normal[:, 0].T) - torch.eye(4)
    assert correlation.abs().max() < 0.09


@heads
@torch.no_grad()
def test_normal_coordinates_and_back(kind: str) -> None:
    posterior = build(kind, 4)(context())
    normal = 1.5 * torch.randn(200, BATCH, 4, generator=generator(), dtype=torch.float64)
    torch.testing.assert_close(posterior.to_normal(posterior.from_normal(normal)), normal, rtol=1e-3, atol=1e-3)


@heads
def test_the_density_is_that_of_normal_coordinates_times_their_jacobian(kind: str) -> None:
    posterior = build(kind, 4)(context(1))
    for value in posterior.sample(5, generator()):
        jacobian = torch.autograd.functional.jacobian(posterior.to_normal, value)[0, :, 0]
        normal = posterior.to_normal(value)[0]
        expected = -0.5 * (normal.square() + np.log(2 * np.pi)).sum() + torch.linalg.slogdet(jacobian)[1]
        torch.testing.assert_close(posterior.log_prob(value)[0].double(), expected.double(), rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_normal_coordinates_of_far_values_are_finite() -> None:
    posterior = build("mixture", 4)(context())
    far = posterior.to_normal(torch.full((BATCH, 4), 300.0))
    assert torch.isfinite(far).all()
    assert far.abs().amax() > 8


@heads
@torch.no_grad()
def test_weights_make_the_distribution(kind: str) -> None:
    head = build(kind, 4)
    twin = HEADS[kind]().build(N_CONTEXT, 4)
    twin.load_state_dict(copy.deepcopy(head.state_dict()))
    values = torch.randn(BATCH, 4, generator=generator())
    assert torch.equal(twin(context()).log_prob(values), head(context()).log_prob(values))


def test_residual_blocks_begin_as_the_identity() -> None:
    root = ResidualSettings(width=16, n_blocks=3).build(10, 4)
    x = torch.randn(5, 10, generator=generator())
    torch.testing.assert_close(root(x), root.project(root.embed(x)))
    assert not torch.allclose(root(x)[0], root(x)[1])


@torch.no_grad()
def test_bfloat16_changes_the_root_by_its_rounding_alone() -> None:
    root, head = ResidualSettings(width=32, n_blocks=1).build(20, N_CONTEXT), build("mixture", 4)
    features = torch.randn(BATCH, 20, generator=generator())
    exact = ConditionalDensity(root, head)(features).log_prob(torch.zeros(BATCH, 4))
    rounded = ConditionalDensity(root, head, bfloat16=True)(features).log_prob(torch.zeros(BATCH, 4))
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    torch.testing.assert_close(rounded, exact, rtol=0.05, atol=0.1)
