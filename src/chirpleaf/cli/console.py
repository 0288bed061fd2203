"""Where the command line writes: results to standard output, errors to standard error."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

console = Console()
errors = Console(stderr=True)


def say_written(folder: Path, files: Iterable[Path]) -> None:
    """The last line of a verb: where its files are."""
    names = ", ".join(file.name for file in files)
    console.print(f"wrote {folder}: {names}", highlight=False, markup=False, soft_wrap=True)
