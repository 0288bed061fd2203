"""`chirpleaf decompose MODEL --leaf NAME --keep SHARE --out DIR`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chirpleaf.cli.completion import complete_model
from chirpleaf.cli.console import Json, console, errors, finish_run, print_json
from chirpleaf.system.defaults import DECOMPOSITION_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from chirpleaf.diagnostics.decomposition import Decomposition
    from chirpleaf.models import Model


def decompose(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(help="A shipped model with leaves, or a model file.", autocompletion=complete_model)
    ],
    leaf: Annotated[str, typer.Option(help="The leaf to extract, such as mass_1.")],
    out: Annotated[Path, typer.Option(help="Folder of the smaller model, its table and its figure.")],
    keep: Annotated[float, typer.Option(metavar="SHARE", help="Share of the root's filters that is kept.")] = 0.5,
    events: Annotated[int, typer.Option(min=16, max=16384, help="Number of simulated events.")] = DECOMPOSITION_EVENTS,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Seed of the events.")] = 0,
    finetune: Annotated[
        int, typer.Option(min=0, max=10**6, help="Batches on which each smaller network is trained further.")
    ] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")] = False,
    as_json: Json = False,
) -> None:
    """Extract the sub-network of one leaf from a model."""
    import json
    from functools import partial

    import torch
    from rich.progress import track

    from chirpleaf.system.claims import claim_folder

    context.with_resource(claim_folder(out, overwrite=overwrite))

    from chirpleaf.diagnostics.decomposition import SHARES, measure_decomposition
    from chirpleaf.errors import InputError
    from chirpleaf.models import load_model, save
    from chirpleaf.plots.filters import plot_filter_importance
    from chirpleaf.report.pictures import Writer, figure_writers
    from chirpleaf.system.files import write_files

    if not 0 < keep <= 1:
        raise InputError(f"expected --keep above 0 and at most 1; got {keep:g}: 0.5 keeps half of the filters")
    torch.set_num_threads(1)  # latencies are measured with one thread
    whole = load_model(model)
    show = partial(track, description="shares", console=errors, transient=True, disable=not errors.is_terminal)
    shares = sorted({*SHARES, keep}, reverse=True)
    refine = _make_refiner(finetune, seed)
    found = measure_decomposition(whole, leaf, shares, events=events, seed=seed, refine=refine, track=show)
    small = found.models[keep]

    origin = {"model": whole.name, "leaf": leaf, "keep": keep, "events": events, "seed": seed, "finetune": finetune}
    content = {**origin, "shares": [row.to_json() for row in found.shares]}
    document = json.dumps(content, indent=2) + "\n"
    importance = {name: [layer.numpy() for layer in layers] for name, layers in found.filters.importance.items()}
    writers: dict[str, Writer] = {
        f"{small.name}.safetensors": partial(save, small),
        "decomposition.json": lambda scratch: scratch.write_text(document),
        **figure_writers({"filters.png": plot_filter_importance(importance)}),
    }
    written = write_files(writers, out)
    if as_json:
        print_json(content)
    else:
        console.print(_make_table(found, whole.name, leaf, keep), highlight=False)
    finish_run(out, written, quiet=as_json)


def _make_refiner(batches: int, seed: int) -> "Callable[[Model], Model] | None":
    """A function that trains a smaller network further by so many batches; None for none."""
    if not batches:
        return None
    from functools import partial

    from chirpleaf.cli.extras import require_training
    from chirpleaf.cli.lightning import silence_lightning

    require_training()
    from chirpleaf.training.finetune import Finetuning, finetune

    silence_lightning()
    return partial(finetune, settings=Finetuning(batches=batches), seed=seed)


def _make_table(found: "Decomposition", name: str, leaf: str, keep: float) -> "Table":
    """Makes the table of error, size and latency by share of the filters."""
    from rich.table import Table

    from chirpleaf.diagnostics.errors import SPINS

    table = Table(title=f"{name}: {leaf} with a share of the root's filters", title_justify="left")
    error = f"median {'absolute' if leaf in SPINS else 'relative'} error"
    finetuned = any(row.finetuned_error is not None for row in found.shares)
    for column in ("share", error, *["fine-tuned"] * finetuned, "parameters", "ms for an event"):
        table.add_column(column, justify="right")
    for row in found.shares:
        after = "" if row.finetuned_error is None else f"{row.finetuned_error:.4f}"
        cells = (f"{row.keep:g}", f"{row.error:.4f}", *[after] * finetuned, f"{row.parameters:,}")
        table.add_row(*cells, f"{row.milliseconds:.2f}", style="bold" if row.keep == keep else None)
    return table
