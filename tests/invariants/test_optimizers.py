"""Optimisers: which weights each one updates, and several optimisers used as one."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.optim import AdamW, Muon

from chirpleaf.errors import InputError
from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.training.optimizers import block_matrices, make_optimizer
from chirpleaf.training.schedule import Schedule

WIDTH, BLOCKS = 8, 2
SCHEDULE = Schedule(learning_rate=0.01, muon=0.02, weight_decay=0.1)


def density() -> ConditionalDensity:
    torch.manual_seed(1)
    return ConditionalDensity(
        ResidualSettings(width=WIDTH, n_blocks=BLOCKS).build(5, 4), MixtureSettings(n_hidden=6).build(4, 2)
    )


def gradients(network: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for weight in network.parameters():
        weight.grad = torch.randn(weight.shape, generator=generator)


def weights(network: nn.Module) -> list[Tensor]:
    return [weight.detach().clone() for weight in network.parameters()]


def test_the_matrices_are_those_of_the_blocks_alone() -> None:
    found = block_matrices(density())
    assert [matrix.shape for matrix in found] == [(WIDTH, WIDTH)] * 2 * BLOCKS


def test_every_weight_is_in_one_group_once() -> None:
    network = density()
    groups = make_optimizer(network, SCHEDULE).param_groups
    held = [id(weight) for group in groups for weight in group["params"]]
    assert sorted(held) == sorted(id(weight) for weight in network.parameters())
    assert [group["lr"] for group in groups] == [0.01, 0.02]


def test_together_is_each_by_itself() -> None:
    one, other = density(), density()
    matrices = block_matrices(other)
    rest = [weight for weight in other.parameters() if all(weight is not matrix for matrix in matrices)]
    together = make_optimizer(one, SCHEDULE)
    apart = [
        AdamW(rest, lr=0.01, weight_decay=0.1),
        Muon(matrices, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
    ]
    for seed in range(3):
        gradients(one, seed)
        gradients(other, seed)
        together.step()
        for part in apart:
            part.step()
    for found, expected in zip(weights(one), weights(other), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_a_step_of_muon_moves_all_directions_alike() -> None:
    network = density()
    (matrix, *_) = block_matrices(network)
    before = matrix.detach().clone()
    gradients(network, 0)
    make_optimizer(network, Schedule(learning_rate=0.01, muon=0.02, weight_decay=0.0)).step()
    strengths = torch.linalg.svdvals(matrix.detach() - before) / (0.02 * 0.2 * WIDTH**0.5)
    assert strengths.min() > 0.5
    assert strengths.max() < 1.3


def test_state_goes_on_where_it_was_saved() -> None:
    network = density()
    first = make_optimizer(network, SCHEDULE)
    gradients(network, 0)
    first.step()
    twin = copy.deepcopy(network)
    second = make_optimizer(twin, Schedule(learning_rate=0.5, muon=0.5))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for net, steps in ((network, first), (twin, second)):
        gradients(net, 1)
        steps.step()
    for found, expected in zip(weights(twin), weights(network), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_without_muon_all_follow_adamw() -> None:
    assert type(make_optimizer(density(), Schedule())) is AdamW


def test_muon_asks_for_residual_blocks() -> None:
    with pytest.raises(InputError, match=r"expected residual blocks for schedule\.muon; .*: leave it out"):
        make_optimizer(nn.Linear(3, 3), SCHEDULE)
