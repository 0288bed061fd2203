"""What the drawing process of `chirpleaf infer` does: it draws pictures and keeps them for the report.

The functions take arrays and segments, because the process would have to import torch to receive other objects of the
analysis.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from io import BytesIO
from typing import TYPE_CHECKING, Any

from chirpleaf.report.drawing import SameProcess, fork_later

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from chirpleaf.plots.canvas import Canvas
    from chirpleaf.plots.intervals import Interval
    from chirpleaf.plots.panels import CornerPanels
    from chirpleaf.report.pages import Page
    from chirpleaf.strain.segment import Segment

BAND = (30.0, 400.0)
"""Lower and upper frequency of the whitened strain in the figure, Hz."""

PNG: dict[str, Any] = {"format": "png", "pil_kwargs": {"compress_level": 3}}
"""Arguments of `savefig`. The usual compression, level 6, takes 0.1 s longer for a file that is 7 % smaller."""

_EMPTY: "dict[tuple[str, ...], CornerPanels]" = {}
"""Panels that `prepare_drawing` has made, by their parameters."""

_IMAGES: dict[str, bytes] = {}
"""PNG files that the report will show, by name."""

_CANVASES: "dict[str, Canvas]" = {}
"""Pictures that are drawn and lack the verdict, by name."""

_CORNER: "list[Future[None]]" = []
"""The drawing of the corner plot, if it has begun."""

_beside: Executor = SameProcess()
"""Draws the corner plot, which takes as long as all others together."""


def prepare_processes() -> None:
    """`prepare_drawing`, in a process that may fork itself: the corner plot is drawn beside the others."""
    global _beside  # noqa: PLW0603 - state of the drawing process
    prepare_drawing()
    _beside = fork_later()


def prepare_drawing() -> None:
    """Imports matplotlib, and draws the empty panels of a posterior's corner plot.

    This loads fonts and symbols early. The panels are filled when the samples exist.
    """
    import chirpleaf.plots.canvas
    import chirpleaf.plots.corner
    import chirpleaf.plots.sky
    import chirpleaf.plots.strain
    import chirpleaf.plots.time_frequency
    import chirpleaf.strain.q_transform  # noqa: F401 - imported for the figures that follow
    from chirpleaf.plots.panels import make_panels
    from chirpleaf.report.page import PACKAGE
    from chirpleaf.report.templates import load_page
    from chirpleaf.result.posterior import HEADLINE

    _EMPTY[HEADLINE] = make_panels(HEADLINE)
    _EMPTY[HEADLINE].figure.savefig(BytesIO(), **PNG)
    load_page(PACKAGE)


def draw_corner(
    samples: "Mapping[str, ArrayLike]",
    notes: Sequence[str] = (),
    others: "Mapping[str, ArrayLike] | None" = None,
    others_name: str = "",
) -> None:
    """Draws the marginals of a posterior.

    Args:
        samples: parameter name to samples.
        notes: lines beside the panels.
        others: other samples of the event, drawn as lines; may be empty.
        others_name: their name in the legend.
    """
    _CORNER.append(_beside.submit(_draw_corner, samples, notes, others, others_name))


def _draw_corner(
    samples: "Mapping[str, ArrayLike]",
    notes: Sequence[str],
    others: "Mapping[str, ArrayLike] | None",
    others_name: str,
) -> None:
    from chirpleaf.plots.canvas import Canvas
    from chirpleaf.plots.corner import plot_corner

    parameters = tuple(samples)
    figure = plot_corner(
        samples,
        parameters,
        references={others_name: others} if others else None,
        empty=_EMPTY.pop(parameters, None),
        notes=notes,
    )
    _CANVASES["corner"] = Canvas(figure)


def draw_strain(trigger_time: float, names: tuple[str, ...], view: tuple[Any, ...]) -> None:
    """Draws the whitened strain of each detector and the interval of the signals.

    Args:
        trigger_time: GPS time, seconds.
        names: names of the detectors.
        view: the arrays of an `inference.reconstruction.WhitenedView`.
    """
    from chirpleaf.plots.canvas import Canvas
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
    _CANVASES["strain"] = Canvas(figure)


def draw_time_frequency(segment: "Segment", window: tuple[float, float], trigger_time: float) -> None:
    """Computes and draws the Q-transform of each detector, before the verdict is known.

    Args:
        segment: the data.
        window: GPS times of the first and the last column, seconds.
        trigger_time: GPS time, seconds.
    """
    from chirpleaf.plots.canvas import Canvas
    from chirpleaf.plots.time_frequency import plot_time_frequency
    from chirpleaf.strain.q_transform import q_transform

    figure = plot_time_frequency(*q_transform(segment, window), segment.detectors, trigger_time=trigger_time)
    _CANVASES["time-frequency"] = Canvas(figure)


def draw_sky(probability: Any, direction: tuple[float, float], area_50: float, area_90: float) -> None:
    """Draws the sky map.

    Args:
        probability: of each HEALPix pixel, in nested order.
        direction: right ascension and declination of the largest density, rad.
        area_50: area of the 50 % region, square degrees.
        area_90: area of the 90 % region, square degrees.
    """
    import numpy as np

    from chirpleaf.plots.canvas import Canvas
    from chirpleaf.plots.sky import Direction, plot_sky
    from chirpleaf.result.healpix import find_pixel

    side = round(np.sqrt(len(probability) / 12))
    figure = plot_sky(
        lambda ra, dec: np.asarray(probability[find_pixel(ra, dec, side)], np.float64),
        Direction(*direction),
        area_50=area_50,
        area_90=area_90,
        pixel=float(np.degrees(np.sqrt(4 * np.pi / len(probability)))),
    )
    _CANVASES["sky"] = Canvas(figure)


def draw_planes(
    name: str,
    samples: "Mapping[str, ArrayLike]",
    pairs: Sequence[tuple[str, str]],
    published: "Mapping[str, Interval]",
    published_name: str,
) -> None:
    """Draws credible regions of pairs of parameters.

    Args:
        name: name of the picture.
        samples: as for `plots.regions.plot_planes`.
        pairs: the same.
        published: the same.
        published_name: the same.
    """
    from chirpleaf.plots.canvas import Canvas
    from chirpleaf.plots.regions import plot_planes

    _CANVASES[name] = Canvas(plot_planes(samples, pairs, published=published, published_name=published_name))


def draw_spins(samples: "Mapping[str, ArrayLike]", largest: float) -> None:
    """Draws magnitude and tilt of both spins.

    Args:
        samples: as for `plots.spins.plot_spin_disks`.
        largest: the same.
    """
    from chirpleaf.plots.canvas import Canvas
    from chirpleaf.plots.spins import plot_spin_disks

    _CANVASES["spins"] = Canvas(plot_spin_disks(samples, largest=largest))


def draw_precession(samples: "Mapping[str, ArrayLike]") -> None:
    """Draws the marginals of the parameters of precession.

    Args:
        samples: parameter name to samples.
    """
    from chirpleaf.plots.canvas import Canvas
    from chirpleaf.plots.corner import plot_corner

    _CANVASES["precession"] = Canvas(plot_corner(samples, tuple(samples)))


def finish_pictures(
    names: Sequence[str], word: str | None, notes: Sequence[str] = (), line: int = 0
) -> dict[str, bytes]:
    """Writes the verdict on drawn pictures and keeps them for the report.

    Args:
        names: names of the pictures.
        word: the verdict that is written across each picture, or None.
        notes: further lines beside the panels of the corner plot.
        line: place of the first of them.

    Returns:
        PNG files by name.
    """
    while _CORNER:
        _CORNER.pop().result()  # it raises what went wrong
    corner = _beside.submit(_finish_picture, "corner", word, notes, line) if "corner" in names else None
    images = {name: _finish_picture(name, word) for name in names if name != "corner"}
    if corner is not None:
        images["corner"] = corner.result()
    _IMAGES.update(images)
    return images


def _finish_picture(name: str, word: str | None, notes: Sequence[str] = (), line: int = 0) -> bytes:
    from chirpleaf.plots.corner import write_notes
    from chirpleaf.plots.style import stamp

    canvas = _CANVASES.pop(name)
    for text in write_notes(canvas.figure, notes, line=line, below_legend=bool(canvas.figure.legends)):
        canvas.write(text)
    if word is not None:
        canvas.write(stamp(canvas.figure, word))
    return canvas.encode()


def render_report(page: "Page") -> bytes:
    """Renders the report with the pictures that were finished for it.

    Args:
        page: content of the report.

    Returns:
        An HTML file in UTF-8.
    """
    from chirpleaf.report.page import render

    html = render(page, _IMAGES)
    _IMAGES.clear()
    _CANVASES.clear()
    return html.encode("utf-8")
