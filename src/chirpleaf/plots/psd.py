"""Amplitude spectral densities: the noise of each detector, and how well an estimate of it agrees with another.

The amplitude spectral density is the root of the one-sided power spectral density, in 1/sqrt(Hz).
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter
from numpy.typing import ArrayLike

from chirpleaf.errors import InputError
from chirpleaf.plots import style


@style.styled
def amplitude_spectral_densities(
    spectra: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    reference: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    reference_name: str = "reference",
    band: tuple[float, float] = (20.0, 1024.0),
) -> Figure:
    """Draw amplitude spectral densities.

    Args:
        spectra: Frequencies in Hz, shape (n,), and one-sided power spectral density in 1/Hz, shape (n,), by detector.
        reference: Further spectra by name, drawn in pale behind the others.
        reference_name: What the further spectra are, for the legend.
        band: Lower and upper frequency in Hz that is shown.

    Returns:
        The figure.

    Raises:
        InputError: If there is no spectrum or a spectrum has not one value per frequency.
    """
    if not spectra:
        raise InputError("expected at least one spectrum; got none")
    figure = style.figure(7.0, 4.2)
    axes = figure.add_subplot(xscale="log", yscale="log", xlim=band)
    axes.grid(which="major")
    for index, (name, spectrum) in enumerate((reference or {}).items()):
        label = None if index else reference_name
        axes.plot(*_amplitude(name, spectrum, band), color=style.PALE, linewidth=1.0, label=label)
    for name, spectrum in spectra.items():
        colour = style.detector_colour(name)
        axes.plot(*_amplitude(name, spectrum, band), color=colour, linewidth=1.1, label=name)
    axes.set(xlabel="frequency [Hz]", ylabel=r"amplitude spectral density [Hz$^{-1/2}$]")
    axes.set_xticks([tick for tick in (10, 20, 50, 100, 200, 500, 1000, 2000) if band[0] <= tick <= band[1]])
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper right")
    return figure


def _amplitude(
    name: str, spectrum: tuple[ArrayLike, ArrayLike], band: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and amplitude spectral density within the band."""
    frequencies, values = (np.asarray(array, np.float64) for array in spectrum)
    if frequencies.shape != values.shape or frequencies.ndim != 1:
        raise InputError(f"expected one value of {name} per frequency; got {values.shape} and {frequencies.shape}")
    inside = (frequencies >= band[0]) & (frequencies <= band[1])
    return frequencies[inside], np.sqrt(values[inside])
