"""Progress of `chirpleaf infer` on a terminal: the stage, a bar, and the time left. A pipe gets nothing.

The bar moves with the shares of the time that the stages usually take. What is left follows from the time so far; a
certification that needs more draws than usual takes longer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chirpleaf.cli.console import errors

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from chirpleaf.cli.pictures import FigureDrawing, Writer
    from chirpleaf.inference import LeafEstimates, Posterior, PreparedData

STAGES = (("reading strain and noise", 15), ("network and certification", 65), ("checks", 10), ("pictures, files", 10))
"""Stages of an analysis, and the share of the time that each usually takes, per cent (GW150914, two cores)."""


@dataclass
class Stages:
    """A drawing of pictures that shows the stages as they come.

    Attributes:
        drawing: draws the pictures.
        progress: the bar; None where nobody looks.
        task: its only task.
    """

    drawing: "FigureDrawing"
    progress: "Progress | None" = None
    task: "TaskID | Any" = None

    def begin_data(self, data: "PreparedData") -> None:
        """As `FigureDrawing.begin_data`: the strain is read."""
        self._enter(1)
        self.drawing.begin_data(data)

    def begin(self, data: "PreparedData", posterior: "Posterior") -> None:
        """As `FigureDrawing.begin`: the posterior is certified."""
        self._enter(2)
        self.drawing.begin(data, posterior)

    def finish(self, data: "PreparedData", result: "Posterior | LeafEstimates", folder: Path) -> "dict[str, Writer]":
        """As `FigureDrawing.finish`: the verdict is known."""
        self._enter(3)
        return self.drawing.finish(data, result, folder)

    def _enter(self, stage: int) -> None:
        """Moves the bar to the beginning of a stage."""
        if self.progress is not None:
            done = sum(share for _, share in STAGES[:stage])
            self.progress.update(self.task, completed=done, description=STAGES[stage][0])


@contextmanager
def show_stages(drawing: "FigureDrawing") -> Iterator[Stages]:
    """Shows the progress of an analysis on standard error, if that is a terminal.

    Args:
        drawing: draws the pictures.

    Yields:
        What `analyse_event` calls when a stage ends.
    """
    if not errors.is_terminal:
        yield Stages(drawing)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<26}"), BarColumn(30), TimeElapsedColumn(), TextColumn("left"))
    with Progress(*columns, TimeRemainingColumn(), console=errors, transient=True) as progress:
        yield Stages(drawing, progress, progress.add_task(STAGES[0][0], total=100))
