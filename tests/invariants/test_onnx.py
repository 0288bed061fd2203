"""Exported networks give the same numbers in onnxruntime, for other sizes than the traced ones."""

from dataclasses import replace
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from tiny import registered_tiny, tiny_architecture

from chirpleaf.errors import InputError
from chirpleaf.models import onnx as exports
from chirpleaf.models.architecture import Head
from chirpleaf.models.model import Model
from chirpleaf.networks.encoders import EncoderSettings, PooledSettings
from chirpleaf.networks.flow import FlowSettings
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.leaves import BayesianLeafSettings
from chirpleaf.networks.residual import ResidualSettings

DRAWS, BATCH = 7, 5


def _model(head: Head, **settings: object) -> Model:
    architecture = tiny_architecture(root=ResidualSettings(width=16, n_blocks=1), n_context=8, head=head, **settings)
    torch.manual_seed(0)
    estimator = architecture.build()
    for weight in estimator.network.parameters():  # the affine map of a new head is zero, and hides the inputs
        torch.nn.init.normal_(weight, std=0.2)
    return Model("small", architecture, estimator.eval())


def _resize(graph: exports.Graph) -> exports.Graph:
    """The graph with an example of other sizes: each free axis is repeated."""
    sizes = {"draw": (DRAWS, exports.DRAWS), "batch": (BATCH, exports.BATCH)}
    inputs = dict(graph.inputs)
    for name, axes in graph.free.items():
        for axis, kind in axes.items():
            wanted, traced = sizes[kind]
            inputs[name] = inputs[name].index_select(axis, torch.arange(wanted) % traced)
    return replace(graph, inputs=inputs)


@pytest.mark.parametrize(
    ("head", "encoder", "names"),
    [
        (MixtureSettings(n_components=3, n_hidden=8), PooledSettings(width=8, heads=2), ["log_prob", "sample"]),
        (BayesianLeafSettings(("mass_1", "mass_2"), width=6), None, ["estimate", "predictive"]),
    ],
)
def test_graphs_agree_with_torch_at_any_size(
    tmp_path: Path, head: Head, encoder: EncoderSettings | None, names: list[str]
) -> None:
    with registered_tiny():
        model = _model(head, **({"encoder": encoder} if encoder else {}))
        graphs = exports.list_graphs(model)
        assert [graph.name for graph in graphs] == names
        for graph in graphs:
            path = tmp_path / f"{graph.name}.onnx"
            exports.export_onnx(model, graph, path)
            resized = _resize(graph)
            assert exports.largest_difference(resized, path) < 1e-5
            assert all(values.std() > 0 for values in resized.evaluate().values())
            metadata = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
            assert metadata["name"] == "small"


def test_the_difference_sees_another_input(tmp_path: Path) -> None:
    with registered_tiny():
        model = _model(MixtureSettings(n_components=3, n_hidden=8))
        graph = exports.list_graphs(model)[0]
        exports.export_onnx(model, graph, tmp_path / "graph.onnx")
        moved = replace(graph, inputs=graph.inputs | {"value": graph.inputs["value"] + 0.01})
        session = onnxruntime.InferenceSession(tmp_path / "graph.onnx")
        found = session.run(None, {name: value.numpy() for name, value in graph.inputs.items()})[0]
        assert abs(found - moved.evaluate()["log_prob"]).max() > 1e-4


def test_a_flow_is_refused() -> None:
    with registered_tiny():
        model = _model(FlowSettings())
        with pytest.raises(InputError, match=r"expected a mixture .* of small; got a flow"):
            exports.list_graphs(model)
