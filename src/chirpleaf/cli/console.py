"""Consoles of the command line: results go to standard output, errors to standard error."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

console = Console()
errors = Console(stderr=True)


Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs in place of text.")]
"""Option of every verb that prints a table."""


def print_json(document: Any) -> None:
    """Prints a document as JSON, without wrapping and colours.

    Args:
        document: finite numbers, text, lists and mappings.
    """
    import json

    console.out(json.dumps(document, indent=2, allow_nan=False), highlight=False)


def is_given(context: typer.Context, parameter: str) -> bool:
    """Whether an option stands in the command line, be it with its default value.

    Args:
        context: that of the subcommand.
        parameter: name of the argument of its function.
    """
    return getattr(context.get_parameter_source(parameter), "name", "") == "COMMANDLINE"


def finish_run(folder: Path, files: Iterable[Path], *, quiet: bool = False) -> None:
    """Ends a subcommand: removes files of a former run that this one did not write, and prints what it wrote.

    Args:
        folder: the output folder.
        files: what was written.
        quiet: whether nothing is printed, because standard output is JSON.
    """
    from chirpleaf.system.products import replace_products

    written = tuple(files)
    replace_products(folder, written)
    names = ", ".join(file.name for file in written)
    if not quiet:
        console.print(f"wrote {folder}: {names}", highlight=False, markup=False, soft_wrap=True)
