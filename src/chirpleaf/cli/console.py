"""Consoles of the command line: results go to standard output, errors to standard error."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

console = Console()
errors = Console(stderr=True)


def say_written(folder: Path, files: Iterable[Path]) -> None:
    """Prints the last line of a subcommand: the folder and the names of its files."""
    names = ", ".join(file.name for file in files)
    console.print(f"wrote {folder}: {names}", highlight=False, markup=False, soft_wrap=True)
