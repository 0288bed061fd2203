"""`chirpleaf catalog CATALOG --out DIR [--resume]`: every event of a catalogue or of a list."""

import os
import shlex
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chirpleaf.cli import infer_options as option
from chirpleaf.cli.completion import complete_catalogue
from chirpleaf.cli.console import Json, console, errors, print_json
from chirpleaf.cli.resuming import check_resume, explain_interruption
from chirpleaf.errors import InputError
from chirpleaf.system.defaults import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chirpleaf.catalog.outcome import Outcome
    from chirpleaf.catalog.run import CatalogRun, Mapper

Name = Annotated[
    str,
    typer.Argument(
        metavar="CATALOG",
        help="GWTC-3 or another catalogue, or a text file of events or GPS times.",
        autocompletion=complete_catalogue,
    ),
]
Out = Annotated[Path, typer.Option(help="Folder of the table, the page, and a folder for each event.")]
Resume = Annotated[bool, typer.Option("--resume", help="Analyse the events that are not answered yet.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes; one for each free core by default.")]
Scheduler = Annotated[str | None, typer.Option(help="Dask scheduler of a cluster, tcp://HOST:PORT.")]


def catalog(
    context: typer.Context,
    catalogue: Name,
    out: Out,
    resume: Resume = False,
    overwrite: option.Overwrite = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
    offline: option.Offline = False,
    json: Json = False,
    model: option.ModelName = None,
    samples: option.Samples = SAMPLES,
    seed: option.Seed = 0,
    certify: option.Certify = None,
    effective_samples: option.EffectiveSamples = None,
    budget: option.Budget = None,
    approximant: option.Approximant = None,
    prior: option.PriorName = None,
    f_min: option.LowestFrequency = None,
    f_max: option.HighestFrequency = None,
    f_ref: option.ReferenceFrequency = None,
    psd_method: option.PsdMethod = None,
    psd_length: option.PsdLength = None,
) -> None:
    """Infer all events of a catalogue, in parallel; write a table, a page and a folder for each."""
    from chirpleaf.cli.extras import require_scheduler
    from chirpleaf.cli.infer import check_options
    from chirpleaf.system.claims import claim_folder
    from chirpleaf.system.cores import free_cores
    from chirpleaf.system.threads import limit_numeric_threads

    check_options(samples, effective_samples, budget, prior)
    check_resume(resume=resume, overwrite=overwrite)
    if not (resume or overwrite) and out.is_dir() and (out / "run.json").is_file():
        raise InputError(f"expected a new folder for --out; got {out}, a run: add --resume to go on, or --overwrite")
    limit_numeric_threads()
    os.environ.setdefault("LAL_DEBUG_LEVEL", "0")
    from chirpleaf.catalog.run import open_run
    from chirpleaf.inference import Request, check_request
    from chirpleaf.inference.sources import ReadSettings

    template = Request(
        settings=ReadSettings(offline=offline),
        model=str(Path(model).absolute()) if model and Path(model).is_file() else model,
        samples=samples,
        seed=seed,
        certify=certify,
        effective_samples=effective_samples,
        budget=budget,
        options=replace(
            option.make_data_options(f_min=f_min, f_max=f_max, psd_method=psd_method, psd_length=psd_length),
            skip_absent=True,
        ),
        waveform=option.make_waveform_options(approximant, f_ref, None),
        prior=str(Path(prior).absolute()) if prior and Path(prior).is_file() else prior,
    )
    check_request(template)
    if scheduler is not None:
        require_scheduler(scheduler, workers)
    with claim_folder(out, overwrite=resume or overwrite):
        run = open_run(catalogue, out, template, resume=resume, overwrite=overwrite, offline=offline)
        mapper = _choose_mapper(workers or free_cores(), scheduler)
        if overwrite:
            run.forget()
        run.begin()
        with explain_interruption(_repeat_command(context)):
            outcomes = _analyse(run, mapper)
    _show(run, outcomes, json=json)
    _end(outcomes)


def _choose_mapper(workers: int, scheduler: str | None) -> "Mapper":
    """What shares the events: processes of this machine, or a cluster."""
    from functools import partial

    from chirpleaf.catalog.processes import map_in_processes
    from chirpleaf.catalog.work import analyse_entry

    if scheduler is None:
        return partial(map_in_processes, analyse_entry, workers=workers)
    from chirpleaf.catalog.cluster import map_on_cluster

    return partial(map_on_cluster, analyse_entry, scheduler=scheduler)


