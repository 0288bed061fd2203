"""The figures of `chirpleaf infer`, and functions by which every verb writes its figures together with other files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from chirpleaf.inference import PreparedData
    from chirpleaf.plots.panels import CornerPanels
    from chirpleaf.result import LeafEstimates, Posterior

Writer = Callable[[Path], object]
"""Writes one file to the path that it is given."""

BAND = (30.0, 400.0)
"""Lower and upper frequency of the whitened strain in the figure, Hz."""

SIGNALS = 40
"""Posterior samples whose signals make the interval in the figure. More are smoother, at some milliseconds each."""

_PNG: dict[str, Any] = {"format": "png", "pil_kwargs": {"compress_level": 3}}
"""Arguments of `savefig`. The usual compression, level 6, takes 0.1 s longer for a file that is 7 % smaller."""

_EMPTY: "dict[tuple[str, ...], CornerPanels]" = {}
"""Panels that `prepare_drawing` has made, by their parameters."""


def draw_result_figures(
    result: "Posterior | LeafEstimates", data: "PreparedData", executor: "Executor"
) -> dict[str, Writer]:
    """Begins to draw `corner.png` and `strain.png`. Both carry the verdict of a result that is not trusted.

    Args:
        result: a posterior or leaf estimates.
        data: the data that they belong to.
        executor: draws the figures (`drawing_process`).

    Returns:
        File name to a function that waits for the figure and writes it to the path that it is given (`write_files`).
        There is no corner plot of a posterior whose draws are all impossible.
    """
    from chirpleaf.result.trust import Grade

    word = result.trust.verdict if result.trust.grade is Grade.REFUSE else None
    images = {}
    if not result.impossible:
        # It is drawn while this process computes the signals of the other figure.
        samples = {name: result[name] for name in result.headline}
        images["corner.png"] = executor.submit(_draw_corner, word, samples)
    images["strain.png"] = executor.submit(_draw_strain, word, *_view_strain(result, data))
    return {name: partial(_write_image, images[name]) for name in sorted(images)}


@dataclass
class FigureDrawing:
    """Drawing of a certified posterior's figures while the checks of its verdict run.

    Attributes:
        executor: draws the figures (`drawing_process`).
        figures: those that are begun, as `draw_result_figures` returns them.
    """

    executor: "Executor"
    figures: dict[str, Writer] = field(default_factory=dict)

    def begin(self, data: "PreparedData", posterior: "Posterior") -> None:
        """Begins to draw a posterior without a verdict: the argument `preview` of `inference.analyse_event`.

        Args:
            data: the data that it belongs to.
            posterior: the posterior.
        """
        self.figures = draw_result_figures(posterior, data, self.executor)

    def finish(self, data: "PreparedData", result: "Posterior | LeafEstimates") -> Mapping[str, Writer]:
        """The figures of a result with its verdict; all are drawn anew if they have to carry the word.

        Args:
            data: the data that it belongs to.
            result: a posterior or leaf estimates.
        """
        from chirpleaf.result.trust import Grade

        if not self.figures or result.trust.grade is Grade.REFUSE:
            self.figures = draw_result_figures(result, data, self.executor)
        return self.figures


def _write_image(image: "Future[bytes]", path: Path) -> None:
    path.write_bytes(image.result())


def prepare_drawing() -> None:
    """Imports matplotlib, and draws the empty panels of a posterior's corner plot.

    This loads fonts and symbols early. The panels are filled when the samples exist.
    """
    import chirpleaf.plots.corner
    import chirpleaf.plots.strain  # noqa: F401 - imported for the figures that follow
    from chirpleaf.plots.panels import make_panels
    from chirpleaf.result.posterior import HEADLINE

    _EMPTY[HEADLINE] = make_panels(HEADLINE)
    _EMPTY[HEADLINE].figure.savefig(BytesIO(), **_PNG)


def figure_writers(figures: "Mapping[str, Figure]") -> dict[str, Writer]:
    """Functions that write figures as PNG, for `write_files`.

    Args:
        figures: file name to figure.

    Returns:
        File name to a function that writes the figure to the path that it is given.
    """
    return {name: partial(figure.savefig, **_PNG) for name, figure in figures.items()}


def _draw_corner(word: str | None, samples: "Mapping[str, ArrayLike]") -> bytes:
    """Draws the marginals of a posterior as PNG, and a word across them."""
    from chirpleaf.plots.corner import plot_corner

    parameters = tuple(samples)
    return _encode(plot_corner(samples, parameters, empty=_EMPTY.pop(parameters, None)), word)


def _draw_strain(word: str | None, trigger_time: float, names: tuple[str, ...], view: tuple[Any, ...]) -> bytes:
    """Draws the whitened strain of each detector and the interval of the signals as PNG, and a word across them."""
    from chirpleaf.plots.strain import plot_whitened_strain

    times, strain, signal = view
    figure = plot_whitened_strain(
        times,
        dict(zip(names, strain, strict=True)),
        trigger_time=trigger_time,
        model=None if signal is None else dict(zip(names, signal[1], strict=True)),
        model_interval=None if signal is None else dict(zip(names, signal[[0, 2]].swapaxes(0, 1), strict=True)),
        band=BAND,
    )
    return _encode(figure, word)


def _encode(figure: "Figure", word: str | None) -> bytes:
    """The figure as PNG, with a word across it."""
    from chirpleaf.plots.style import stamp

    if word is not None:
        stamp(figure, word)
    image = BytesIO()
    figure.savefig(image, **_PNG)
    return image.getvalue()


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
