"""Loss curves of training runs against time or steps, for ablation studies.

The validation loss is the mean of -ln q(theta | d) in nats. A loss that is lower by 0.1 nats means that the posterior
density at the true parameters is higher by 10 % (geometric mean over examples).
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import ArrayLike

from chirpleaf.errors import InputError
from chirpleaf.plots import style


@style.with_settings
def plot_losses(
    runs: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    against: str = "minutes",
    loss_label: str = "validation loss [nats]",
    logarithmic: bool = False,
) -> Figure:
    """Draw the loss of several runs; the legend gives each run's last value.

    Args:
        runs: By name of the run, positions (minutes or steps) and losses in nats, each of shape (n,).
        against: Label of the horizontal axis.
        loss_label: Label of the vertical axis.
        logarithmic: Whether the horizontal axis is logarithmic.

    Returns:
        The figure.

    Raises:
        InputError: If there is no run, or a run does not have one loss per position.
    """
    if not runs:
        raise InputError("expected at least one run; got none")
    figure = style.new_figure(8.6, 4.2)
    axes = figure.add_subplot(xscale="log" if logarithmic else "linear")
    axes.grid(axis="y")
    last = []
    for index, (name, (positions, losses)) in enumerate(runs.items()):
        x, y = np.asarray(positions, np.float64), np.asarray(losses, np.float64)
        if x.shape != y.shape or x.ndim != 1 or not len(x):
            raise InputError(f"expected one loss of run {name} per position; got shapes {y.shape} and {x.shape}")
        last.append(float(y[np.isfinite(y)][-1]) if np.isfinite(y).any() else np.nan)
        colour = style.CYCLE[index % 7]
        axes.plot(
            x,
            y,
            color=colour,
            linestyle=("-", "--", ":")[index // 7 % 3],
            label=f"{name} ({style.format_number(last[-1])})",
        )
        axes.plot(x[-1], y[-1], "o", color=colour, markersize=4)
    handles, labels = axes.get_legend_handles_labels()
    order = np.argsort(last)[::-1]
    figure.legend(
        [handles[index] for index in order],
        [labels[index] for index in order],
        title="run (last value)",
        loc="outside right upper",  # beside the curves, which many names would cover
    )
    axes.set(xlabel=against, ylabel=loss_label)
    if not logarithmic:
        axes.set_xlim(left=0.0)
    else:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    style.hide_spines(axes, "top", "right")
    return figure
