"""Sub-networks: importance of a root's filters for each leaf, and pruning to the most important ones.

A root that several leaves share has filters that contribute little to a given leaf (the hierarchical self-decomposition
of arXiv:1903.01998). Replacing the activations a_t of a filter by their mean <a> changes a leaf's estimate y by

    delta = -sum_t (a_t - <a>) dy / da_t

to first order. The errors of a trained leaf are uncorrelated with functions of its input, so its mean squared error
increases by <delta^2>, which defines the importance of the filter for the leaf. The mean activation of a removed filter
contributes to the bias of the next layer.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from chirpleaf.networks.filters import Matrix
from chirpleaf.networks.leaves import RootLeaves
from chirpleaf.tokens import Tokens


class Filters(NamedTuple):
    """Mean activation and importance of a root's filters, by layer.

    Attributes:
        mean: for each layer, the mean activation of the filters, shape (filter,).
        importance: by leaf, for each layer the importance of the filters, shape (filter,), in squared units of the
            leaf's target.
    """

    mean: list[Tensor]
    importance: dict[str, list[Tensor]]


def measure_filters(network: RootLeaves, tokens: Tokens | Tensor) -> Filters:
    """Measure the mean activation and the importance of the root's filters on a batch of inputs.

    Args:
        network: network in evaluation mode.
        tokens: inputs of some hundred examples.

    Returns:
        Mean activations and importance, by layer.
    """
    activations: list[Tensor] = []
    hooks = [
        layer.activation.register_forward_hook(lambda _module, _inputs, output: activations.append(output))
        for layer in network.layers
    ]
    try:
        with torch.enable_grad():
            estimates = network.estimate(tokens)
            mean = [activation.detach().transpose(0, 1).flatten(1).mean(1) for activation in activations]
            importance = {
                name: _measure_importance(estimate, activations, mean, network.layers[0].rows)
                for name, estimate in estimates.items()
            }
    finally:
        for hook in hooks:
            hook.remove()
    return Filters(mean, importance)


def _measure_importance(
    estimate: Tensor, activations: Sequence[Tensor], mean: Sequence[Tensor], rows: int
) -> list[Tensor]:
    """Importance of the filters by layer; an example has so many rows of activations."""
    slopes = torch.autograd.grad(estimate.sum(), activations, retain_graph=True)
    found = []
    for activation, slope, middle in zip(activations, slopes, mean, strict=True):
        shift = activation.detach() - middle.reshape(-1, *[1] * (activation.ndim - 2))
        changes = (shift * slope).reshape(*shift.shape[:2], -1).sum(2)
        found.append(changes.unflatten(0, (-1, rows)).sum(1).square().mean(0))
    return found


def select_filters(importance: Sequence[Float[Tensor, " _"]], share: float) -> list[Bool[Tensor, " _"]]:
    """Select the most important filters of all layers together, and at least one filter per layer.

    Args:
        importance: importance of the filters, by layer.
        share: share of all filters to select, in (0, 1].

    Returns:
        Mask of the selected filters, by layer.

    Example:
        >>> select_filters([torch.tensor([1.0, 5.0]), torch.tensor([3.0, 0.1])], 0.5)
        [tensor([False,  True]), tensor([ True, False])]
    """
    everything = torch.cat(list(importance))
    kept = torch.zeros(len(everything), dtype=torch.bool)
    kept[everything.argsort(descending=True)[: max(round(share * len(everything)), 1)]] = True
    masks = list(kept.split([len(layer) for layer in importance]))
    for mask, layer in zip(masks, importance, strict=True):
        mask[layer.argmax()] = True
    return masks


def extract_subnetwork(
    network: RootLeaves, leaf: str, kept: Sequence[Bool[Tensor, " _"]], mean: Sequence[Float[Tensor, " _"]]
) -> RootLeaves:
    """Extract the network of one leaf with a subset of the root's filters.

    Args:
        network: the complete network, which is not modified.
        leaf: name of the leaf.
        kept: mask of the filters to keep, by layer.
        mean: mean activation that replaces each removed filter, by layer.

    Returns:
        The smaller network.
    """
    small = deepcopy(network)
    small.leaves = nn.ModuleDict({leaf: small.leaves[leaf]})
    for layer, mask, average in zip(small.layers, kept, mean, strict=True):
        for module in (layer.producer, *layer.companions):
            _select_rows(module, mask)
        if layer.consumer is not None:
            _select_columns(layer.consumer, mask, average)
        else:
            consumer = small.input_layer(leaf)
            outputs = consumer.weight.shape[1] - layer.further
            times = outputs // (layer.copies * len(mask))
            columns = mask.repeat_interleave(times).repeat(layer.copies)
            means = average.repeat_interleave(times).repeat(layer.copies)
            kept_further = torch.ones(layer.further, dtype=torch.bool)
            _select_columns(
                consumer, torch.cat([columns, kept_further]), torch.cat([means, means.new_zeros(layer.further)])
            )
    return small


@torch.no_grad()
def _select_rows(module: nn.Module, kept: Tensor) -> None:
    """Keeps rows of weight and bias; those of a normalisation have one number each."""
    assert isinstance(module.weight, Tensor)
    assert isinstance(module.bias, Tensor)
    module.weight, module.bias = nn.Parameter(module.weight[kept]), nn.Parameter(module.bias[kept])


@torch.no_grad()
def _select_columns(module: Matrix, kept: Tensor, mean: Tensor) -> None:
    assert module.bias is not None
    constant = module.weight[:, ~kept].movedim(1, -1) @ mean[~kept]
    module.bias = nn.Parameter(module.bias + constant.reshape(len(constant), -1).sum(1))
    module.weight = nn.Parameter(module.weight[:, kept])
