"""Amplitude spectral densities of detector noise.

The amplitude spectral density is the square root of the one-sided power spectral density, in 1/sqrt(Hz).
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter
from numpy.typing import ArrayLike

from chirpleaf.errors import InputError
from chirpleaf.plots import style


@style.with_settings
def plot_spectra(
    spectra: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    reference: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    reference_name: str = "reference",
    band: tuple[float, float] = (20.0, 1024.0),
) -> Figure:
    """Draw amplitude spectral densities.

    Args:
        spectra: By detector, frequencies in Hz and one-sided power spectral density in 1/Hz, each of shape (n,).
        reference: Reference spectra by name, drawn in grey behind the others.
        reference_name: Name of the reference spectra in the legend.
        band: Lowest and highest frequency to draw, in Hz.

    Returns:
        The figure.

    Raises:
        InputError: If there is no spectrum, or a spectrum does not have one value per frequency.
    """
    if not spectra:
        raise InputError("expected at least one spectrum; got none")
    figure = style.new_figure(7.0, 4.2)
    axes = figure.add_subplot(xscale="log", yscale="log", xlim=band)
    axes.grid(which="major")
    for index, (name, spectrum) in enumerate((reference or {}).items()):
        label = None if index else reference_name
        axes.plot(*_select_amplitude(name, spectrum, band), color=style.PALE, linewidth=1.0, label=label)
    for name, spectrum in spectra.items():
        colour = style.detector_colour(name)
        axes.plot(*_select_amplitude(name, spectrum, band), color=colour, linewidth=1.1, label=name)
    axes.set(xlabel="frequency [Hz]", ylabel=r"amplitude spectral density [Hz$^{-1/2}$]")
    axes.set_xticks([tick for tick in (10, 20, 50, 100, 200, 500, 1000, 2000) if band[0] <= tick <= band[1]])
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper right")
    return figure


def _select_amplitude(
    name: str, spectrum: tuple[ArrayLike, ArrayLike], band: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Select the frequencies within the band and take the square root of the density."""
    frequencies, values = (np.asarray(array, np.float64) for array in spectrum)
    if frequencies.shape != values.shape or frequencies.ndim != 1:
        raise InputError(f"expected one value of {name} per frequency; got {values.shape} and {frequencies.shape}")
    inside = (frequencies >= band[0]) & (frequencies <= band[1])
    return frequencies[inside], np.sqrt(values[inside])
