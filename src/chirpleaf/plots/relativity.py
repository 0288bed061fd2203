"""The picture of the inspiral-merger-ringdown consistency test (arXiv:1602.02453, figures 1 and 3).

Left, final mass and spin by each part of the signal; right, the joint posterior of the fractional deviations with its
marginals, and the value that general relativity predicts.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.plots import style
from chirpleaf.plots.density import Axis, estimate_density_2d, extend_to_edges, find_credible_levels

Array = NDArray[np.float64]

COLOURS = (style.BLACK, style.ORANGE, style.PURPLE, style.GREEN)
"""Colours of the parts, in their order."""

MASS_DEVIATION, SPIN_DEVIATION = r"$\Delta M_f / \bar{M}_f$", r"$\Delta \chi_f / \bar{\chi}_f$"


class DeviationDensity(NamedTuple):
    """Joint density of both deviations.

    Attributes:
        centres: Centres of the cells along the mass and along the spin, each of shape (bin,).
        density: Probability of each cell, shape (bin of the spin, bin of the mass).
        quantile: Quantile of general relativity, from 0 to 1.
    """

    centres: tuple[Array, Array]
    density: Array
    quantile: float


@style.with_settings
def plot_relativity(
    parts: Mapping[str, Mapping[str, Array]], deviation: DeviationDensity | None, *, title: str = ""
) -> Figure:
    """Draw the remnants by parts of a signal, and the deviations between two of them.

    Args:
        parts: Name of each part to samples of equal weight: final_mass (solar masses) and final_spin, shape (n,).
        deviation: Joint density of the fractional deviations; None leaves its panel out.
        title: Title of the figure, such as the name of the event.

    Returns:
        The figure.

    Raises:
        InputError: If no part has samples.
    """
    drawn = {name: samples for name, samples in parts.items() if len(samples.get("final_mass", ()))}
    if not drawn:
        raise InputError("expected samples of at least one part of the signal; got none: sample it first")
    figure = style.new_figure(10.6 if deviation else 5.3, 4.9, layout=ConstrainedLayoutEngine(wspace=0, hspace=0))
    if deviation is None:
        _draw_remnants(figure.subplots(), drawn)
    else:
        grid = figure.add_gridspec(1, 2, wspace=0.03)
        left, right = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
        _draw_remnants(left.subplots(), drawn)
        _draw_deviation(right, deviation)
    if title:
        figure.suptitle(title, fontsize=13)
    return figure


def _draw_remnants(panel: Axes, parts: Mapping[str, Mapping[str, Array]]) -> None:
    """Draw the 90 % region of final mass and spin of each part."""
    handles = []
    limits = {name: _span([part[name] for part in parts.values()]) for name in ("final_mass", "final_spin")}
    for colour, (name, part) in zip(COLOURS, parts.items(), strict=False):
        weight = np.full(len(part["final_mass"]), 1 / len(part["final_mass"]))
        x, y = (Axis(part[key], weight, limits[key], bins=90) for key in ("final_mass", "final_spin"))
        # Smoothed once more: a region of few effective samples would have islands of single draws.
        smooth = y.smoothing_matrix(2) @ estimate_density_2d(x, y) @ x.smoothing_matrix(2).T
        density = np.pad(smooth, 1, mode="edge")
        (level,) = find_credible_levels(density[1:-1, 1:-1], (0.9,))
        places = extend_to_edges(x), extend_to_edges(y)
        panel.contourf(*places, density, [level, 1.01 * density.max()], colors=[to_rgba(colour, 0.12)])
        panel.contour(*places, density, [level], colors=[colour], linewidths=1.5)
        handles.append(Line2D([], [], color=colour, label=name))
    panel.set(
        xlabel=style.axis_label("final_mass"),
        ylabel=style.axis_label("final_spin"),
        xlim=limits["final_mass"],
        ylim=limits["final_spin"],
    )
    panel.legend(handles=handles, loc="lower right", title="90 % regions")


def _span(values: Sequence[Array]) -> tuple[float, float]:
    """Limits that hold nearly all values of all parts."""
    low = min(float(np.quantile(one, 0.003)) for one in values)
    high = max(float(np.quantile(one, 0.985)) for one in values)
    margin = 0.12 * (high - low or 1.0)
    return low - margin, high + margin


def _draw_deviation(side: SubFigure, found: DeviationDensity) -> None:
    """Draw the joint density with its marginals."""
    sizes = {"width_ratios": [5, 1], "height_ratios": [1, 5], "wspace": 0, "hspace": 0}
    (above, corner), (joint, beside) = side.subplots(2, 2, gridspec_kw=sizes)
    corner.set_axis_off()
    (x, y), density = found.centres, found.density
    outer, inner = find_credible_levels(density, (0.9, 0.5))
    fills = [to_rgba(style.BLUE, alpha) for alpha in (0.2, 0.5)]
    joint.contourf(x, y, density, [outer, inner, 1.01 * density.max()], colors=fills)
    joint.contour(x, y, density, [outer, inner], colors=[style.BLUE], linewidths=1.2)
    joint.plot(0, 0, "+", color=style.BLACK, markersize=13, markeredgewidth=2)
    text = f"general relativity at the {100 * found.quantile:.0f} % quantile"
    joint.text(0.97, 0.03, text, transform=joint.transAxes, fontsize=11, ha="right")
    joint.set(xlabel=MASS_DEVIATION, ylabel=SPIN_DEVIATION, xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    above.fill_between(x, density.sum(axis=0), color=style.BLUE, alpha=0.35, linewidth=0)
    above.axvline(0, color=style.BLACK, linewidth=0.8)
    above.set(xlim=(x[0], x[-1]), ylim=(0, None))
    beside.fill_betweenx(y, density.sum(axis=1), color=style.BLUE, alpha=0.35, linewidth=0)
    beside.axhline(0, color=style.BLACK, linewidth=0.8)
    beside.set(xlim=(0, None), ylim=(y[0], y[-1]))
    for axes in (above, beside):
        axes.set_xticks([])
        axes.set_yticks([])
        style.hide_spines(axes, "top", "right", "left" if axes is above else "bottom")
