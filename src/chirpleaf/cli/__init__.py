"""The command line: `chirpleaf <subcommand>`.

Each subcommand has its own module and imports heavy packages inside its function, so that `--help` is fast.
Exit codes: 0 done; 2 invalid input (one line states the problem and the remedy); 3 the result cannot be trusted; 130
the user interrupted the command, 143 and 129 SIGTERM and SIGHUP did; 141 nobody reads its output any more. The script
`chirpleaf` and `python -m chirpleaf` end with the same code.
"""

import io
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape

from chirpleaf.cli.bank import bank
from chirpleaf.cli.catalog import catalog
from chirpleaf.cli.compare import compare
from chirpleaf.cli.console import console, errors
from chirpleaf.cli.convert import convert
from chirpleaf.cli.decompose import decompose
from chirpleaf.cli.doctor import doctor
from chirpleaf.cli.evaluate import evaluate
from chirpleaf.cli.events import events
from chirpleaf.cli.export import export
from chirpleaf.cli.infer import infer
from chirpleaf.cli.inject import inject
from chirpleaf.cli.models import models
from chirpleaf.cli.relativity import check_relativity
from chirpleaf.cli.scale import scale
from chirpleaf.cli.serve import serve
from chirpleaf.cli.stream import stream
from chirpleaf.cli.train import train
from chirpleaf.cli.verify import verify
from chirpleaf.errors import InputError, InterruptedRunError, UntrustedError, describe_os_error
from chirpleaf.system.ending import CLOSED_PIPE, INTERRUPTED, is_closed_pipe

DONE, WRONG_INPUT, NOT_TRUSTED = 0, 2, 3

_OTHER_BYTES = "expected text in UTF-8; got other bytes: correct matplotlibrc in the working folder"
"""Message where a library cannot read a file of its own: matplotlib reads one in the working folder first."""

_UsageError: Any = typer.BadParameter.__base__
"""Base class of typer's errors of usage; typer exports only this subclass."""

app = typer.Typer(
    help="Neural parameter estimation for binary black hole mergers.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (
    infer,
    catalog,
    train,
    bank,
    scale,
    evaluate,
    decompose,
    verify,
    compare,
    convert,
    export,
    inject,
    models,
    events,
    serve,
    stream,
    doctor,
):
    app.command()(verb)
app.command("test-gr")(check_relativity)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from chirpleaf.system.citation import read_citation

        console.print(f"chirpleaf {version('chirpleaf')}", highlight=False)
        console.print(f"cite: {escape(read_citation().write())}", highlight=False, soft_wrap=True)
        raise typer.Exit()


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show version and citation, and exit."),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show log messages and warnings.")] = False,
) -> None:
    """Neural parameter estimation for binary black hole mergers."""
    context.meta["verbose"] = verbose
    if verbose:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    else:
        warnings.simplefilter("ignore")
        # LAL reads it once. Its C code writes lines for each waveform that it refuses; the exceptions say what matters.
        os.environ.setdefault("LAL_DEBUG_LEVEL", "0")
    if context.invoked_subcommand is None:
        context.get_help()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand and converts the project's exceptions to exit codes.

    Args:
        arguments: those of the command line when None.

    Returns:
        The exit code.
    """
    try:
        return _run(arguments)
    except SystemExit as ending:
        if not is_closed_pipe(ending):
            raise
        return CLOSED_PIPE


def _run(arguments: Sequence[str] | None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):  # terminals that lack a character show another one
        sys.stdout.reconfigure(errors="replace")
    try:
        chosen = list(sys.argv[1:] if arguments is None else arguments)
        _check_text(chosen)
        status = app(chosen, prog_name="chirpleaf", standalone_mode=False)
    except InputError as error:
        return _fail("[bold red]error:[/]", str(error), WRONG_INPUT)
    except _UsageError as error:
        return _fail("[bold red]error:[/]", f"{error.format_message()} See `{_path(error)} --help`", WRONG_INPUT)
    except UntrustedError as error:
        return _fail("[bold yellow]not trusted:[/]", str(error), NOT_TRUSTED)
    except InterruptedRunError as error:
        return _fail("stopped:", str(error), INTERRUPTED)
    except (OSError, UnicodeDecodeError) as error:
        message = describe_os_error(error) if isinstance(error, OSError) else _OTHER_BYTES
        return _fail("[bold red]error:[/]", message, WRONG_INPUT)
    if status == INTERRUPTED:  # typer ends so after Ctrl-C, without a line
        errors.print("stopped", highlight=False)
    return status if isinstance(status, int) else DONE


def _check_text(arguments: Sequence[str]) -> None:
    """Refuses names that are no UTF-8, which no result could hold."""
    for text in arguments:
        shown = text.encode("utf-8", "replace").decode()
        if shown != text:
            raise InputError(f"expected arguments in UTF-8; got {shown!r}: rename the file or folder")


def _path(error: Any) -> str:
    return error.ctx.command_path if error.ctx else "chirpleaf"


def _fail(title: str, message: str, status: int) -> int:
    errors.print(f"{title} {escape(' '.join(message.split()))}", highlight=False, soft_wrap=True)
    return status


__all__ = ["app", "console", "main", "run"]
