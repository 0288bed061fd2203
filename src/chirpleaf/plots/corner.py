"""Corner plot: one- and two-dimensional marginals of a posterior, with an optional reference posterior.

Filled regions hold 50 % and 90 % of the posterior; titles give the median and the 90 % interval. The module replaces
the `corner` package: it takes less than half the time for nine parameters, does not use pyplot, and estimates
densities without bias at the edge of a prior.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.plots import style
from chirpleaf.plots.density import Axis, estimate_density_1d, extend_to_edges
from chirpleaf.plots.panels import CornerPanels, make_panels, set_label, set_limits
from chirpleaf.plots.regions import draw_regions

Array = NDArray[np.float64]


LEAST_FOR_NOTES = 3
"""Parameters below which a corner plot has no room for notes."""


@dataclass(frozen=True)
class _DrawnPosterior:
    """Samples of one posterior and their drawing style."""

    samples: Mapping[str, Array]
    weights: Array
    colour: str
    filled: bool
    name: str


@style.with_settings
def plot_corner(
    samples: Mapping[str, ArrayLike],
    parameters: Sequence[str],
    *,
    weights: ArrayLike | None = None,
    references: Mapping[str, Mapping[str, ArrayLike]] | None = None,
    truths: Mapping[str, float] | None = None,
    name: str = "chirpleaf",
    empty: CornerPanels | None = None,
    notes: Sequence[str] = (),
) -> Figure:
    """Draw the one- and two-dimensional marginals of a posterior.

    Args:
        samples: Posterior samples by parameter name, each of shape (n,), in the unit of `PARAMETERS`.
        parameters: Parameters to draw, in order.
        weights: Importance weights of the samples, shape (n,), not necessarily normalised; None means equal weights.
        references: Samples of other posteriors by their names in the legend, each of shape (m,), drawn as lines where
            they have the parameter, each posterior in a colour of its own.
        truths: True values to mark, in the same units.
        name: Name of the posterior in the legend. The legend is drawn if there is a reference or a truth.
        empty: Panels of these parameters (`make_panels`) to draw into, made beforehand where time matters later.
        notes: Lines for the free corner, a title first: event, verdict, distance. There is none of less than three
            parameters.

    Returns:
        The figure.

    Raises:
        InputError: If a parameter has no samples, or samples or weights are invalid.
    """
    if not parameters:
        raise InputError("expected at least one parameter to draw; got none: name some of the posterior's")
    offsets = {parameter: _choose_offset(samples.get(parameter, [])) for parameter in parameters}
    posteriors = [_check_posterior(samples, offsets, weights, style.BLUE, True, name)]
    drawn = references or {}
    for (label, other), colour in zip(drawn.items(), cycle(style.CYCLE[1:]), strict=False):
        shared = {parameter: offset for parameter, offset in offsets.items() if parameter in other}
        posteriors.append(_check_posterior(other, shared, None, colour, False, label))
    limits = {parameter: _choose_limits(parameter, posteriors, offsets[parameter]) for parameter in parameters}
    figure, panels = empty or make_panels(parameters)
    set_limits(panels, [limits[parameter] for parameter in parameters])
    for posterior in posteriors:
        _draw_posterior(panels, parameters, posterior, limits)
    for index, parameter in enumerate(parameters):
        panels[index, index].set_title(_format_title(parameter, posteriors[0], offsets[parameter]), fontsize=11, pad=5)
        if offsets[parameter]:
            set_label(panels, index, style.axis_label(parameter, offsets[parameter]))
    _mark_truths(panels, parameters, {key: value - offsets.get(key, 0.0) for key, value in (truths or {}).items()})
    if drawn or truths:
        _add_legend(figure, panels, _make_handles(posteriors, bool(truths)))
    write_notes(figure, notes, below_legend=bool(drawn or truths))
    return figure


def _choose_offset(values: ArrayLike) -> float:
    """Choose an offset to subtract from values that differ in their last digits only, such as GPS times.

    Equal values count as if they spread over one unit.
    """
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    if not len(finite) or np.abs(finite).max() < 1e5 * (np.ptp(finite) or 1.0):
        return 0.0
    return float(np.floor(np.median(finite)))


def _check_posterior(
    samples: Mapping[str, ArrayLike],
    offsets: Mapping[str, float],
    weights: ArrayLike | None,
    colour: str,
    filled: bool,
    name: str,
) -> _DrawnPosterior:
    """Check samples and weights, subtract the offsets and normalise the weights."""
    missing = [parameter for parameter in offsets if parameter not in samples]
    if missing:
        raise InputError(f"expected samples of {', '.join(missing)}; got {', '.join(samples)}: leave them out")
    arrays = {parameter: np.asarray(samples[parameter], np.float64) - offset for parameter, offset in offsets.items()}
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) > 1 or any(len(shape) != 1 or shape[0] < 1 for shape in shapes):
        raise InputError(f"expected samples of one shape (n,), n > 0; got {sorted(shapes)}")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise InputError(f"expected finite samples of {name}; got NaN or infinity: drop them first")
    size = next(iter(shapes))[0] if shapes else 1
    scaled = np.ones(size) if weights is None else np.asarray(weights, np.float64)
    if scaled.shape != (size,) or not np.isfinite(scaled).all() or (scaled < 0).any() or scaled.sum() <= 0:
        raise InputError(f"expected finite weights >= 0 of shape ({size},), not all zero; got shape {scaled.shape}")
    return _DrawnPosterior(arrays, scaled / scaled.sum(), colour, filled, name)


def _choose_limits(parameter: str, posteriors: Sequence[_DrawnPosterior], offset: float) -> tuple[float, float]:
    """Choose the range of one parameter's panels, within the parameter's allowed range.

    Network posteriors hold a defensive component of 1 % that covers the whole prior, so the range is set by the
    central 98 % of each posterior.
    """
    drawn = [posterior for posterior in posteriors if parameter in posterior.samples]
    ends = np.array([_compute_quantiles(posterior, parameter, (0.01, 0.99)) for posterior in drawn])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    margin = 0.3 * (high - low) or 1e-3 * abs(high) or 1e-3
    low, high = low - margin, high + margin
    if parameter in PARAMETERS and not offset:
        low, high = max(low, PARAMETERS[parameter].minimum), min(high, PARAMETERS[parameter].maximum)
    return low, high


def _compute_quantiles(posterior: _DrawnPosterior, parameter: str, probabilities: Sequence[float]) -> Array:
    """Compute quantiles of weighted samples."""
    values = posterior.samples[parameter]
    order = np.argsort(values)
    weights = posterior.weights[order]
    return np.interp(probabilities, np.cumsum(weights) - weights / 2, values[order])


def _draw_posterior(
    panels: Mapping[tuple[int, int], Axes],
    parameters: Sequence[str],
    posterior: _DrawnPosterior,
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
            draw_regions(panel, x, y, posterior.colour, filled=posterior.filled)


def _draw_marginal(panel: Axes, axis: Axis, posterior: _DrawnPosterior) -> None:
    """Draw a one-dimensional marginal."""
    points, density = extend_to_edges(axis), np.pad(estimate_density_1d(axis), 1, mode="edge")
    panel.plot(points, density, color=posterior.colour, linewidth=1.3)
    if posterior.filled:
        panel.fill_between(points, density, color=posterior.colour, alpha=0.2, linewidth=0)


def _format_title(parameter: str, posterior: _DrawnPosterior, offset: float) -> str:
    """Format symbol, median and 90 % interval; the symbol is omitted if an offset was subtracted."""
    lower, median, upper = _compute_quantiles(posterior, parameter, (0.05, 0.5, 0.95))
    text = style.format_interval(median, lower, upper)
    return text if offset else f"{style.symbol(parameter)} = {text}"


def _mark_truths(
    panels: Mapping[tuple[int, int], Axes], parameters: Sequence[str], truths: Mapping[str, float]
) -> None:
    """Mark true values by lines, and by a square where two lines cross."""
    for (row, column), panel in panels.items():
        x, y = truths.get(parameters[column]), truths.get(parameters[row])
        if x is not None:
            panel.axvline(x, color=style.BLACK, linewidth=0.8)
        if y is not None and row != column:
            panel.axhline(y, color=style.BLACK, linewidth=0.8)
        if x is not None and y is not None and row != column:
            panel.plot(x, y, "s", color=style.BLACK, markersize=3)


def _add_legend(figure: Figure, panels: Mapping[tuple[int, int], Axes], handles: Sequence[Patch | Line2D]) -> None:
    """Add the legend to the empty upper right corner, or to the only panel."""
    if len(panels) == 1:
        panels[0, 0].legend(handles=handles, fontsize=9)
    else:
        figure.legend(handles=handles, loc="upper right", bbox_to_anchor=(0.98, 0.97))


@style.with_settings
def write_notes(figure: Figure, notes: Sequence[str], *, line: int = 0, below_legend: bool = False) -> list[Text]:
    """Write lines into the empty upper right corner of a corner plot, the first one as a title.

    Args:
        figure: A corner plot; none is written on one of less than `LEAST_FOR_NOTES` parameters.
        notes: The lines.
        line: Place of the first line, zero for the title.
        below_legend: Whether a legend stands above them.

    Returns:
        The texts.
    """
    if len(figure.axes) < LEAST_FOR_NOTES * (LEAST_FOR_NOTES + 1) // 2:
        return []
    top = 1 - (1.25 if below_legend else 0.25) / figure.get_figheight()
    step = 0.26 / figure.get_figheight()
    texts = []
    for index, note in enumerate(notes, line):
        look: Any = {"fontsize": 13} if index else {"fontsize": 18, "fontweight": "bold"}
        place = top - (index + 0.3 * bool(index)) * step
        texts.append(figure.text(0.98, place, note, ha="right", va="top", **look))
    return texts


def _make_handles(posteriors: Sequence[_DrawnPosterior], with_truths: bool) -> list[Patch | Line2D]:
    """Make the entries of the legend."""
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
