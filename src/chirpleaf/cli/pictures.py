"""The figures that `chirpleaf infer` writes, and the function by which every verb writes its own."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chirpleaf.system.files import write_files

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from chirpleaf.inference import PreparedData
    from chirpleaf.plots.panels import CornerPanels
    from chirpleaf.result import LeafEstimates, Posterior

BAND = (30.0, 400.0)
"""Lower and upper frequency of the whitened strain in the figure, Hz."""

SIGNALS = 40
"""Posterior samples whose signals make the interval in the figure. More are smoother, at some milliseconds each."""

_EMPTY: "dict[tuple[str, ...], CornerPanels]" = {}
"""Panels that `prepare_drawing` has made, by their parameters."""


def write_result_figures(
    result: "Posterior | LeafEstimates", data: "PreparedData", folder: Path, executor: "Executor"
) -> "list[Future[Path]]":
    """Writes `corner.png` and `strain.png`. Both carry the verdict of a result that is not trusted.

    Args:
        result: a posterior or leaf estimates.
        data: the data that they belong to.
        folder: an existing folder; files of these names are replaced.
        executor: draws the figures (`drawing_process`).

    Returns:
        The two files, once they are written; no corner plot of a posterior whose draws are all impossible.
    """
    from chirpleaf.result.trust import Grade

    word = result.trust.verdict if result.trust.grade is Grade.REFUSE else None
    strain = executor.submit(_draw_strain, folder / "strain.png", word, *_view_strain(result, data))
    if result.impossible:
        return [strain]
    samples = {name: result[name] for name in result.headline}
    return [executor.submit(_draw_corner, folder / "corner.png", word, samples), strain]


def prepare_drawing() -> None:
    """Imports matplotlib, and draws the empty panels of a posterior's corner plot.

    This loads fonts and symbols early. The panels are filled when the samples exist.
    """
    from io import BytesIO

    import chirpleaf.plots.corner
    import chirpleaf.plots.strain  # noqa: F401 - imported for the figures that follow
    from chirpleaf.plots.panels import make_panels
    from chirpleaf.result.posterior import HEADLINE

    _EMPTY[HEADLINE] = make_panels(HEADLINE)
    _EMPTY[HEADLINE].figure.savefig(BytesIO(), format="png")


def write_figures(figures: "Mapping[str, Figure]", folder: Path) -> tuple[Path, ...]:
    """Writes figures as PNG.

    Args:
        figures: file name to figure.
        folder: an existing folder; files of these names are replaced.

    Returns:
        The files.
    """
    return write_files({name: partial(figure.savefig, format="png") for name, figure in figures.items()}, folder)


def _draw_corner(path: Path, word: str | None, samples: "Mapping[str, ArrayLike]") -> Path:
    """Draws the marginals of a posterior, and a word across them."""
    from chirpleaf.plots.corner import plot_corner
    from chirpleaf.plots.style import stamp

    parameters = tuple(samples)
    figure = plot_corner(samples, parameters, empty=_EMPTY.pop(parameters, None))
    if word is not None:
        stamp(figure, word)
    return write_figures({path.name: figure}, path.parent)[0]


def _draw_strain(
    path: Path, word: str | None, trigger_time: float, names: tuple[str, ...], view: tuple[Any, ...]
) -> Path:
    """Draws the whitened strain of each detector and the interval of the signals, and a word across them."""
    from chirpleaf.plots.strain import plot_whitened_strain
    from chirpleaf.plots.style import stamp

    times, strain, signal = view
    figure = plot_whitened_strain(
        times,
        dict(zip(names, strain, strict=True)),
        trigger_time=trigger_time,
        model=None if signal is None else dict(zip(names, signal[1], strict=True)),
        model_interval=None if signal is None else dict(zip(names, signal[[0, 2]].swapaxes(0, 1), strict=True)),
        band=BAND,
    )
    if word is not None:
        stamp(figure, word)
    return write_figures({path.name: figure}, path.parent)[0]


def _view_strain(
    result: "Posterior | LeafEstimates", data: "PreparedData"
) -> "tuple[float, tuple[str, ...], tuple[Any, ...]]":
    """Trigger time (GPS, s), detectors and the arrays of a `WhitenedView`.

    They are a plain tuple, because the drawing process would have to import torch to receive a `WhitenedView`.
    """
    from chirpleaf.inference.reconstruction import whiten_view
    from chirpleaf.result import Posterior

    samples = None
    if isinstance(result, Posterior) and not result.impossible:
        samples = result.resample(min(SIGNALS, result.n_draws))
    trigger = data.source.trigger_time
    view = whiten_view(data.observation, trigger, samples, band=BAND)
    return trigger, data.observation.segment.detectors, tuple(view)
