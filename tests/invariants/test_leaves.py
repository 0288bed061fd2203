"""Leaves: shapes, dropout in training only, no non-linearity before the last layer, predictions of many weights."""

from functools import partial

import pytest
import torch
from torch import nn

from chirpleaf.networks.bayesian import Predictive
from chirpleaf.networks.leaves import BayesianLeafSettings, LeafSettings, RootLeaves
from chirpleaf.networks.residual import ResidualSettings


def features(batch: int = 7, width: int = 12) -> torch.Tensor:
    return torch.randn(batch, width, generator=torch.Generator().manual_seed(3))


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_dropout_is_for_training_alone() -> None:
    leaf, x = LeafSettings(("leaf",)).build(12), features()
    torch.manual_seed(0)
    assert not torch.equal(leaf.train()(x), leaf(x))
    estimate = leaf.estimate(x)
    assert torch.equal(leaf.eval()(x), leaf(x))
    assert torch.equal(leaf(x), estimate)


def test_the_second_layer_has_no_non_linearity() -> None:
    rest = LeafSettings(("leaf",)).build(12).eval().layers[3:]
    a, b = features(width=128), features(width=128).flip(0)
    torch.testing.assert_close(rest(a) + rest(b), rest(a + b) + rest(torch.zeros_like(a)))
    assert not any(isinstance(layer, nn.ReLU) for layer in rest)


@pytest.mark.parametrize("scale", ["sample", "leaf"])
def test_a_bayesian_leaf_gives_a_gaussian_for_each_row(scale: str) -> None:
    leaf, x = BayesianLeafSettings(("leaf",), scale=scale).build(12).eval(), features()
    found = leaf(x)
    assert found.mean.shape == found.stddev.shape == (7,)
    assert not torch.equal(leaf(x).mean, found.mean)
    assert (found.stddev.unique().numel() == 1) == (scale == "leaf")


def test_predictions_repeat_with_the_seed_and_vary_with_the_weights() -> None:
    leaf, x = BayesianLeafSettings(("leaf",)).build(12).eval(), features()
    first, again, other = (leaf.predictive(x, 500, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.mean, again.mean)
    assert not torch.equal(first.mean, other.mean)
    assert bool((first.epistemic > 0).all())


@torch.no_grad()
def test_weights_known_exactly_leave_the_noise_alone() -> None:
    leaf, x = BayesianLeafSettings(("leaf",)).build(12).eval(), features()
    for layer in (leaf.second, leaf.last):
        layer.log_scale.fill_(-30.0)
    predictive = leaf.predictive(x, 50, generator())
    torch.testing.assert_close(predictive.epistemic, torch.zeros(7), atol=1e-5, rtol=0)
    torch.testing.assert_close(predictive.aleatoric, leaf(x).stddev)


def test_the_width_widens_the_noise_and_leaves_the_rest() -> None:
    leaf = BayesianLeafSettings(("leaf",)).build(12).eval()
    before = leaf.predictive(features(), 50, generator())
    leaf.interval_scale *= 3
    after = leaf.predictive(features(), 50, generator())
    torch.testing.assert_close(after.aleatoric, 3 * before.aleatoric)
    torch.testing.assert_close((after.mean, after.epistemic), (before.mean, before.epistemic))


def test_the_predictive_is_its_mixture() -> None:
    mean, scale = torch.randn(40, 2, generator=generator()), torch.rand(40, 2, generator=generator(2)) + 0.1
    predictive = Predictive(mean, scale)
    draws = predictive.sample(80_000, generator())
    torch.testing.assert_close(draws.mean(0), predictive.mean, atol=0.02, rtol=0)
    whole = (predictive.aleatoric.square() + predictive.epistemic.square()).sqrt()
    torch.testing.assert_close(draws.std(0), whole, atol=0.02, rtol=0)
    grid = torch.linspace(-12, 12, 20_001)[:, None].expand(-1, 2)
    density = predictive.log_prob(grid).exp()
    torch.testing.assert_close(torch.trapezoid(density, grid, dim=0), torch.ones(2), atol=1e-3, rtol=0)
    torch.testing.assert_close(torch.trapezoid(density * grid, grid, dim=0), predictive.mean, atol=1e-3, rtol=0)


def test_leaves_share_the_root_and_nothing_else() -> None:
    root, leaf = ResidualSettings(width=16, n_blocks=1).build(10, 12), partial(LeafSettings(("leaf",)).build, 12)
    network = RootLeaves(root, ("mass_1", "mass_2"), leaf).eval()
    network(features(width=10))["mass_1"].sum().backward()
    reached = {name.split(".")[1] for name, weight in network.named_parameters() if weight.grad is not None}
    assert "mass_1" in reached
    assert "mass_2" not in reached
    assert all(weight.grad is not None for weight in network.root.parameters())
