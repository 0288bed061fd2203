"""Export of a model's networks to ONNX, for programs without torch.

A network is exported with everything that follows its input, the tokens (`chirpleaf.tokens`). Random numbers are inputs
of the exported graphs, so that these are functions. Besides the tokens, they take and return

- `log_prob` of a joint posterior: `value` (draw, batch, d) to `log_prob` (draw, batch), of the anchored coordinates.
- `sample` of a joint posterior: `uniform` and `normal` (draw, batch, d) to `value` (draw, batch, d).
- `estimate` of leaves: nothing else to one output for each leaf (batch,), in its unit.
- `predictive` of Bayesian leaves: `second` (leaf, draw, batch, width) and `last` (leaf, draw, batch, 1 or 2) to `mean`
  and `scale` (leaf, draw, batch) of the Gaussians, in scaled targets.

The tokens are `values` (batch, detector, feature), `shared` (batch, k; absent where k is zero) and `present`
(batch, detector; bool). How data become tokens is not exported: `PosteriorEstimator.preprocess` makes them.
"""

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxscript import opset18 as op
from torch import Tensor, nn

from chirpleaf.errors import InputError
from chirpleaf.models.architecture_json import encode_architecture
from chirpleaf.models.leaves import LeafEstimator
from chirpleaf.models.model import Model
from chirpleaf.models.posterior import PosteriorEstimator
from chirpleaf.networks.heads import MixtureHead
from chirpleaf.tokens import Tokens

Arrays = dict[str, NDArray[Any]]

DRAWS, BATCH = 3, 2
"""Sizes of the example that is traced; those of an exported graph are free."""

OPSET = 18
"""Version of ONNX's operators. Version 18 is read by onnxruntime from 1.14 on."""


@dataclass(frozen=True)
class Graph:
    """A function of a network that is exported.

    Attributes:
        name: name of the graph, e.g. `sample`.
        function: takes the inputs in order; returns as many tensors as there are outputs.
        inputs: an example of the inputs by name.
        free: axes of each input whose lengths are free, with their names.
        outputs: names of the outputs.
    """

    name: str
    function: nn.Module
    inputs: dict[str, Tensor]
    free: dict[str, dict[int, str]] = field(repr=False)
    outputs: tuple[str, ...]

    @torch.no_grad()
    def evaluate(self) -> Arrays:
        """The outputs for the example, by torch."""
        found = self.function(*self.inputs.values())
        values = found if isinstance(found, tuple) else (found,)
        return {name: value.numpy() for name, value in zip(self.outputs, values, strict=True)}


def list_graphs(model: Model) -> tuple[Graph, ...]:
    """The graphs of a model.

    Args:
        model: a trained model.

    Raises:
        InputError: its density has no graph, as a flow.
    """
    if model.estimator.can_propose:
        return _density_graphs(model, model.posterior)
    return _leaf_graphs(model, model.leaves)


def export_onnx(model: Model, graph: Graph, path: Path) -> None:
    """Writes a graph as an ONNX file.

    The file names the model, its architecture and its origin in its metadata.

    Args:
        model: the model of the graph.
        graph: one of `list_graphs(model)`.
        path: the file.
    """
    with _quiet():
        program = torch.onnx.export(
            graph.function,
            tuple(graph.inputs.values()),
            dynamo=True,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_shapes=_dynamic_shapes(graph),
            opset_version=OPSET,
            custom_translation_table={torch.ops.aten.linalg_solve_triangular.default: _solve_unit_triangular},
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props.update(
        {
            "name": model.name,
            "graph": graph.name,
            "architecture": json.dumps(encode_architecture(model.architecture)),
            "provenance": json.dumps(model.provenance),
        }
    )
    program.save(path)


def largest_difference(graph: Graph, path: Path) -> float:
    """The largest difference between torch and onnxruntime, relative to outputs of more than one.

    Args:
        graph: what was exported; its example is evaluated.
        path: the ONNX file.
    """
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(list(graph.outputs), {name: value.numpy() for name, value in graph.inputs.items()})
    expected = graph.evaluate().values()
    return max(
        float(np.max(np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs))))
        for ours, theirs in zip(found, expected, strict=True)
    )


class _Function(nn.Module):
    """A function of the tokens and further tensors, as a module that holds a network's weights."""

    def __init__(self, network: nn.Module, shared: bool, function: Callable[..., Any]) -> None:
        super().__init__()
        self.network, self._shared, self._function = network.eval(), shared, function

    def forward(self, values: Tensor, *others: Tensor) -> Any:
        """Applies the function to the tokens and to what is left of the inputs."""
        shared, others = (others[0], others[1:]) if self._shared else (values.new_zeros(values.shape[0], 0), others)
        present, *further = others
        return self._function(self.network, Tokens(values, shared, present), *further)


