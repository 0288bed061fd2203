"""Sub-networks: identity without pruning, importance of filters, and replacement of removed filters by their mean."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from chirpleaf.errors import InputError
from chirpleaf.models import Architecture, Model, load, save
from chirpleaf.models.architecture_json import decode_head
from chirpleaf.models.decomposition import decompose
from chirpleaf.networks.convolutional import Combination, Convolution, ConvolutionalRoot, ConvolutionalSettings
from chirpleaf.networks.filters import FilterLayer
from chirpleaf.networks.leaves import BayesianLeafSettings, LeafSettings, RootLeaves
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.networks.series import SeriesRoot
from chirpleaf.networks.subnetwork import extract_subnetwork, measure_filters, select_filters
from chirpleaf.tokens import TokenLayout, Tokens

LAYERS = [Convolution(5, 6, pool=2), Convolution(4, 8, dilation=2, pool=2), Convolution(3, 5)]
LAYOUT = TokenLayout(2, (2 * 64, 3, 1), n_shared=2)


def series_root(detectors: Combination, conditions: int) -> SeriesRoot:
    return SeriesRoot(LAYOUT, ConvolutionalSettings(tuple(LAYERS), detectors, conditions=conditions), 2)


ROOTS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "convolutional": (lambda: ConvolutionalRoot(2, 64, LAYERS), (60, 2, 64)),
    "channels last": (lambda: ConvolutionalRoot(2, 64, LAYERS, channels_last=True), (60, 2, 64)),
    "sum": (lambda: series_root("sum", 4), (60,)),
    "pooled": (lambda: series_root("pooled", 0), (60,)),
    "residual": (lambda: ResidualSettings(width=16, n_blocks=2).build(10, 12), (60, 10)),
}


def wake(root: nn.Module) -> None:
    """Set random weights, because initial residual blocks and shifts of channels are zero."""
    for name, weight in root.named_parameters():
        if name.endswith("layers.3.weight") or "conditions" in name:
            nn.init.normal_(weight, std=0.3)


def scale_row(layer: FilterLayer, row: int, factor: float) -> None:
    """Multiply all weights of a filter."""
    for module in (layer.producer, *layer.companions):
        module.weight[row] *= factor  # type: ignore[index, operator]


@pytest.fixture(params=[(root, leaf) for root in ROOTS for leaf in (LeafSettings, BayesianLeafSettings)], ids=str)
def case(request: pytest.FixtureRequest) -> tuple[RootLeaves, Tokens | Tensor]:
    """A network with non-zero blocks, and inputs."""
    kind, leaf = request.param
    make, shape = ROOTS[kind]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        root = make()
        wake(root)
        n_features = 12 if kind == "residual" else int(root.n_outputs)  # type: ignore[arg-type]
        network = RootLeaves(root, ("first", "second"), lambda: leaf(("leaf",)).build(n_features)).eval()
        if len(shape) > 1:
            return network, torch.randn(shape)
        return network, Tokens.from_values(torch.randn(60, 2, 132))._replace(shared=torch.randn(60, 2))


def test_keeping_all_filters_changes_nothing(case: tuple[RootLeaves, Tokens | Tensor]) -> None:
    network, x = case
    known = measure_filters(network, x)
    small = extract_subnetwork(network, "second", select_filters(known.importance["second"], 1.0), known.mean)
    assert torch.equal(small.estimate(x)["second"], network.estimate(x)["second"])
    assert list(small.estimate(x)) == ["second"]
    inputs = x.values if isinstance(x, Tokens) else x
    assert inputs.grad is None
    assert not inputs.requires_grad


@torch.no_grad()
def test_error_increases_with_the_number_of_removed_filters(case: tuple[RootLeaves, Tokens | Tensor]) -> None:
    network, x = case
    known = measure_filters(network, x)
    whole = network.estimate(x)["first"]
    lost, sizes = [], []
    for share in (1.0, 0.8, 0.4):
        small = extract_subnetwork(network, "first", select_filters(known.importance["first"], share), known.mean)
        lost.append(float((small.estimate(x)["first"] - whole).square().mean()))
        sizes.append(sum(weight.numel() for weight in small.parameters()))
    assert all(less < more for less, more in pairwise(lost))
    assert all(more > less for more, less in pairwise(sizes))
    weakest = [-layer for layer in known.importance["first"]]
    wrong = extract_subnetwork(network, "first", select_filters(weakest, 0.8), known.mean)
    assert float((wrong.estimate(x)["first"] - whole).square().mean()) > 2 * lost[1]


@torch.no_grad()
def test_importance_is_the_increase_of_the_squared_error(case: tuple[RootLeaves, Tokens | Tensor]) -> None:
    """The relation holds to first order, hence for filters of small variance, in every layer."""
    network, x = case
    for layer in network.layers:
        scale_row(layer, 2, 1e-2)
        layer.producer.bias[2] = 0.5  # type: ignore[index]
    known = measure_filters(network, x)
    whole = network.estimate(x)["first"]
    for place, importance in enumerate(known.importance["first"]):
        kept = [torch.ones(len(mean), dtype=torch.bool) for mean in known.mean]
        kept[place][2] = False
        found = extract_subnetwork(network, "first", kept, known.mean).estimate(x)["first"]
        assert float(importance[2]) > 0
        assert float((found - whole).square().mean()) == pytest.approx(float(importance[2]), rel=0.1)


def test_a_constant_filter_can_be_removed(case: tuple[RootLeaves, Tokens | Tensor]) -> None:
    network, x = case
    constant = network.layers[0]
    with torch.no_grad():
        scale_row(constant, 1, 0.0)
        constant.producer.bias[1] = 0.7  # type: ignore[index]
    known = measure_filters(network, x)
    assert float(known.importance["first"][0][1]) == pytest.approx(0.0, abs=1e-12)
    kept = [torch.ones(len(layer), dtype=torch.bool) for layer in known.mean]
    kept[0][1] = False
    small = extract_subnetwork(network, "first", kept, known.mean)
    torch.testing.assert_close(small.estimate(x), {"first": network.estimate(x)["first"]})


HEADS = {
    "deterministic": {"kind": "leaves", "names": ["mass_1", "mass_2"]},
    "bayesian": {"kind": "bayesian-leaves", "names": ["mass_1", "mass_2"]},
}


@pytest.mark.parametrize("kind", HEADS)
def test_a_decomposed_model_is_a_model(kind: str, architecture: Architecture, tmp_path: Path) -> None:
    some = replace(architecture, head=decode_head(HEADS[kind]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        estimator = some.build().eval()
        wake(estimator.network)
        save(Model("whole", some, estimator, {"seed": 0}), tmp_path / "whole.safetensors")
    whole = load(tmp_path / "whole.safetensors")
    layout = whole.estimator.canonical.layout
    values = torch.randn(40, layout.n_detectors, sum(layout.sections), generator=torch.Generator().manual_seed(1))
    x = Tokens.from_values(values)._replace(shared=torch.zeros(40, layout.n_shared))
    known = measure_filters(whole.leaves.network, x)
    for keep in (1.0, 0.4):
        small = decompose(whole, "mass_2", keep, known)
        save(small, tmp_path / "small.safetensors")
        again = load(tmp_path / "small.safetensors")
        assert again.leaves.targets.names == ("mass_2",)
        assert again.provenance["decomposed"] == {"model": "whole", "leaf": "mass_2", "keep": keep}
        same = torch.equal(again.leaves.network.estimate(x)["mass_2"], whole.leaves.network.estimate(x)["mass_2"])
        assert same == (keep == 1.0)
        root = sum(weight.numel() for weight in again.leaves.network.root.parameters())
        assert (root < sum(weight.numel() for weight in whole.leaves.network.root.parameters())) == (keep < 1)
    for leaf, keep, message in (("spin", 0.5, "expected a leaf of mass_1, mass_2; got spin"), ("mass_1", 0.0, "share")):
        with pytest.raises(InputError, match=message):
            decompose(whole, leaf, keep, known)
