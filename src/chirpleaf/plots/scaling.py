"""Weak-scaling efficiency of training against the number of ranks, measured and predicted."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from chirpleaf.errors import InputError
from chirpleaf.plots import style

FAR = 0.1
"""Efficiency by which a measurement lies below the prediction before the figure says why that may be."""


@style.with_settings
def plot_efficiency(
    predicted: Mapping[str, Mapping[int, float]],
    measured: Mapping[str, Mapping[int, float]],
    *,
    levels: Mapping[str, tuple[int, float]] | None = None,
) -> Figure:
    """Draw weak-scaling efficiency: a line per prediction, points for measurements.

    Args:
        predicted: By name, the predicted efficiency for each number of ranks.
        measured: By name, the measured efficiency for each number of ranks.
        levels: By author, a published number of ranks and efficiency, drawn as a star.

    Returns:
        The figure.

    Raises:
        InputError: If there is no prediction.
    """
    if not predicted:
        raise InputError("expected at least one prediction; got none")
    figure = style.new_figure(7.0, 4.2)
    axes = figure.add_subplot(xscale="log")
    axes.grid(axis="y")
    for index, (name, curve) in enumerate(predicted.items()):
        axes.plot(
            list(curve),
            list(curve.values()),
            color=style.CYCLE[index // 2 % 7],
            linestyle=("-", "--")[index % 2],
            label=name,
        )
    for index, (name, points) in enumerate(measured.items()):
        axes.plot(list(points), list(points.values()), "o", color=style.CYCLE[index % 7], markersize=5, label=name)
    for name, (ranks, level) in (levels or {}).items():
        axes.plot(ranks, level, "*", color=style.GREY, markersize=11, label=name)
    axes.xaxis.set_major_locator(NullLocator())
    axes.xaxis.set_minor_locator(NullLocator())
    places = [1, 4, 16, 64, 256, 1024]
    axes.set_xticks(places, [f"{place:,}" for place in places])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.set(xlabel="ranks", ylabel="weak-scaling efficiency", ylim=(0, 1.05))
    axes.legend(loc="lower left")
    if note := describe_difference(predicted, measured):
        axes.set_title(note, fontsize=10.5, loc="left")
    style.hide_spines(axes, "top", "right")
    return figure


def describe_difference(
    predicted: Mapping[str, Mapping[int, float]], measured: Mapping[str, Mapping[int, float]]
) -> str:
    """What a reader must know where a measurement lies far below every prediction; empty if none does.

    Args:
        predicted: By name, the predicted efficiency for each number of ranks.
        measured: The same of measurements.

    Example:
        >>> describe_difference({"a": {2: 0.99}}, {"b": {2: 0.47}})
        'measured 47 % where 99 % are predicted (2 ranks): the ranks shared cores, or other work ran'
    """
    worst: tuple[float, str] = (FAR, "")
    for points in measured.values():
        for ranks, value in points.items():
            expected = min((curve[ranks] for curve in predicted.values() if ranks in curve), default=0.0)
            if expected - value > worst[0]:
                text = f"measured {value:.0%} where {expected:.0%} are predicted ({ranks} ranks)".replace("%", " %")
                worst = (expected - value, f"{text}: the ranks shared cores, or other work ran")
    return worst[1]
