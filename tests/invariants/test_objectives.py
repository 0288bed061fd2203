"""Objectives: bounds on the loss of an example, weights of a batch, and share of the divergence."""

import math

import pytest
import torch
from torch import nn

from chirpleaf.models.targets import LeafTargets
from chirpleaf.networks.defensive import DefensiveMixture
from chirpleaf.networks.leaves import BayesianLeafSettings, LeafSettings, RootLeaves
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import aligned_space
from chirpleaf.training.batch import Batch
from chirpleaf.training.objectives import EvidenceBound, LogScore, SquaredError, relative_error

SIZE, NAMES = 6, ("mass_1", "final_spin")


class Normal(nn.Module):
    """A standard normal density of one number."""

    def forward(self, features: torch.Tensor) -> torch.distributions.Distribution:
        one = torch.distributions.Normal(torch.zeros(len(features), 1), 1.0)
        return torch.distributions.Independent(one, 1)


def batch(target: torch.Tensor, background: float = -math.inf) -> Batch:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(len(target), 4, generator=generator)
    ones = torch.ones(len(target))
    return Batch(features, target, 0 * ones, background * ones, ones)


def test_the_log_score_is_the_negative_log_density() -> None:
    target = torch.linspace(-1, 1, SIZE)[:, None]
    expected = 0.5 * math.log(2 * math.pi) + 0.5 * target.square().mean()
    torch.testing.assert_close(LogScore().loss(Normal(), batch(target)), expected)


def test_a_miss_costs_no_more_than_the_background_says() -> None:
    target = torch.full((SIZE, 1), 100.0)
    score, examples = LogScore(DefensiveMixture(0.01), foreground_steps=10), batch(target, background=-9.0)
    assert score.loss(Normal(), examples).item() == pytest.approx(9.0)
    assert score.loss(Normal(), examples, step=10).item() == pytest.approx(9.0)
    assert score.loss(Normal(), examples, step=9) > 4000


def test_the_background_takes_its_share_of_a_hit() -> None:
    examples = batch(torch.zeros(SIZE, 1), background=-30.0)
    loss = LogScore(DefensiveMixture(0.25)).loss(Normal(), examples) - LogScore().loss(
        Normal(), batch(torch.zeros(SIZE, 1))
    )
    assert loss.item() == pytest.approx(-math.log(0.75), rel=1e-4)


def test_weights_weigh() -> None:
    examples = batch(torch.linspace(0, 2, SIZE)[:, None])
    heavier = examples._replace(weight=2 * examples.weight)
    torch.testing.assert_close(LogScore().loss(Normal(), heavier), 2 * LogScore().loss(Normal(), examples))


def leaves(kind: type[LeafSettings] | type[BayesianLeafSettings]) -> RootLeaves:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return RootLeaves(nn.Identity(), NAMES, lambda: kind(NAMES).build(4)).eval()


def test_squared_errors_of_leaves_add_up() -> None:
    network, objective = leaves(LeafSettings), SquaredError(LeafTargets(NAMES, aligned_space(IntrinsicPrior())))
    examples = batch(torch.rand(SIZE, 2, generator=torch.Generator().manual_seed(1)))
    estimates = torch.stack(list(network(examples.tokens).values()), dim=-1)
    expected = (estimates - examples.target).square().mean(0).sum()
    torch.testing.assert_close(objective.loss(network, examples), expected)
    exact = examples._replace(target=estimates.detach())
    assert objective.error(network, exact).item() == pytest.approx(0.0, abs=1e-12)


def test_the_relative_error_is_in_the_quantities_units() -> None:
    targets = LeafTargets(NAMES, aligned_space(IntrinsicPrior()))
    truth = torch.tensor([[0.2, 0.3], [0.5, 0.6]])
    physical = torch.stack(list(targets.inv(truth).values()), dim=-1)
    found = torch.stack(list(targets.inv(truth + 0.05).values()), dim=-1)
    expected = ((found - physical).abs() / physical.abs()).mean()
    torch.testing.assert_close(relative_error(targets, truth + 0.05, truth), expected)


def test_the_divergence_is_shared_out_over_the_examples() -> None:
    network, targets = leaves(BayesianLeafSettings), LeafTargets(NAMES, aligned_space(IntrinsicPrior()))
    examples = batch(torch.zeros(SIZE, 2))
    losses = []
    for count in (100, 10_000):
        torch.manual_seed(3)
        losses.append(EvidenceBound(targets, count).loss(network, examples))
    divergence = sum(leaf.kl() for leaf in network.leaves.values())
    torch.testing.assert_close(losses[0] - losses[1], divergence * (1 / 100 - 1 / 10_000))
