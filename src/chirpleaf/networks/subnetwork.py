"""Sub-networks: the filters of the root that a leaf lives on, and the smaller network of these alone.

A root that several leaves share has filters of little use to one of them (the hierarchical self-decomposition of
arXiv:1903.01998). Silencing a filter, that is putting its mean in the place of its activations a_t, changes a leaf's
estimate y by

    delta = -sum_t (a_t - <a>) dy / da_t

to first order. A trained leaf's errors do not depend on what its estimate could be, so that its mean squared error
rises by <delta^2>: the importance of the filter for the leaf. A filter that is cut leaves its mean behind, in the bias
of the layer that took it.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

if TYPE_CHECKING:
    from chirpleaf.networks.leaves import RootLeaves


Matrix = nn.Linear | nn.Conv1d


class FilterLayer(NamedTuple):
    """A layer of a root's filters.

    Attributes:
        maker: the module whose rows they are.
        seen: the module whose output they are, shape (batch, filter, ...).
        taker: the module whose columns take them; None where they leave the root.
    """

    maker: Matrix
    seen: nn.Module
    taker: Matrix | None = None


class Filters(NamedTuple):
    """What is known of the filters of a network, layer by layer.

    Attributes:
        mean: mean activation of each, shape (filter,).
        importance: leaf to the importance of each, shape (filter,), in squared units of its target.
    """

    mean: list[Tensor]
    importance: dict[str, list[Tensor]]


def filters(network: "RootLeaves", x: Tensor) -> Filters:
    """The filters of a network's root, by what they do to some inputs.

    Args:
        network: in evaluation mode.
        x: inputs, shape (batch, ...); some hundreds.
    """
    seen: list[Tensor] = []
    hooks = [
        layer.seen.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
        for layer in network.layers
    ]
    try:
        with torch.enable_grad():
            estimates = network.estimate(x.detach().requires_grad_())
            mean = [activation.detach().transpose(0, 1).flatten(1).mean(1) for activation in seen]
            importance = {name: _importance(estimate, seen, mean) for name, estimate in estimates.items()}
    finally:
        for hook in hooks:
            hook.remove()
    return Filters(mean, importance)


def _importance(estimate: Tensor, seen: Sequence[Tensor], mean: Sequence[Tensor]) -> list[Tensor]:
    slopes = torch.autograd.grad(estimate.sum(), seen, retain_graph=True)
    found = []
    for activation, slope, middle in zip(seen, slopes, mean, strict=True):
        shift = activation.detach() - middle.reshape(-1, *[1] * (activation.ndim - 2))
        found.append((shift * slope).reshape(*shift.shape[:2], -1).sum(2).square().mean(0))
    return found


def strongest(importance: Sequence[Float[Tensor, " _"]], share: float) -> list[Bool[Tensor, " _"]]:
    """Which filters are the most important ones of all layers together, and at least the first of each.

    Args:
        importance: of each filter, by layer.
        share: of all filters that is kept, in (0, 1].

    Example:
        >>> strongest([torch.tensor([1.0, 5.0]), torch.tensor([3.0, 0.1])], 0.5)
        [tensor([False,  True]), tensor([ True, False])]
    """
    everything = torch.cat(list(importance))
    kept = torch.zeros(len(everything), dtype=torch.bool)
    kept[everything.argsort(descending=True)[: max(round(share * len(everything)), 1)]] = True
    masks = list(kept.split([len(layer) for layer in importance]))
    for mask, layer in zip(masks, importance, strict=True):
        mask[layer.argmax()] = True
    return masks


def cut(
    network: "RootLeaves", leaf: str, kept: Sequence[Bool[Tensor, " _"]], mean: Sequence[Float[Tensor, " _"]]
) -> "RootLeaves":
    """The network of one leaf and of the filters that it keeps.

    Args:
        network: the whole one, which is left as it is.
        leaf: name of the leaf.
        kept: whether each filter is kept, by layer.
        mean: activation that each filter leaves behind, by layer.
    """
    small = deepcopy(network)
    small.leaves = nn.ModuleDict({leaf: small.leaves[leaf]})
    for layer, mask, left in zip(small.layers, kept, mean, strict=True):
        _keep_rows(layer.maker, mask)
        taker = layer.taker or small.entrance(leaf)
        times = taker.weight.shape[1] // len(mask) if layer.taker is None else 1
        _keep_columns(taker, mask.repeat_interleave(times), left.repeat_interleave(times))
    return small


@torch.no_grad()
def _keep_rows(module: Matrix, kept: Tensor) -> None:
    assert module.bias is not None
    module.weight, module.bias = nn.Parameter(module.weight[kept]), nn.Parameter(module.bias[kept])


@torch.no_grad()
def _keep_columns(module: Matrix, kept: Tensor, left: Tensor) -> None:
    assert module.bias is not None
    lost = module.weight[:, ~kept].movedim(1, -1) @ left[~kept]
    module.bias = nn.Parameter(module.bias + lost.reshape(len(lost), -1).sum(1))
    module.weight = nn.Parameter(module.weight[:, kept])
