"""Time-domain approximants as frequency series on any grid.

Approximants such as SEOBNRv4 solve equations of motion in time. LALSimulation conditions the time series and takes its
Fourier transform on a uniform grid, as bilby does; SEOBNRv5 comes from pyseobnr
(`chirpleaf[seobnr]`, GPL). With the merger near t = 0, the phase of the series turns by 2 pi t(f) df from one frequency
to the next; segments are eight times as long as the chirp, so that this is below a radian, and splines of logarithmic
amplitude and phase interpolate between them.
"""

import math
from collections.abc import Callable

import lal
import lalsimulation
import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.approximants import EXTERNAL
from chirpleaf.physics.conversions import chirp_mass
from chirpleaf.physics.inspiral import chirp_time
from chirpleaf.physics.waveform_settings import WaveformSettings

_CHIRPS = 8.0
"""Length of the segment, in units of the duration of the chirp."""
_SHORTEST = 8.0
"""Least length of the segment, seconds."""
_RINGDOWN = 0.3
"""Least Nyquist frequency, in units of c^3 / G M: above the ringdown of any spin."""
_EARLIER = 0.8
"""Start of a waveform, in units of the lowest requested frequency, because conditioning tapers the beginning."""

Uniform = tuple[float, float, NDArray[np.complex128], NDArray[np.complex128]]
"""Spacing (Hz), time of the first sample before t = 0 (s), and polarisations on a uniform grid from 0 Hz on."""


def on_grid(
    row: tuple[float, ...], grid: NDArray[np.float64], settings: WaveformSettings
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Polarisations of one binary.

    Args:
        row: masses (kg), six components of the spins, distance (m), inclination and phase (rad).
        grid: increasing and positive (F,), Hz.
        settings: of an approximant of LALSimulation's time domain, or of pyseobnr.

    Returns:
        `(hp, hc)`, each (F,), strain/Hz; zero above the Nyquist frequency of the waveform.

    Raises:
        InputError: pyseobnr is not installed, or it is given arguments of LALSimulation.
        RuntimeError: the approximant does not give this waveform.
    """
    lowest, highest = float(grid[0]) * _EARLIER, float(grid[-1])
    mass = chirp_mass(row[0], row[1]) / lal.MSUN_SI
    length = max(_SHORTEST, _CHIRPS * float(chirp_time(mass, lowest)))
    spacing = 2.0 ** -math.ceil(math.log2(length))
    highest = max(highest + 1.0, _RINGDOWN * lal.MSUN_SI / (lal.MTSUN_SI * (row[0] + row[1])))
    nyquist = 2.0 ** math.ceil(math.log2(highest))
    make: Callable[..., Uniform] = _external if settings.approximant in EXTERNAL else _lal
    spacing, before, plus, cross = make(row, settings, spacing, lowest, nyquist)
    frequencies = spacing * np.arange(len(plus))
    asked = (frequencies >= grid[0] - 4 * spacing) & (frequencies > 0)
    turned = np.exp(2j * np.pi * before * frequencies[asked])
    hp, hc = (_between(frequencies[asked], series[asked] * turned, grid) for series in (plus, cross))
    return hp, hc


def _between(
    frequencies: NDArray[np.float64], series: NDArray[np.complex128], grid: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """A smooth complex series at other frequencies; zero where it is, and outside."""
    from scipy.interpolate import CubicSpline  # noqa: PLC0415 - takes a quarter of a second, seldom needed

    amplitude = np.abs(series)
    there = amplitude > 1e-12 * amplitude.max()
    last = len(there) if there.all() else int(np.argmin(there))
    found = np.zeros(len(grid), np.complex128)
    if last < 4:
        return found
    inside = grid <= frequencies[last - 1]
    ln_amplitude = CubicSpline(frequencies[:last], np.log(amplitude[:last]))
    phase = CubicSpline(frequencies[:last], np.unwrap(np.angle(series[:last])))
    found[inside] = np.exp(ln_amplitude(grid[inside]) + 1j * phase(grid[inside]))
    return found


def _lal(row: tuple[float, ...], settings: WaveformSettings, spacing: float, lowest: float, nyquist: float) -> Uniform:
    mass_1, mass_2, *spins, distance, inclination, phase = row
    plus, cross = lalsimulation.SimInspiralFD(
        mass_1, mass_2, *spins, distance, inclination, phase, 0.0, 0.0, 0.0,
        spacing, lowest, nyquist, settings.reference_frequency, settings.make_lal_dict(),
        lalsimulation.GetApproximantFromString(settings.approximant),
    )  # fmt: skip
    return float(plus.deltaF), -float(plus.epoch) % (1 / plus.deltaF), plus.data.data, cross.data.data


def _external(
    row: tuple[float, ...], settings: WaveformSettings, spacing: float, lowest: float, nyquist: float
) -> Uniform:
    if settings.arguments:
        raise InputError(
            f"expected no arguments of LALSimulation for {settings.approximant}, of pyseobnr; got "
            f"{settings.arguments[0][0]}: leave it out"
        )
    try:
        from pyseobnr.generate_waveform import GenerateWaveform  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise InputError(
            f"expected pyseobnr for {settings.approximant}; got none: pip install 'chirpleaf[seobnr]'"
        ) from error
    mass_1, mass_2, *spins, distance, inclination, phase = row
    given = {
        "mass1": mass_1 / lal.MSUN_SI,
        "mass2": mass_2 / lal.MSUN_SI,
        **dict(zip(("spin1x", "spin1y", "spin1z", "spin2x", "spin2y", "spin2z"), spins, strict=True)),
        "distance": distance / (1e6 * lal.PC_SI),
        "inclination": inclination,
        "phi_ref": phase,
        "f22_start": lowest,
        "f_ref": settings.reference_frequency,
        "deltaF": spacing,
        "f_max": nyquist,
        "approximant": settings.approximant,
    }
    try:
        plus, cross = GenerateWaveform(given).generate_fd_polarizations()
    except (ArithmeticError, ValueError) as error:
        raise RuntimeError(str(error)) from error
    return float(plus.deltaF), -float(plus.epoch) % (1 / plus.deltaF), plus.data.data, cross.data.data
