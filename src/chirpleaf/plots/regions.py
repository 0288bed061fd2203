"""Credible regions of two parameters: the panels of final state, distance and inclination, and spins.

Filled regions hold 50 % and 90 % of the posterior. Published values are drawn as their 90 % interval in each parameter.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.plots import style
from chirpleaf.plots.density import Axis, estimate_density_2d, extend_to_edges, find_credible_levels
from chirpleaf.plots.intervals import Interval

PROBABILITIES = (0.9, 0.5)
"""Probabilities of the contours, outermost first, because matplotlib requires increasing density levels."""


PANEL = (3.9, 3.3)
"""Width and height of a panel with its labels, inches."""


def draw_regions(panel: Axes, x: Axis, y: Axis, colour: str, *, filled: bool = True) -> None:
    """Draw the 50 % and 90 % regions of a pair of parameters.

    Args:
        panel: Axes to draw into.
        x: Histogram of the parameter on the horizontal axis.
        y: The same of the vertical axis.
        colour: Colour of lines and fill.
        filled: Whether the regions are filled.
    """
    density = np.pad(estimate_density_2d(x, y), 1, mode="edge")
    levels = find_credible_levels(density[1:-1, 1:-1], PROBABILITIES)
    if filled:
        fills = [to_rgba(colour, alpha) for alpha in (0.2, 0.5)]
        panel.contourf(extend_to_edges(x), extend_to_edges(y), density, [*levels, 1.01 * density.max()], colors=fills)
    panel.contour(extend_to_edges(x), extend_to_edges(y), density, levels, colors=[colour], linewidths=1.0)


@style.with_settings
def plot_planes(
    samples: Mapping[str, ArrayLike],
    pairs: Sequence[tuple[str, str]],
    *,
    published: Mapping[str, Interval] | None = None,
    published_name: str = "published",
    name: str = "chirpleaf",
) -> Figure:
    """Draw credible regions, one panel for each pair of parameters. Angles of the inclination are in degrees.

    Args:
        samples: Samples of equal weight by parameter name, each of shape (n,), in the unit of `PARAMETERS`.
        pairs: Names of the parameters on the horizontal and vertical axis of each panel.
        published: By parameter, median and errors (90 %) to mark, in the unit of `PARAMETERS`.
        published_name: Their name in the legend.
        name: Name of the posterior in the legend.

    Returns:
        The figure.

    Raises:
        InputError: If there is no pair, or a parameter has no samples.
    """
    if not pairs:
        raise InputError("expected at least one pair of parameters to draw; got none: name some")
    absent = [one for pair in pairs for one in pair if one not in samples]
    if absent:
        raise InputError(f"expected samples of {', '.join(absent)}; got {', '.join(samples)}: leave them out")
    width = PANEL[0] * len(pairs)
    figure = style.new_figure(width, PANEL[1], dpi=130, layout=None)  # a layout engine would draw everything twice
    figure.subplots_adjust(left=0.75 / width, right=1 - 0.12 / width, bottom=0.17, top=0.97, wspace=0.29)
    panels = figure.subplots(1, len(pairs), squeeze=False)[0]
    known = published or {}
    for panel, pair in zip(panels, pairs, strict=True):
        _draw_plane(panel, samples, pair, known, published_name)
        if _is_marked(pair, known):
            panel.plot([], [], color=style.BLUE, linewidth=6, alpha=0.5, label=name)
            panel.legend(loc="upper left", fontsize=10)
    return figure


def _draw_plane(
    panel: Axes,
    samples: Mapping[str, ArrayLike],
    pair: tuple[str, str],
    published: Mapping[str, Interval],
    published_name: str,
) -> None:
    """Draw one panel, its labels and a published pair of values."""
    values = [_convert(one, samples[one]) for one in pair]
    marked = [_convert_interval(one, published[one]) for one in pair] if _is_marked(pair, published) else []
    limits = [_choose_limits(one, array) for one, array in zip(pair, values, strict=True)]
    if marked:
        limits = [
            (min(low, found.median - 1.2 * found.lower), max(high, found.median + 1.2 * found.upper))
            for (low, high), found in zip(limits, marked, strict=True)
        ]
    weights = np.full(len(values[0]), 1 / len(values[0]))
    x, y = (Axis(array, weights, ends) for array, ends in zip(values, limits, strict=True))
    draw_regions(panel, x, y, style.BLUE)
    if marked:
        errors = [[[found.lower], [found.upper]] for found in marked]
        panel.errorbar(
            marked[0].median,
            marked[1].median,
            xerr=errors[0],
            yerr=errors[1],
            fmt="o",
            markersize=4,
            color=style.VERMILION,
            capsize=3,
            linewidth=1.3,
            label=published_name,
        )
    panel.set(xlim=limits[0], ylim=limits[1], xlabel=_label(pair[0]), ylabel=_label(pair[1]))
    if pair[1] == "theta_jn":
        panel.set_yticks(range(0, 181, 30))


def _is_marked(pair: tuple[str, str], published: Mapping[str, Interval]) -> bool:
    """Whether both parameters of a panel have published values."""
    return all(one in published for one in pair)


def _convert(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Values in the unit of the panel."""
    array = np.asarray(values, np.float64)
    return np.degrees(array) if name == "theta_jn" else array


def _convert_interval(name: str, interval: Interval) -> Interval:
    """A published interval in the unit of the panel."""
    return Interval(*(float(_convert(name, one)) for one in interval))


def _label(name: str) -> str:
    """Symbol and unit of an axis."""
    return style.axis_label(name).replace("[rad]", "[degrees]")


def _choose_limits(name: str, values: NDArray[np.float64]) -> tuple[float, float]:
    """Range of an axis: that of an angle, or the central 99 % of the samples and a margin."""
    if name == "theta_jn":
        return 0.0, 180.0
    low, high = np.quantile(values, (0.005, 0.995))
    margin = 0.15 * (high - low) or 1e-3 * abs(high) or 1e-3
    return max(float(low - margin), 0.0) if low >= 0 else float(low - margin), float(high + margin)
