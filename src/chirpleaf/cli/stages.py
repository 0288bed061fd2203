"""Progress of `chirpleaf infer` on a terminal: the stage, a bar, and the time left. A pipe gets nothing.

The bar moves with the shares of the time that the stages usually take. What is left follows from the time so far; a
certification that needs more draws than usual takes longer. A download of open data has a bar of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from chirpleaf.cli.console import errors
from chirpleaf.system.progress import watch_progress

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


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
    progress = Progress(*columns, TimeRemainingColumn(), console=errors, transient=True)
    with progress, watch_progress(partial(show_download, progress, {})):
        task = progress.add_task("reading strain and noise", total=100)
        yield lambda name, done: progress.update(task, description=name, completed=done)


def show_download(progress: "Progress", tasks: "dict[str, TaskID]", what: str, done: int, total: int) -> None:
    """Shows a download; downloads are the only work that an analysis reports.

    Args:
        progress: the bars.
        tasks: those of the downloads so far, by their names.
        what: name of the download.
        done: bytes that have arrived.
        total: all bytes.
    """
    if what not in tasks:
        tasks[what] = progress.add_task(what, total=total)
    progress.update(tasks[what], completed=done, total=total, description=f"{what}, {total / 1e6:.0f} MB")
