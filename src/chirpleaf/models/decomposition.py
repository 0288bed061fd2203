"""Decomposition: the sub-network of one leaf as a model of its own."""

from dataclasses import replace

from chirpleaf.errors import InputError
from chirpleaf.models.architecture import Architecture
from chirpleaf.models.model import Model
from chirpleaf.networks.convolutional import ConvolutionalSettings
from chirpleaf.networks.leaves import BayesianLeafSettings, LeafSettings
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.networks.subnetwork import Filters, extract_subnetwork, select_filters


def decompose(model: Model, leaf: str, keep: float, filters: Filters) -> Model:
    """Extracts the sub-network of a leaf.

    Args:
        model: a model with leaves.
        leaf: name of the leaf.
        keep: share of the root's filters that is kept, those of the greatest importance for the leaf, in (0, 1].
        filters: their mean activations and importance (`networks.subnetwork.measure_filters`).

    Returns:
        A model of the leaf alone; where `keep` is 1, it gives the same estimates as the whole model.

    Raises:
        InputError: the model has no such leaf, its convolutions have residual links, or the share is none.
    """
    model.leaves.check_leaf(leaf)
    if isinstance(model.architecture.root, ConvolutionalSettings) and model.architecture.root.residual:
        raise InputError(
            f"expected convolutions without residual links; got some in {model.name}, which tie its layers together: "
            "decompose a model that is trained with root.residual false"
        )
    if not 0 < keep <= 1:
        raise InputError(f"expected a share of filters to keep, above 0 and at most 1; got {keep:g}: 0.5 keeps half")
    kept = select_filters(filters.importance[leaf], keep)
    network = extract_subnetwork(model.leaves.network, leaf, kept, filters.mean)
    architecture = _narrow(model.architecture, leaf, [int(mask.sum()) for mask in kept])
    estimator = architecture.build(model.leaves.canonical.bank)
    estimator.network.load_state_dict(network.state_dict())
    origin = {"decomposed": {"model": model.name, "leaf": leaf, "keep": keep}}
    return Model(f"{model.name}-{leaf}", architecture, estimator.eval(), {**model.provenance, **origin})


def _narrow(architecture: Architecture, leaf: str, sizes: list[int]) -> Architecture:
    """The architecture of one leaf, with so many filters in each layer."""
    assert isinstance(architecture.head, LeafSettings | BayesianLeafSettings)
    head = replace(architecture.head, names=(leaf,))
    if isinstance(architecture.root, ResidualSettings):
        *hidden, n_context = sizes
        root = replace(architecture.root, hidden=tuple(hidden))
        return replace(architecture, head=head, root=root, n_context=n_context)
    layers = (replace(layer, channels=n) for layer, n in zip(architecture.root.layers, sizes, strict=True))
    return replace(architecture, head=head, root=replace(architecture.root, layers=tuple(layers)))
