"""Time-frequency map of each detector around the trigger.

Low energy is white and high energy dark, so that the map prints well and a page in dark colours may invert it.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from chirpleaf.errors import InputError
from chirpleaf.plots import style

LEAST_MAXIMUM = 15.0
"""Energy at the dark end of the scale if nothing is louder: noise of mean one rarely exceeds it in a map."""

COLOURS = LinearSegmentedColormap.from_list("energy", ("white", "#fcdcb0", "#f1605d", "#721f81", "#120b28"))
"""Colours of the energy, in equal steps of increasing darkness as those of "magma" in reverse, but from white."""

_OCTAVES = (16, 32, 64, 128, 256, 512, 1024)
"""Labelled frequencies, Hz."""


@style.with_settings
def plot_time_frequency(
    times: ArrayLike, frequencies: ArrayLike, energy: ArrayLike, detectors: Sequence[str], *, trigger_time: float
) -> Figure:
    """Draw the energy of a Q-transform, one row per detector, all on the same scale.

    Args:
        times: GPS times in s, shape (time,).
        frequencies: Central frequencies in Hz, spaced evenly in their logarithm, shape (row,).
        energy: Energy, one in the mean of noise, shape (detector, row, time).
        detectors: Names of the detectors.
        trigger_time: GPS time in s of the origin of the time axis.

    Returns:
        The figure.

    Raises:
        InputError: If the shapes do not fit together.
    """
    times, octaves, maps = np.asarray(times) - trigger_time, np.log2(frequencies), np.asarray(energy, np.float64)
    if maps.shape != (len(detectors), len(octaves), len(times)) or not maps.size:
        raise InputError(
            f"expected energy of shape ({len(detectors)}, {len(octaves)}, {len(times)}), detector, frequency and time; "
            f"got {maps.shape}: transpose it"
        )
    figure = style.new_figure(8.0, 0.8 + 1.6 * len(detectors), dpi=120)
    rows = figure.subplots(len(detectors), 1, sharex=True, squeeze=False)[:, 0]
    ticks = [one for one in _OCTAVES if octaves[0] <= np.log2(one) <= octaves[-1]]
    maximum = max(LEAST_MAXIMUM, float(maps.max()))
    for panel, detector, one in zip(rows, detectors, maps, strict=True):
        image = panel.imshow(
            one,
            origin="lower",
            aspect="auto",
            interpolation="bilinear",
            extent=(times[0], times[-1], octaves[0], octaves[-1]),
            cmap=COLOURS,
            vmin=0.0,
            vmax=maximum,
        )
        panel.set_yticks(np.log2(ticks), [str(one) for one in ticks])
        colour = style.detector_colour(detector)
        panel.text(0.012, 0.9, detector, color=colour, transform=panel.transAxes, va="top", fontsize=14, weight="bold")
    rows[-1].set_xlabel(f"time from GPS {trigger_time:.3f} [s]")
    figure.supylabel("frequency [Hz]", fontsize=13)
    figure.colorbar(image, ax=list(rows), pad=0.01, aspect=10 * len(detectors), label="energy (noise: 1)")
    return figure
