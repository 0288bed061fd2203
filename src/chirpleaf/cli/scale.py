"""`chirpleaf scale PRESET.yaml [PRESET.yaml ...] --out DIR`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chirpleaf.cli.completion import complete_preset
from chirpleaf.cli.console import Json, console, errors, finish_run, print_json
from chirpleaf.cli.presets import find_presets
from chirpleaf.errors import InputError

if TYPE_CHECKING:
    from chirpleaf.diagnostics.scaling import Link, Scaling
    from chirpleaf.training.pace import Pace

PUBLISHED = {"arXiv:1903.01998": (1024, 0.75)}
"""Published numbers of nodes and efficiencies, by source, for the figure."""


def scale(
    context: typer.Context,
    presets: Annotated[
        list[Path],
        typer.Argument(
            help="YAML presets: a file, or the name of a shipped one.",
            callback=find_presets,
            autocompletion=complete_preset,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of scaling.json and the figure.")],
    ranks: Annotated[int, typer.Option(min=2, max=64, help="Greatest number of ranks on this machine.")] = 2,
    steps: Annotated[int, typer.Option(min=10, help="Number of training steps in each measurement.")] = 40,
    repeats: Annotated[int, typer.Option(min=1, help="Number of measurements for each number of ranks.")] = 5,
    latency: Annotated[float, typer.Option(min=0, help="Latency of a message on the cluster, seconds.")] = 2e-6,
    bandwidth: Annotated[float, typer.Option(min=1, help="Bandwidth of its network, bytes per second.")] = 1e10,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")] = False,
    as_json: Json = False,
) -> None:
    """Time training on ranks of one thread each, and predict it for up to 1,024 nodes."""
    from chirpleaf.cli.extras import require_training
    from chirpleaf.diagnostics.scaling import Link
    from chirpleaf.plots.scaling import plot_efficiency
    from chirpleaf.report.pictures import Writer, figure_writers
    from chirpleaf.system.claims import claim_folder
    from chirpleaf.system.files import write_files

    require_training()
    context.with_resource(claim_folder(out, overwrite=overwrite))
    cluster = Link(latency, bandwidth)
    scalings: dict[str, Scaling] = {}
    for preset in presets:
        name, scaling = _measure_scaling(preset, cluster, ranks=ranks, steps=steps, repeats=repeats)
        scalings[name] = scaling
        if not as_json:
            _show(name, scaling)
    content = {name: scaling.to_json() for name, scaling in scalings.items()}
    document = json.dumps(content, indent=2) + "\n"
    predicted = {
        f"{name}, switches {switches}": curve
        for name, scaling in scalings.items()
        for switches, curve in scaling.predicted.items()
    }
    measured = {f"{name}, measured here": scaling.weak for name, scaling in scalings.items()}
    figure = plot_efficiency(predicted, measured, levels=PUBLISHED)
    writers: dict[str, Writer] = {
        "scaling.json": lambda scratch: scratch.write_text(document),
        **figure_writers({"scaling.png": figure}),
    }
    written = write_files(writers, out)
    if as_json:
        print_json(content)
    finish_run(out, written, quiet=as_json)


def _measure_scaling(preset: Path, cluster: "Link", *, ranks: int, steps: int, repeats: int) -> "tuple[str, Scaling]":
    """Measures training by a preset on up to `ranks` ranks; returns its name and the result."""
    from chirpleaf.config import read_preset
    from chirpleaf.diagnostics.scaling import summarise_scaling

    settings = read_preset(preset)
    batch_size = settings.simulation.batch_size
    if batch_size < ranks:
        raise InputError(f"expected at least an example for each of {ranks} ranks; got a batch of {batch_size}")
    weak: dict[int, list[Pace]] = {number: [] for number in range(1, ranks + 1)}
    strong: dict[int, list[Pace]] = {number: [] for number in range(2, ranks + 1)}
    for turn in range(repeats):
        with errors.status(f"{settings.name}: timing, {turn + 1} of {repeats} …"):
            for number, paces in weak.items():  # in turn, so that the load affects all alike
                paces.append(_time_ranks(preset, number, steps, batch_size))
            for number, paces in strong.items():
                paces.append(_time_ranks(preset, number, steps, batch_size // number))
    return settings.name, summarise_scaling(weak, strong, settings.communication, cluster)


def _time_ranks(preset: Path, ranks: int, steps: int, batch_size: int) -> "Pace":
    """Times training on ranks that torchrun starts."""
    import subprocess
    import sys
    import tempfile

    from chirpleaf.training.pace import Pace

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "pace.json"
        command = [sys.executable, "-m", "chirpleaf.cli.torchrun", "--standalone", "--nproc-per-node", str(ranks)]
        command += ["-m", "chirpleaf.cli.pace", str(preset), str(out)]
        command += ["--steps", str(steps), "--batch-size", str(batch_size)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise InputError(f"expected {ranks} ranks that train by {preset}; got `{ran.stderr.strip()[-300:]}`")
        return Pace.from_json(out.read_text())


def _show(name: str, scaling: "Scaling") -> None:
    """Shows the efficiencies by number of ranks."""
    from rich.table import Table

    title = f"{name}: {1e3 * scaling.step.seconds:.1f} ms a step; efficiency"
    table = Table(title=title, title_justify="left")
    for column in ("ranks", "here, weak", "here, strong", *(f"predicted, {way}" for way in scaling.predicted)):
        table.add_column(column, justify="right")
    for number in sorted({*scaling.weak, *next(iter(scaling.predicted.values()))}):
        here = [curve.get(number) for curve in (scaling.weak, scaling.strong)]
        there = [curve.get(number) for curve in scaling.predicted.values()]
        table.add_row(f"{number:,}", *("" if value is None else f"{value:.3f}" for value in (*here, *there)))
    console.print(table, highlight=False)
