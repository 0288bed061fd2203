"""Errors of estimates against signal-to-noise ratio."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
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
    kinds: Mapping[str, str] | None = None,
) -> Figure:
    """Draw median errors by bin of signal-to-noise ratio, one line per parameter or network.

    Errors of different kinds, relative ones of masses and absolute ones of spins, have an axis each.

    Args:
        bins: Names of the bins.
        medians: By parameter or other name, the median error in each bin; None for an empty bin.
        group_label: Quantity that is binned; label of the horizontal axis.
        error_label: Label of the vertical axis.
        levels: Reference errors by name, drawn as dashed lines.
        kinds: By parameter, the kind of its error; all of one kind if None.

    Returns:
        The figure.

    Raises:
        InputError: If there is nothing to draw, or a line does not have one error per bin.
    """
    if not medians or any(len(values) != len(bins) for values in medians.values()):
        raise InputError(f"expected errors for each of {len(bins)} bins; got another number, or none")
    by_kind: dict[str, dict[str, Sequence[float | None]]] = {}
    for name, values in medians.items():
        by_kind.setdefault((kinds or {}).get(name, ""), {})[name] = values
    figure = style.new_figure(6.4 if len(by_kind) == 1 else 4.8 * len(by_kind), 4.0, dpi=130)
    panels = figure.subplots(1, len(by_kind), squeeze=False)[0]
    for panel, (kind, rows) in zip(panels, by_kind.items(), strict=True):
        _draw_errors(panel, bins, rows, list(medians))
        for name, level in (levels or {}).items():
            panel.axhline(level, color=style.GREY, linestyle="--", linewidth=1.0, label=name)
        label = error_label if len(by_kind) == 1 else error_label.replace("error", f"{kind} error")
        panel.set(xlabel=group_label, ylabel=label)
        panel.legend()
        style.hide_spines(panel, "top", "right")
    return figure


def _draw_errors(
    panel: Axes, bins: Sequence[str], medians: Mapping[str, Sequence[float | None]], order: Sequence[str]
) -> None:
    """Draw the lines of one axis; a parameter has the colour of its place among all."""
    panel.set_yscale("log")
    panel.grid(axis="y")
    places = np.arange(len(bins))
    for name, values in medians.items():
        heights = np.array([np.nan if value is None else value for value in values], np.float64)
        colour = style.CYCLE[order.index(name) % 7]
        panel.plot(places, heights, "o-", color=colour, markersize=5, label=style.symbol(name))
    panel.set_xticks(places, [name.replace("-", "\N{EN DASH}") for name in bins])
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())
