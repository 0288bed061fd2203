"""Corner plot: every marginal and every pair of a posterior, over a reference if there is one.

Filled regions hold 50 % and 90 % of the posterior; a title gives median and 90 % interval. It draws its own panels
rather than those of the `corner` package, in less than half of its time for nine parameters, without pyplot, and
with densities that keep their height at a prior's edge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.plots import style
from chirpleaf.plots.density import Axis, credible_levels, density_1d, density_2d, to_edges

Array = NDArray[np.float64]

PROBABILITIES = (0.9, 0.5)
"""Probability held by the contours, outer first: increasing density, as matplotlib wants its levels."""


@dataclass(frozen=True)
class _Posterior:
    """Samples of one posterior and how they are drawn."""

    samples: Mapping[str, Array]
    weights: Array
    colour: str
    filled: bool
    name: str


@style.styled
def corner(
    samples: Mapping[str, ArrayLike],
    parameters: Sequence[str],
    *,
    weights: ArrayLike | None = None,
    reference: Mapping[str, ArrayLike] | None = None,
    truths: Mapping[str, float] | None = None,
    name: str = "chirpleaf",
    reference_name: str = "reference",
) -> Figure:
    """Draw the one- and two-dimensional marginals of a posterior.

    Args:
        samples: Posterior samples by parameter name, each of shape (n,), in the unit of `PARAMETERS`.
        parameters: Parameters to draw, in order.
        weights: Importance weights of the samples, shape (n,), any scale; None means equal.
        reference: Samples of a second posterior, each of shape (m,), drawn as lines; parameters it lacks are left out.
        truths: Values to mark, in the same units.
        name: The posterior's name in the legend, which appears where there is a reference or a truth.
        reference_name: The reference's name in the legend.

    Returns:
        The figure.

    Raises:
        InputError: If a parameter has no samples, or samples or weights cannot be used.
    """
    if not parameters:
        raise InputError("expected at least one parameter to draw; got none: name some of the posterior's")
    offsets = {parameter: _offset(samples.get(parameter, ())) for parameter in parameters}
    posteriors = [_posterior(samples, offsets, weights, style.BLUE, True, name)]
    if reference is not None:
        shared = {parameter: offset for parameter, offset in offsets.items() if parameter in reference}
        posteriors.append(_posterior(reference, shared, None, style.VERMILION, False, reference_name))
    limits = {parameter: _limits(parameter, posteriors, offsets[parameter]) for parameter in parameters}
    figure, panels = _panels(parameters, limits, offsets)
    for posterior in posteriors:
        _draw(panels, parameters, posterior, limits)
    for index, parameter in enumerate(parameters):
        panels[index, index].set_title(_title(parameter, posteriors[0], offsets[parameter]), fontsize=11, pad=5)
    _mark(panels, parameters, {key: value - offsets.get(key, 0.0) for key, value in (truths or {}).items()})
    if reference is not None or truths:
        _legend(figure, panels, _handles(posteriors, bool(truths)))
    return figure


def _offset(values: ArrayLike) -> float:
    """What is subtracted from a parameter whose values differ in late digits only, as GPS times do."""
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    if not len(finite) or np.abs(finite).max() < 1e5 * np.ptp(finite):
        return 0.0
    return float(np.floor(np.median(finite)))


def _posterior(
    samples: Mapping[str, ArrayLike],
    offsets: Mapping[str, float],
    weights: ArrayLike | None,
    colour: str,
    filled: bool,
    name: str,
) -> _Posterior:
    """Check samples and weights and bring them into arrays, offsets subtracted, weights with sum one."""
    missing = [parameter for parameter in offsets if parameter not in samples]
    if missing:
        raise InputError(f"expected samples of {', '.join(missing)}; got {', '.join(samples)}: leave them out")
    arrays = {parameter: np.asarray(samples[parameter], np.float64) - offset for parameter, offset in offsets.items()}
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) > 1 or any(len(shape) != 1 or shape[0] < 2 for shape in shapes):
        raise InputError(f"expected samples of one shape (n,), n > 1; got {sorted(shapes)}")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise InputError(f"expected finite samples of {name}; got NaN or infinity: drop them first")
    size = next(iter(shapes))[0] if shapes else 1
    scaled = np.ones(size) if weights is None else np.asarray(weights, np.float64)
    if scaled.shape != (size,) or not np.isfinite(scaled).all() or (scaled < 0).any() or scaled.sum() <= 0:
        raise InputError(f"expected finite weights >= 0 of shape ({size},), not all zero; got shape {scaled.shape}")
    return _Posterior(arrays, scaled / scaled.sum(), colour, filled, name)


def _limits(parameter: str, posteriors: Sequence[_Posterior], offset: float) -> tuple[float, float]:
    """Range of one parameter's panels: all posteriors but what few samples far away hold, within what has a meaning.

    Network posteriors keep a hundredth for the whole prior, so the range goes by the 98 % between.
    """
    drawn = [posterior for posterior in posteriors if parameter in posterior.samples]
    ends = np.array([_quantiles(posterior, parameter, (0.01, 0.99)) for posterior in drawn])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    margin = 0.3 * (high - low) or 1e-3 * abs(high) or 1e-3
    low, high = low - margin, high + margin
    if parameter in PARAMETERS and not offset:
        low, high = max(low, PARAMETERS[parameter].minimum), min(high, PARAMETERS[parameter].maximum)
    return low, high


def _quantiles(posterior: _Posterior, parameter: str, probabilities: Sequence[float]) -> Array:
    """Quantiles of weighted samples."""
    values = posterior.samples[parameter]
    order = np.argsort(values)
    weights = posterior.weights[order]
    return np.interp(probabilities, np.cumsum(weights) - weights / 2, values[order])


def _panels(
    parameters: Sequence[str], limits: Mapping[str, tuple[float, float]], offsets: Mapping[str, float]
) -> tuple[style.StyledFigure, dict[tuple[int, int], Axes]]:
    """The lower triangle of axes, labelled at the left and at the bottom."""
    count = len(parameters)
    size = {1: 2.6, 2: 1.9}.get(count, 1.2 if count > 6 else 1.5)
    left, top = 0.85, 0.4
    side = left + size * count + top
    figure = style.figure(side, side, layout=None)
    figure.subplots_adjust(left / side, left / side, 1 - top / side, 1 - top / side, wspace=0.06, hspace=0.06)
    grid = figure.add_gridspec(count, count)
    panels = {}
    for row in range(count):
        for column in range(row + 1):
            axes = panels[row, column] = figure.add_subplot(grid[row, column])
            _prepare(axes.xaxis, limits[parameters[column]], labelled=row == count - 1)
            if row == column:
                axes.set(yticks=[], ylim=(0.0, 1.12))
            else:
                _prepare(axes.yaxis, limits[parameters[row]], labelled=column == 0)
    for index, parameter in enumerate(parameters):
        text = style.axis_label(parameter, offsets[parameter])
        panels[count - 1, index].set_xlabel(text).set_fontsize(13)
        panels[count - 1, index].xaxis.set_label_coords(0.5, -0.29 / size)
        if index:
            panels[index, 0].set_ylabel(text).set_fontsize(13)
            panels[index, 0].yaxis.set_label_coords(-0.48 / size, 0.5)
    return figure, panels


def _prepare(axis: XAxis | YAxis, limits: tuple[float, float], *, labelled: bool) -> None:
    """Limits and ticks of one axis, with numbers at the rim of the figure."""
    (axis.axes.set_xlim if axis.axis_name == "x" else axis.axes.set_ylim)(limits)
    axis.set_major_locator(FixedLocator(_ticks(*limits).tolist()))
    axis.set_tick_params(labelsize=9, length=3)
    if not labelled:
        axis.set_major_formatter(NullFormatter())


def _ticks(low: float, high: float) -> Array:
    """Two or three round numbers, none so near an edge that its text would reach the next panel."""
    edge = 0.12 * (high - low)
    for count in (3, 4, 5, 6):
        ticks = np.asarray(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
        kept = ticks[(ticks >= low + edge) & (ticks <= high - edge)]
        if len(kept) >= 2:
            break
    return np.asarray(kept[:: 2 if len(kept) > 3 else 1], np.float64)


def _draw(
    panels: Mapping[tuple[int, int], Axes],
    parameters: Sequence[str],
    posterior: _Posterior,
    limits: Mapping[str, tuple[float, float]],
) -> None:
    """Draw one posterior into all panels."""
    axes = {
        parameter: Axis(posterior.samples[parameter], posterior.weights, limits[parameter])
        for parameter in parameters
        if parameter in posterior.samples
    }
    for (row, column), panel in panels.items():
        x, y = axes.get(parameters[column]), axes.get(parameters[row])
        if x is None or y is None:
            continue
        if row == column:
            _draw_marginal(panel, x, posterior)
        else:
            _draw_pair(panel, x, y, posterior)


def _draw_marginal(panel: Axes, axis: Axis, posterior: _Posterior) -> None:
    """Draw a one-dimensional marginal."""
    points, density = to_edges(axis), np.pad(density_1d(axis), 1, mode="edge")
    panel.plot(points, density, color=posterior.colour, linewidth=1.3)
    if posterior.filled:
        panel.fill_between(points, density, color=posterior.colour, alpha=0.2, linewidth=0)


def _draw_pair(panel: Axes, x: Axis, y: Axis, posterior: _Posterior) -> None:
    """Draw the 50 % and 90 % regions of a pair of parameters."""
    density = np.pad(density_2d(x, y), 1, mode="edge")
    levels = credible_levels(density[1:-1, 1:-1], PROBABILITIES)
    if posterior.filled:
        fills = [to_rgba(posterior.colour, alpha) for alpha in (0.2, 0.5)]
        panel.contourf(to_edges(x), to_edges(y), density, [*levels, 1.01 * density.max()], colors=fills)
    panel.contour(to_edges(x), to_edges(y), density, levels, colors=[posterior.colour], linewidths=1.0)


def _title(parameter: str, posterior: _Posterior, offset: float) -> str:
    """Symbol, median and 90 % interval; without the symbol where the numbers count from an offset."""
    lower, median, upper = _quantiles(posterior, parameter, (0.05, 0.5, 0.95))
    text = style.interval_text(median, lower, upper)
    return text if offset else f"{style.symbol(parameter)} = {text}"


def _mark(panels: Mapping[tuple[int, int], Axes], parameters: Sequence[str], truths: Mapping[str, float]) -> None:
    """Mark true values by lines, and by a square where two cross."""
    for (row, column), panel in panels.items():
        x, y = truths.get(parameters[column]), truths.get(parameters[row])
        if x is not None:
            panel.axvline(x, color=style.BLACK, linewidth=0.8)
        if y is not None and row != column:
            panel.axhline(y, color=style.BLACK, linewidth=0.8)
        if x is not None and y is not None and row != column:
            panel.plot(x, y, "s", color=style.BLACK, markersize=3)


def _legend(figure: Figure, panels: Mapping[tuple[int, int], Axes], handles: Sequence[Patch | Line2D]) -> None:
    """Put the legend into the empty upper right, or into the only panel."""
    if len(panels) == 1:
        panels[0, 0].legend(handles=handles, fontsize=9)
    else:
        figure.legend(handles=handles, loc="upper right", bbox_to_anchor=(0.98, 0.97))


def _handles(posteriors: Sequence[_Posterior], with_truths: bool) -> list[Patch | Line2D]:
    """What the legend shows."""
    handles: list[Patch | Line2D] = []
    for posterior in posteriors:
        if posterior.filled:
            face = to_rgba(posterior.colour, 0.35)
            handles.append(Patch(facecolor=face, edgecolor=posterior.colour, label=posterior.name))
        else:
            handles.append(Line2D([], [], color=posterior.colour, label=posterior.name))
    if with_truths:
        handles.append(Line2D([], [], color=style.BLACK, marker="s", markersize=3, linewidth=0.8, label="injected"))
    return handles
