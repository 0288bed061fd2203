"""Progress of `chirpleaf infer` on a terminal: the stage, a bar, and the time left. A pipe gets nothing.

The bar moves with the shares of the time that the stages usually take. What is left follows from the time so far; a
certification that needs more draws than usual takes longer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chirpleaf.cli.console import errors


@contextmanager
def show_stages() -> Iterator[Callable[[str, int], object]]:
    """Shows the progress of an analysis on standard error, if that is a terminal.

    Yields:
        What `report.analysis.write_analysis` calls when a stage begins.
    """
    if not errors.is_terminal:
        yield lambda _name, _done: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<26}"), BarColumn(30), TimeElapsedColumn(), TextColumn("left"))
    with Progress(*columns, TimeRemainingColumn(), console=errors, transient=True) as progress:
        task = progress.add_task("reading strain and noise", total=100)
        yield lambda name, done: progress.update(task, description=name, completed=done)
