"""`chirpleaf export MODEL --out DIR`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from chirpleaf.cli.completion import complete_model
from chirpleaf.cli.console import Json, console, finish_run, print_json
from chirpleaf.errors import InputError

TOLERANCE = 1e-4
"""Largest difference between the exported networks and torch's that is accepted, relative where outputs exceed one."""


def export(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A shipped model, or a model file.", autocompletion=complete_model)],
    out: Annotated[Path, typer.Option(help="Folder of the ONNX files.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")] = False,
    as_json: Json = False,
) -> None:
    """Export the networks of a model to ONNX, and compare them with torch."""
    from functools import partial

    from chirpleaf.cli.extras import require_onnx
    from chirpleaf.models import load_model
    from chirpleaf.system.claims import claim_folder
    from chirpleaf.system.files import write_files

    require_onnx()
    context.with_resource(claim_folder(out, overwrite=overwrite))
    from chirpleaf.models.onnx import Graph, export_onnx, largest_difference, list_graphs

    found = load_model(model)
    rows: list[dict[str, Any]] = []

    def write(graph: Graph, scratch: Path) -> None:
        export_onnx(found, graph, scratch)
        difference = largest_difference(graph, scratch)
        if not difference <= TOLERANCE:
            raise InputError(
                f"expected {graph.name} of {found.name} to differ by at most {TOLERANCE:g} in onnxruntime; got "
                f"{difference:.1g}: try another version of onnxruntime or onnxscript"
            )
        rows.append(
            {"graph": graph.name, "inputs": list(graph.inputs), "outputs": list(graph.outputs)}
            | {"megabytes": round(scratch.stat().st_size / 1e6, 2), "difference": difference}
        )

    graphs = {f"{found.name}-{graph.name}.onnx": partial(write, graph) for graph in list_graphs(found)}
    written = write_files(graphs, out)
    if as_json:
        print_json({"model": found.name, "graphs": rows})
    else:
        for row in rows:
            inputs, outputs = (", ".join(row[name]) for name in ("inputs", "outputs"))
            text = f"{row['graph']}: {inputs} -> {outputs}; {row['megabytes']:g} MB, difference {row['difference']:.1g}"
            console.print(text, highlight=False, markup=False, soft_wrap=True)
    finish_run(out, written, quiet=as_json)
