"""Whitened strain of each detector around the trigger, with the reconstructed signal.

Whitened noise has unit variance, so the vertical axis is in standard deviations of the noise.
"""

from collections.abc import Mapping
from typing import Any

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
    height = 0.85 + 1.55 * len(whitened)
    figure = style.new_figure(8.0, height, layout=None)  # a layout engine would draw everything twice
    figure.subplots_adjust(left=0.085, right=0.97, bottom=0.52 / height, top=1 - 0.3 / height, hspace=0.08)
    rows = figure.subplots(len(whitened), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (detector, strain) in zip(rows, whitened.items(), strict=True):
        colour = style.detector_colour(detector)
        data = _select_window(strain, shown, detector)
        axes.plot(times[shown], data, color=style.GREY, linewidth=0.8, alpha=0.8, label="data")
        if model_interval is not None and detector in model_interval:
            lower, upper = _select_window(model_interval[detector], shown, detector)
            axes.fill_between(times[shown], lower, upper, color=colour, alpha=0.25, linewidth=0, label="90 % interval")
        if model is not None and detector in model:
            median = _select_window(model[detector], shown, detector)
            axes.plot(times[shown], median, color=colour, linewidth=1.7, label="median signal")
        _finish_row(axes, detector, colour, window)
    rows[-1].set_xlabel(f"time from GPS {trigger_time:.3f} [s]")
    figure.supylabel(r"whitened strain [$\sigma$]", fontsize=13, x=0.005)
    if model is not None or model_interval is not None:
        look: Any = {"loc": "lower left", "bbox_to_anchor": (0.06, 1.0), "borderaxespad": 0.1, "ncols": 3}
        rows[0].legend(**look)
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
