"""An analysis with its files: what `chirpleaf infer`, the web page and a catalogue do for one event.

The stages of the inference, the pictures, which are drawn while it goes on, and the files of the result.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from chirpleaf.inference import LeafEstimates, Posterior, PreparedData, Request, analyse_event
from chirpleaf.report.pictures import FigureDrawing

OnStage = Callable[[str, int], object]
"""Is called when a stage begins, with its name and the share of the whole time that has usually passed, per cent."""


class Stage(NamedTuple):
    """A stage of an analysis.

    Attributes:
        name: its name.
        share: share of the time that it usually takes, per cent (GW150914, two cores).
    """

    name: str
    share: int


STAGES = (
    Stage("reading strain and noise", 15),
    Stage("network and certification", 65),
    Stage("checks", 10),
    Stage("pictures, files", 10),
)
"""Stages of an analysis in their order."""


def write_analysis(
    request: Request, drawing: FigureDrawing, folder: Path, on_stage: OnStage | None = None
) -> tuple[Posterior | LeafEstimates, tuple[Path, ...]]:
    """Analyses an event and writes all files of the result.

    Args:
        request: what is asked.
        drawing: draws the pictures.
        folder: an existing folder; files of the same names are replaced.
        on_stage: called when a stage begins.

    Returns:
        The result, and the files.

    Raises:
        InputError: as for `inference.infer`.
    """

    def enter(stage: int) -> None:
        if on_stage is not None:
            on_stage(STAGES[stage].name, sum(one.share for one in STAGES[:stage]))

    def begin_data(data: PreparedData) -> None:
        enter(1)
        drawing.begin_data(data)

    def begin(data: PreparedData, posterior: Posterior | LeafEstimates) -> None:
        enter(2)
        drawing.begin(data, posterior)

    enter(0)
    data, result = analyse_event(request, begin, on_data=begin_data)
    enter(3)
    return result, result.write(folder, drawing.finish(data, result, folder))