def _density_graphs(model: Model, estimator: PosteriorEstimator) -> tuple[Graph, ...]:
    """Density and draws of a joint posterior, in the anchored coordinates of its head."""
    if not isinstance(estimator.network.head, MixtureHead):
        raise InputError(f"expected a mixture as the density of {model.name}; got a flow: train one with a mixture")
    value = torch.randn(DRAWS, BATCH, len(estimator.quantities), generator=_random())
    draws = {0: "draw", 1: "batch"}
    return (
        _make_graph(
            model, "log_prob", lambda network, tokens, value: network(tokens).log_prob(value), ("log_prob",),
            {"value": (value, draws)},
        ),
        _make_graph(
            model, "sample", lambda network, tokens, uniform, normal: network(tokens).transform_noise(uniform, normal),
            ("value",), {"uniform": (torch.rand(value.shape, generator=_random()), draws), "normal": (value, draws)},
        ),
    )  # fmt: skip


def _leaf_graphs(model: Model, estimator: LeafEstimator) -> tuple[Graph, ...]:
    """Estimates of leaves, and the predictives of Bayesian ones."""
    targets, names = estimator.targets, estimator.quantities

    def estimate(network: Any, tokens: Tokens) -> tuple[Tensor, ...]:
        found = network.estimate(tokens)
        return tuple(targets.inv(torch.stack([found[name] for name in names], dim=-1)).values())

    def predict(network: Any, tokens: Tokens, second: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
        features = network.root(network.encoder(tokens))
        parts = [
            network.leaves[name].transform_noise(features, second[index], last[index])
            for index, name in enumerate(names)
        ]
        return torch.stack([part.gaussian_mean for part in parts]), torch.stack([part.gaussian_scale for part in parts])

    graphs = [_make_graph(model, "estimate", estimate, names, {})]
    if estimator.has_interval_widths:
        leaf: Any = estimator.network.leaves[names[0]]
        shape, free = (len(names), DRAWS, BATCH), {1: "draw", 2: "batch"}
        noise = {
            name: (torch.randn(*shape, len(layer.mean), generator=_random()), free)
            for name, layer in (("second", leaf.second), ("last", leaf.last))
        }
        graphs.append(_make_graph(model, "predictive", predict, ("mean", "scale"), noise))
    return tuple(graphs)


def _make_graph(
    model: Model,
    name: str,
    function: Callable[..., Any],
    outputs: tuple[str, ...],
    further: Mapping[str, tuple[Tensor, dict[int, str]]],
) -> Graph:
    """A graph of a function of the tokens and of further inputs, given with their free axes."""
    tokens = _example_tokens(model)
    inputs = {name: part for name, part in tokens._asdict().items() if part.numel()}
    free = {name: {0: "batch"} for name in inputs}
    return Graph(
        name,
        _Function(model.estimator.network, "shared" in inputs, function),
        inputs | {name: value for name, (value, _) in further.items()},
        free | {name: axes for name, (_, axes) in further.items()},
        outputs,
    )


def _example_tokens(model: Model) -> Tokens:
    """Random tokens of the model's sizes; where it takes subsets, one example lacks a detector."""
    canonical = model.estimator.canonical
    detectors, n_bins = len(model.detectors), canonical.grid.n_bins
    data = torch.randn(BATCH, detectors, n_bins, 2, generator=_random())
    present = torch.ones(BATCH, detectors, dtype=torch.bool)
    if model.takes_subsets and detectors > 1:
        present[0, -1] = False
    with torch.no_grad():
        weights = torch.ones(BATCH, detectors, n_bins)
        return model.estimator.preprocess(torch.view_as_complex(data), weights, present).tokens


def _random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _dynamic_shapes(graph: Graph) -> tuple[Any, ...]:
    """The free axes of the inputs as `torch.export` takes them: those of `values`, then those of `*others`."""
    names = {axis for axes in graph.free.values() for axis in axes.values()}
    dims = {name: torch.export.Dim(name) for name in names}
    first, *others = ({axis: dims[name] for axis, name in axes.items()} for axes in graph.free.values())
    return (first, tuple(others))


def _solve_unit_triangular(matrix: Any, right: Any, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    """Solution of L x = b for a unit lower triangular L, for ONNX, which has no such operator.

    The step x <- b - (L - 1) x from x = b reaches the solution after as many steps as there are rows, less one.
    """
    assert unitriangular and left and not upper  # noqa: PT018 - what the mixture needs
    found = right
    for _ in range(matrix.shape[-1] - 1):
        found = op.Add(op.Sub(right, op.MatMul(matrix, found)), found)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the exporter's remarks on packages and on its own code from the user."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            log.setLevel(level)