def _analyse(run: "CatalogRun", mapper: "Mapper") -> "list[Outcome]":
    """Analyses what is left; writes table and page, also when it is interrupted."""
    from chirpleaf.catalog.files import write_tables
    from chirpleaf.catalog.outcome import refuse_repeated

    finished = run.find_finished()
    left = [entry for entry in run.entries if entry.name not in finished]
    if finished:
        errors.print(f"{len(finished)} of {len(run.entries)} events are finished", highlight=False)
    try:
        with (
            _show_progress(len(run.entries), len(finished)) as advance,
            closing(run.analyse(left, mapper)) as ended,
        ):
            for outcome in ended:
                finished[outcome.name] = outcome
                advance(outcome)
    finally:
        run.clean()
        outcomes = [finished[entry.name] for entry in run.entries if entry.name in finished]
        outcomes = refuse_repeated(outcomes, {entry.name for entry in run.entries if entry.strain})
        write_tables(run, outcomes)
    return outcomes


@contextmanager
def _show_progress(total: int, done: int) -> "Iterator[Callable[[Outcome], object]]":
    """Shows a bar and the time left on a terminal.

    Args:
        total: number of events.
        done: number of those that are finished already.

    Yields:
        What is called with each outcome.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<28}"), BarColumn(30), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(
        *columns, console=errors, transient=True, disable=not errors.is_terminal, speed_estimate_period=600
    )
    with progress:
        task = progress.add_task("events", total=total, completed=done)

        def advance(outcome: "Outcome") -> None:
            progress.update(task, advance=1, description=f"{outcome.name}: {outcome.verdict}"[:28])

        yield advance


def _repeat_command(context: typer.Context) -> str:
    """The command with --resume."""
    words = ["chirpleaf", "catalog"]
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if value == parameter.default or value is None or parameter.name in ("resume", "overwrite"):
            continue
        flag = [] if parameter.param_type_name == "argument" else [parameter.opts[0]]
        if isinstance(value, bool):
            words += flag if value else [*parameter.secondary_opts[:1]]
        else:
            each = value if isinstance(value, list | tuple) else [value]
            words += [word for one in each for word in (*flag, str(one))]
    return shlex.join([*words, "--resume"])


def _show(run: "CatalogRun", outcomes: "Sequence[Outcome]", *, json: bool) -> None:
    """Prints the table, or catalog.json."""
    from rich.markup import escape
    from rich.table import Table

    from chirpleaf.catalog.page import SHOWN, write_row
    from chirpleaf.catalog.table import count_verdicts, make_document

    if json:
        print_json(make_document(run.catalogue, outcomes, len(run.entries)))
        return
    table = Table(title=escape(run.catalogue), title_justify="left")
    for title in ("event", "verdict", "code", "SNR", *(symbol for _, symbol, _ in SHOWN[:4])):
        table.add_column(title, justify="left" if title in ("event", "verdict") else "right")
    for one in outcomes:
        snr = "" if one.snr is None else f"{one.snr:.1f}"
        cells = [write_row(one.parameters.get(name)) for name, _, _ in SHOWN[:4]]
        table.add_row(escape(one.name), one.verdict, str(one.exit_code), snr, *cells)
    console.print(table, highlight=False)
    words = ", ".join(f"{count} {verdict}" for verdict, count in count_verdicts(outcomes).items())
    text = f"{len(outcomes)} events: {words}\nwrote {run.folder}: catalog.csv, catalog.json, catalog.html"
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _end(outcomes: "Sequence[Outcome]") -> None:
    """Ends with the exit code of the catalogue, and a line for the events without an answer."""
    from chirpleaf.catalog.outcome import ANSWERED, worst_code

    missing = [one for one in outcomes if one.exit_code not in ANSWERED]
    if missing:
        first = missing[0]
        text = f"{len(missing)} of {len(outcomes)} events without an answer, first {first.name}: {first.reasons[0]}"
        errors.print(text, highlight=False, markup=False, soft_wrap=True)
    code = worst_code({one.exit_code for one in outcomes})
    if code:
        raise typer.Exit(code)
