"""Calibration figures: P-P plot and coverage of credible intervals by group of injections.

Each curve of a P-P plot is the empirical cumulative distribution of one parameter's percentile ranks. For calibrated
posteriors the curves follow the diagonal within the 1, 2 and 3 sigma bands of the binomial distribution.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from chirpleaf.errors import InputError
from chirpleaf.plots import style

Array = NDArray[np.float64]

WIDEST = 12.0
"""Greatest width of a figure, inches: 1,440 pixels. More groups move together."""

LINE_STYLES: Sequence[str] = ("-", "--", ":")


def binomial_band(probabilities: ArrayLike, count: int, sigmas: float) -> tuple[Array, Array]:
    """Compute the band of a P-P plot that calibrated posteriors stay within.

    The number of ranks below probability p is binomial with `count` trials of probability p.

    Args:
        probabilities: Probabilities in [0, 1], shape (n,).
        count: Number of injections.
        sigmas: Half width of the band in Gaussian standard deviations: 1 holds 68 %, 2 hold 95 %.

    Returns:
        Lower and upper fraction of ranks, each of shape (n,).
    """
    tail = stats.norm.sf(sigmas)
    probabilities = np.asarray(probabilities, np.float64)
    lower, upper = (stats.binom.ppf(quantile, count, probabilities) / count for quantile in (tail, 1.0 - tail))
    return np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)


@style.with_settings
def plot_pp(
    ranks: Mapping[str, ArrayLike],
    *,
    p_values: Mapping[str, float] | None = None,
    combined_p_value: float | None = None,
) -> Figure:
    """Draw a P-P plot.

    Args:
        ranks: Percentile ranks by parameter name, each of shape (n_injections,).
        p_values: P-value of each parameter's uniformity test; the legend shows it.
        combined_p_value: Combined p-value of all parameters; the title shows it.

    Returns:
        The figure.

    Raises:
        InputError: If there is no parameter, or the parameters differ in the number of injections.
    """
    arrays = {name: np.sort(np.asarray(values, np.float64)) for name, values in ranks.items()}
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) != 1:
        raise InputError(f"expected ranks of one shape (n_injections,) for every parameter; got {sorted(shapes)}")
    count = len(next(iter(arrays.values())))
    figure = style.new_figure(5.4, 5.6)
    axes = figure.add_subplot(aspect="equal", xlim=(0, 1), ylim=(0, 1))
    grid = np.linspace(0.0, 1.0, 501)
    for sigmas in (3, 2, 1):
        axes.fill_between(grid, *binomial_band(grid, count, sigmas), color=style.BLACK, alpha=0.1, linewidth=0)
    fractions = np.concatenate([[0.0], np.arange(1, count + 1) / count, [1.0]])
    for index, (name, values) in enumerate(arrays.items()):
        colour, line = style.CYCLE[index % 7], LINE_STYLES[index // 7 % 3]
        text = style.symbol(name) + (f" ({p_values[name]:.3f})" if p_values and name in p_values else "")
        axes.plot([0.0, *values, 1.0], fractions, line, color=colour, linewidth=1.3, label=text, drawstyle="steps-post")
    axes.set(xlabel="credible level", ylabel="fraction of injections within it")
    axes.set_title(_format_title(count, combined_p_value), fontsize=12)
    title = "parameter (p-value)" if p_values else None
    axes.legend(loc="upper left", title=title, fontsize=10.5, handlelength=1.4, labelspacing=0.3)
    return figure


def _format_title(count: int, combined_p_value: float | None) -> str:
    """Format the title: number of injections and combined p-value."""
    text = f"{count:,} injections"
    return text if combined_p_value is None else f"{text}, combined p-value {combined_p_value:.3f}"


@style.with_settings
def plot_coverage(
    groups: Sequence[str],
    coverage: Mapping[str, ArrayLike],
    *,
    level: float = 0.9,
    group_label: str = "network SNR",
) -> Figure:
    """Draw the coverage of a credible interval for each group of injections.

    Args:
        groups: Names of the groups, shape (n_groups,).
        coverage: By parameter name, the coverage and its lower and upper confidence limits, shape (n_groups, 3).
        level: Nominal probability of the interval.
        group_label: Quantity that defines the groups; label of the horizontal axis.

    Returns:
        The figure.

    Raises:
        InputError: If there is no parameter, or an array does not have one row per group.
    """
    if not coverage:
        raise InputError("expected coverage of at least one parameter; got none")
    width = max(6.0, 1.6 + 0.22 * len(groups) * (len(coverage) + 2))
    figure = style.new_figure(min(width, WIDEST), 3.8, dpi=120)
    axes = figure.add_subplot()
    axes.axhline(level, color=style.BLACK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    offsets = (np.arange(len(coverage)) - (len(coverage) - 1) / 2) * 0.8 / (len(coverage) + 1)
    for index, (name, values) in enumerate(coverage.items()):
        array = np.asarray(values, np.float64)
        if array.shape != (len(groups), 3):
            raise InputError(f"expected coverage of {name} of shape ({len(groups)}, 3); got {array.shape}")
        fraction, lower, upper = array.T
        errors = np.maximum([fraction - lower, upper - fraction], 0.0)
        colour, marker = style.CYCLE[index % 7], "osD"[index // 7 % 3]
        positions = np.arange(len(groups)) + offsets[index]
        axes.errorbar(positions, fraction, errors, fmt=marker, color=colour, markersize=5, label=style.symbol(name))
    for boundary in np.arange(1, len(groups)) - 0.5:
        axes.axvline(boundary, color=style.PALE, linewidth=0.8, zorder=0)
    axes.set_xticks(np.arange(len(groups)), groups)
    axes.set(xlim=(-0.5, len(groups) - 0.5), xlabel=group_label, ylabel=f"coverage of the {100 * level:g} % interval")
    axes.tick_params(axis="x", length=0)
    figure.legend(loc="outside upper center", ncols=min(len(coverage), 9), columnspacing=1.2, handletextpad=0.3)
    return figure
