"""Panels of a corner plot: the lower triangle of a square grid of axes, with labels on the left and at the bottom."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from chirpleaf.plots import style


class CornerPanels(NamedTuple):
    """A figure and its axes.

    Attributes:
        figure: The figure.
        axes: Axes by (row, column), where column <= row.
    """

    figure: style.StyledFigure
    axes: Mapping[tuple[int, int], Axes]


@style.with_settings
def make_panels(parameters: Sequence[str]) -> CornerPanels:
    """Make the panels of a corner plot, without limits and content.

    Args:
        parameters: Parameter names, in order.
    """
    count = len(parameters)
    size = {1: 2.6, 2: 1.9}.get(count, 1.2 if count > 6 else 1.5)
    left, top = 0.85, 0.4
    side = left + size * count + top
    figure = style.new_figure(side, side, layout=None)
    figure.subplots_adjust(left / side, left / side, 1 - top / side, 1 - top / side, wspace=0.06, hspace=0.06)
    grid = figure.add_gridspec(count, count)
    axes = {(row, column): figure.add_subplot(grid[row, column]) for row in range(count) for column in range(row + 1)}
    for (row, column), panel in axes.items():
        _style_axis(panel.xaxis, labelled=row == count - 1)
        if row == column:
            panel.set(yticks=[], ylim=(0.0, 1.12))
        else:
            _style_axis(panel.yaxis, labelled=column == 0)
    for index, parameter in enumerate(parameters):
        set_label(axes, index, style.axis_label(parameter))
        axes[count - 1, index].xaxis.set_label_coords(0.5, -0.29 / size)
        axes[index, 0].yaxis.set_label_coords(-0.48 / size, 0.5)
    return CornerPanels(figure, axes)


def set_label(axes: Mapping[tuple[int, int], Axes], index: int, text: str) -> None:
    """Label the column and row of one parameter.

    Args:
        axes: Axes by (row, column).
        index: Index of the parameter.
        text: Symbol and unit.
    """
    last = max(row for row, _ in axes)
    axes[last, index].set_xlabel(text).set_fontsize(13)
    if index:
        axes[index, 0].set_ylabel(text).set_fontsize(13)


def set_limits(axes: Mapping[tuple[int, int], Axes], limits: Sequence[tuple[float, float]]) -> None:
    """Set the range and the ticks of each parameter.

    Args:
        axes: Axes by (row, column).
        limits: Lower and upper end by parameter.
    """
    ticks = [_choose_ticks(*ends).tolist() for ends in limits]
    for (row, column), panel in axes.items():
        panel.set_xlim(limits[column])
        panel.xaxis.set_major_locator(FixedLocator(ticks[column]))
        if row != column:
            panel.set_ylim(limits[row])
            panel.yaxis.set_major_locator(FixedLocator(ticks[row]))


def _style_axis(axis: XAxis | YAxis, *, labelled: bool) -> None:
    """Set the style of the ticks; tick labels appear only at the rim of the figure."""
    axis.set_tick_params(labelsize=9, length=3)
    if not labelled:
        axis.set_major_formatter(NullFormatter())


def _choose_ticks(low: float, high: float) -> NDArray[np.float64]:
    """Choose two or three round tick values, far enough from the edges that labels of adjacent panels do not touch."""
    edge = 0.12 * (high - low)
    for count in (3, 4, 5, 6):
        ticks = np.asarray(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
        kept = ticks[(ticks >= low + edge) & (ticks <= high - edge)]
        if len(kept) >= 2:
            break
    return np.asarray(kept[:: 2 if len(kept) > 3 else 1], np.float64)
