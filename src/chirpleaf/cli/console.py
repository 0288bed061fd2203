"""Where the command line writes: results to standard output, errors to standard error."""

from rich.console import Console

console = Console()
errors = Console(stderr=True)
