"""Consoles of the command line: results go to standard output, errors to standard error."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

console = Console()
errors = Console(stderr=True)


def finish_run(folder: Path, files: Iterable[Path]) -> None:
    """Ends a subcommand: removes files of a former run that this one did not write, and prints what it wrote."""
    from chirpleaf.system.products import replace_products

    written = tuple(files)
    replace_products(folder, written)
    names = ", ".join(file.name for file in written)
    console.print(f"wrote {folder}: {names}", highlight=False, markup=False, soft_wrap=True)
