"""Errors of estimates against signal-to-noise ratio."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from chirpleaf.errors import InputError
from chirpleaf.plots import style


@style.with_settings
def plot_errors(
    bins: Sequence[str],
    medians: Mapping[str, Sequence[float | None]],
    *,
    group_label: str = "network SNR",
    error_label: str = "median error",
    levels: Mapping[str, float] | None = None,
) -> Figure:
    """Draw median errors by bin of signal-to-noise ratio, one line per parameter or network.

    Args:
        bins: Names of the bins.
        medians: By parameter or other name, the median error in each bin; None for an empty bin.
        group_label: Quantity that is binned; label of the horizontal axis.
        error_label: Label of the vertical axis.
        levels: Reference errors by name, drawn as dashed lines.

    Returns:
        The figure.

    Raises:
        InputError: If there is nothing to draw, or a line does not have one error per bin.
    """
    if not medians or any(len(values) != len(bins) for values in medians.values()):
        raise InputError(f"expected errors for each of {len(bins)} bins; got another number, or none")
    figure = style.new_figure(6.4, 4.0)
    axes = figure.add_subplot(yscale="log")
    axes.grid(axis="y")
    places = np.arange(len(bins))
    for index, (name, values) in enumerate(medians.items()):
        heights = np.array([np.nan if value is None else value for value in values], np.float64)
        axes.plot(places, heights, "o-", color=style.CYCLE[index % 7], markersize=5, label=style.symbol(name))
    for name, level in (levels or {}).items():
        axes.axhline(level, color=style.GREY, linestyle="--", linewidth=1.0, label=name)
    axes.set_xticks(places, [name.replace("-", "\N{EN DASH}") for name in bins])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel=group_label, ylabel=error_label)
    axes.legend()
    style.hide_spines(axes, "top", "right")
    return figure
