"""Optimisers: which weights each one updates, and several optimisers used as one."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import AdamW, Muon

from chirpleaf.errors import InputError
from chirpleaf.networks.convolutional import Convolution, ConvolutionalRoot
from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.leaves import LeafSettings, RootLeaves
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.training.optimizers import FilterMuon, make_optimizer, root_matrices
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
    found = root_matrices(density())
    assert [matrix.shape for matrix in found] == [(WIDTH, WIDTH)] * 2 * BLOCKS


def test_every_weight_is_in_one_group_once() -> None:
    network = density()
    groups = make_optimizer(network, SCHEDULE).param_groups
    held = [id(weight) for group in groups for weight in group["params"]]
    assert sorted(held) == sorted(id(weight) for weight in network.parameters())
    assert [group["lr"] for group in groups] == [0.01, 0.02]


def test_together_is_each_by_itself() -> None:
    one, other = density(), density()
    matrices = root_matrices(other)
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
    (matrix, *_) = root_matrices(network)
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


def test_muon_takes_filters_as_matrices() -> None:
    """A step for the filters of a convolution is that of torch for the matrix with a row for each filter."""
    torch.manual_seed(2)
    filters = nn.Parameter(torch.randn(6, 3, 5))
    matrix = nn.Parameter(filters.detach().flatten(1).clone())
    options: dict[str, Any] = {"lr": 0.02, "weight_decay": 0.1, "adjust_lr_fn": "match_rms_adamw"}
    ours, theirs = FilterMuon([filters], **options), Muon([matrix], **options)
    for seed in range(3):
        filters.grad = torch.randn(6, 3, 5, generator=torch.Generator().manual_seed(seed))
        matrix.grad = filters.grad.flatten(1).clone()
        filters.grad = filters.grad.transpose(1, 2).contiguous().transpose(1, 2)  # as channels-last leaves it
        for steps in (ours, theirs):
            steps.step()
    torch.testing.assert_close(filters.detach().flatten(1), matrix.detach(), rtol=0, atol=0)


def test_muon_is_used_for_the_convolutions_of_a_root() -> None:
    root = ConvolutionalRoot(2, 64, [Convolution(5, 4, stride=2), Convolution(4, 6)])
    leaf = LeafSettings(("mass_1",), width=4)
    network = RootLeaves(root, leaf.names, lambda: leaf.build(root.n_outputs))
    adam, muon = make_optimizer(network, SCHEDULE).param_groups
    assert [weight.shape for weight in muon["params"]] == [(4, 2, 5), (6, 4, 4)]
    assert len(adam["params"]) + len(muon["params"]) == len(list(network.parameters()))


def test_muon_asks_for_blocks_or_convolutions() -> None:
    with pytest.raises(
        InputError, match=r"expected residual blocks or convolutions for schedule\.muon; .*: leave it out"
    ):
        make_optimizer(nn.Linear(3, 3), SCHEDULE)
