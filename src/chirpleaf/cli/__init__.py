"""The command line: `chirpleaf <verb>`.

Verbs live in a module each and import what is heavy inside, so that `--help` is instant. Exit codes: 0 done; 2 the
input is wrong (one line says what and how to mend it); 3 the answer could not be trusted.
"""

import sys

import typer

from chirpleaf.cli.console import console, errors
from chirpleaf.cli.train import train
from chirpleaf.errors import InputError, UntrustedError

app = typer.Typer(
    help="Neural parameter estimation for binary black hole mergers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(train)


@app.callback()
def _root() -> None:
    """Neural parameter estimation for binary black hole mergers."""


def main() -> None:
    """Runs a verb and turns the project's errors into exit codes."""
    try:
        app()
    except InputError as error:
        errors.print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except UntrustedError as error:
        errors.print(f"[bold yellow]not trusted:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(3)


__all__ = ["app", "console", "main"]
