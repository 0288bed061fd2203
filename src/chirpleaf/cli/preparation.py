"""Progress of the preparation of a training on a terminal: templates, waveforms, noise spectra, validation events."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chirpleaf.cli.console import errors
from chirpleaf.system.progress import watch_progress

if TYPE_CHECKING:
    from rich.progress import TaskID

TRAINING = "training"
"""What `training.recipe.train` reports when the preparation has ended; Lightning's own bar follows."""


@contextmanager
def show_preparation(*, shown: bool = True) -> Iterator[None]:
    """Shows a bar and the time left for each kind of work until the training begins.

    Args:
        shown: whether this process shows anything; nothing is shown where standard error is no terminal.
    """
    if not shown or not errors.is_terminal:
        yield
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<18}"), BarColumn(30), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=errors, transient=True)
    tasks: dict[str, TaskID] = {}

    def update(what: str, done: int, total: int) -> None:
        if what == TRAINING:
            progress.stop()
            return
        if what not in tasks:
            tasks[what] = progress.add_task(what, total=total)
        progress.update(tasks[what], completed=done, total=total)

    with progress, watch_progress(update):
        yield
