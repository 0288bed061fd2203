"""Whitened strain of each detector around the trigger, with the reconstructed signal.

Whitened noise has unit variance, so the vertical axis is in standard deviations of the noise.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from chirpleaf.errors import InputError
from chirpleaf.plots import style


@style.with_settings
def plot_whitened_strain(
    times: ArrayLike,
    whitened: Mapping[str, ArrayLike],
    *,
    trigger_time: float,
    model: Mapping[str, ArrayLike] | None = None,
    model_interval: Mapping[str, ArrayLike] | None = None,
    band: tuple[float, float] | None = None,
    window: tuple[float, float] = (-0.25, 0.1),
) -> Figure:
    """Draw whitened strain, one row per detector.

    Args:
        times: GPS times in s, shape (n,).
        whitened: Whitened strain by detector, in standard deviations of the noise, each of shape (n,).
        trigger_time: GPS time in s of the origin of the time axis.
        model: By detector, the posterior median of the whitened signal, each of shape (n,).
        model_interval: By detector, lower and upper limit of the 90 % interval of the signal, each of shape (2, n).
        band: Pass band of the strain in Hz; the figure states it.
        window: Start and end of the time axis, in s from the trigger.

    Returns:
        The figure.

    Raises:
        InputError: If there is no detector, an array differs in length from the times, or no time lies in the window.
    """
    if not whitened:
        raise InputError("expected whitened strain of at least one detector; got none")
    times = np.asarray(times, np.float64) - trigger_time
    shown = (times >= window[0]) & (times <= window[1])
    if not shown.any():
        raise InputError(f"expected times within {window} s of the trigger; got none: check trigger_time")
    figure = style.new_figure(8.0, 0.7 + 1.55 * len(whitened))
    rows = figure.subplots(len(whitened), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (detector, strain) in zip(rows, whitened.items(), strict=True):
        colour = style.detector_colour(detector)
        axes.plot(times[shown], _select_window(strain, shown, detector), color=style.GREY, linewidth=0.8, alpha=0.8)
        if model_interval is not None and detector in model_interval:
            lower, upper = _select_window(model_interval[detector], shown, detector)
            axes.fill_between(times[shown], lower, upper, color=colour, alpha=0.25, linewidth=0)
        if model is not None and detector in model:
            axes.plot(times[shown], _select_window(model[detector], shown, detector), color=colour, linewidth=1.7)
        _finish_row(axes, detector, colour, window)
    rows[-1].set_xlabel(f"time from GPS {trigger_time:.3f} [s]")
    figure.supylabel(r"whitened strain [$\sigma$]", fontsize=13)
    if band is not None:
        rows[0].set_title(f"{band[0]:g}-{band[1]:g} Hz".replace("-", "\N{EN DASH}"), loc="right", fontsize=11)
    return figure


def _select_window(values: ArrayLike, shown: np.ndarray[tuple[int], np.dtype[np.bool_]], detector: str) -> np.ndarray:
    """Select the samples of an array that lie in the window."""
    array = np.asarray(values, np.float64)
    if array.shape[-1:] != shown.shape:
        raise InputError(f"expected {len(shown)} values of {detector}, one per time; got shape {array.shape}")
    return array[..., shown]


def _finish_row(axes: Axes, detector: str, colour: str, window: tuple[float, float]) -> None:
    """Add the detector's name, the limits and a line at the trigger."""
    axes.axvline(0.0, color=style.PALE, linewidth=0.8, zorder=0)
    axes.set_xlim(window)
    largest = 1.08 * max(abs(value) for value in axes.get_ylim())
    axes.set_ylim(-largest, largest)
    axes.text(0.012, 0.88, detector, color=colour, transform=axes.transAxes, va="top", fontsize=14, weight="bold")
    style.hide_spines(axes, "top", "right")
