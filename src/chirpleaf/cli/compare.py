"""`chirpleaf compare A B ...`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chirpleaf.cli.console import Json, console, print_json
from chirpleaf.errors import InputError, UntrustedError

if TYPE_CHECKING:
    from chirpleaf.diagnostics.posteriors import Comparison
    from chirpleaf.result.external import ExternalPosterior


def compare(
    posteriors: Annotated[
        list[str],
        typer.Argument(
            metavar="A B ...",
            help="Posteriors of chirpleaf, bilby, PESummary, PyCBC or a GWOSC release; FILE#LABEL for one of several.",
        ),
    ],
    parameter: Annotated[list[str] | None, typer.Option(help="Parameter to compare, repeatable.")] = None,
    reweight: Annotated[bool, typer.Option("--reweight", help="Resample all under the prior of the first.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder of comparison.json and corner.png.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")] = False,
    as_json: Json = False,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Seed of the bootstrap.")] = 0,
) -> None:
    """Compare posteriors: medians, intervals, Jensen-Shannon divergences, and definitions that differ."""
    from chirpleaf.system.folders import check_folder
    from chirpleaf.system.threads import use_one_numpy_thread

    if overwrite and out is None:
        raise InputError("expected --out with --overwrite; got none, so that nothing is written: add --out DIR")
    if out is not None:
        check_folder(out, overwrite=overwrite)
    use_one_numpy_thread()

    from chirpleaf.diagnostics.common_prior import reweight as resample
    from chirpleaf.diagnostics.posteriors import compare_posteriors, tell_apart
    from chirpleaf.result.external import read_posterior

    found = tell_apart([read_posterior(path) for path in posteriors], posteriors)
    if reweight:
        found = [found[0], *(resample(other, found[0], seed) for other in found[1:])]
    comparison = compare_posteriors(found, parameter, seed)
    document = _make_document(comparison, reweight)
    if as_json:
        print_json(document)
    else:
        _print(comparison, found, reweight)
    if out is not None:
        _write(document, found, list(comparison.intervals), out, overwrite=overwrite, quiet=as_json)
    if refused := [f"{one.name} is {one.trust.explain()}" for one in found if one.trust and one.refused]:
        raise UntrustedError("; ".join(dict.fromkeys(refused)))


def _print(comparison: "Comparison", posteriors: "list[ExternalPosterior]", reweighted: bool) -> None:
    """Prints the table, a line for each definition that differs, and reasons not to trust."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Median and 90 % interval; Jensen-Shannon divergence from the first, millinats")
    table.add_column("parameter")
    for index, posterior in enumerate(posteriors):
        table.add_column(escape(posterior.title), justify="right")
        if index:
            table.add_column("JS", justify="right")
    for parameter, intervals in comparison.intervals.items():
        cells = []
        for index, interval in enumerate(intervals):
            cells.append(
                "-" if interval is None else f"{interval.median:.4g} [{interval.lower:.4g}, {interval.upper:.4g}]"
            )
            if index:
                divergence = comparison.divergences[parameter][index - 1]
                cells.append(
                    "-" if divergence is None else f"{1e3 * divergence.value:.1f} ± {1e3 * divergence.error:.1f}"
                )
        table.add_row(parameter, *(escape(cell) for cell in cells))
    console.print(table, highlight=False)
    if reweighted:
        console.print(f"all under the prior of {escape(comparison.names[0])}", highlight=False)
    for line in comparison.differences or ("no definition differs that the files state",):
        console.print(escape(line), highlight=False)
    for one in posteriors:
        if one.trust is not None and not one.trust.trusted:
            console.print(escape(f"{one.name} is {one.trust.explain()}"), highlight=False, soft_wrap=True)


def _make_document(comparison: "Comparison", reweighted: bool) -> dict[str, Any]:
    """The content of `comparison.json`."""
    from dataclasses import asdict

    return {**asdict(comparison), "reweighted": reweighted}


def _write(
    document: dict[str, Any],
    posteriors: "list[ExternalPosterior]",
    parameters: list[str],
    out: Path,
    *,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Writes `comparison.json` and the corner plot of all posteriors, with their verdicts."""
    from functools import partial

    from chirpleaf.cli.console import finish_run
    from chirpleaf.plots.corner import plot_corner
    from chirpleaf.plots.style import stamp
    from chirpleaf.result.json_files import write_json
    from chirpleaf.result.trust import UNTRUSTED
    from chirpleaf.system.files import write_files
    from chirpleaf.system.folders import new_folder

    new_folder(out, overwrite=overwrite)
    names = [name for name in parameters if all(name in other.samples for other in posteriors)][:9]
    first, *others = posteriors

    def draw(path: Path) -> None:
        references = {other.title: other.samples for other in others}
        figure = plot_corner(first.samples, names, name=first.title, references=references)
        if any(one.refused for one in posteriors):
            stamp(figure, UNTRUSTED)
        figure.savefig(path, format="png", dpi=150)

    files: dict[str, Any] = {"comparison.json": partial(write_json, lambda: document, indented=True)}
    finish_run(out, write_files(files | ({"corner.png": draw} if names else {}), out), quiet=quiet)
