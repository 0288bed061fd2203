"""Known spectral lines as a check of the sampling rate in the header.

A wrong rate moves every frequency of the data by the same factor. The mains (60 Hz in America and western Japan, 50 Hz
in Italy) and the violin modes of the suspensions (about 500 Hz in LIGO) do not move. The lines of a spectrum are looked
for at their places, and at these places times each of a few factors. Where they stand out much better at other places,
the rate is wrong by about that factor.

Released strain from which lines were subtracted, and simulated noise, may have none: then nothing can be said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chirpleaf.strain.psd import PowerSpectralDensity

MAINS = {"V1": 50.0}
"""Frequency of the mains in Hz where it is not 60."""

SUSPENSIONS = {"H1": (497.0, 517.0), "L1": (497.0, 517.0)}
"""Frequencies in Hz of the violin modes."""


@dataclass(frozen=True)
class LineSettings:
    """Which lines are looked for, and where.

    Attributes:
        harmonics: multiples of the mains.
        factors: stated over true sampling rates: confusions of the rates in use, and of 4,096 with 4,000.
        mains_width: half width of the search for a harmonic, over its frequency.
        mains_side: frequencies on either side that a harmonic is compared with, Hz.
        suspension_side: the same for the violin modes, Hz.
        most: ln of the excess above which a line counts no more, so that no line decides alone.
        suspension_weight: harmonics that the violin modes count for.
    """

    harmonics: tuple[int, ...] = (1, 2, 3, 5)
    factors: tuple[float, ...] = (0.25, 0.5, 4000 / 4096, 4096 / 4000, 2.0, 4.0, 8.0)
    mains_width: float = 0.002
    mains_side: float = 6.0
    suspension_side: float = 40.0
    most: float = 6.0
    suspension_weight: float = 2.0


def find_rate_factor(
    spectrum: PowerSpectralDensity, detector: str, settings: LineSettings = LineSettings()
) -> tuple[float, float]:
    """Find the factor by which the stated sampling rate is too large, according to the lines.

    Args:
        spectrum: estimate from the strain.
        detector: prefix of the detector.
        settings: lines and factors.

    Returns:
        The best factor other than one, and by how much its lines stand out better than those at the stated rate, in ln
        of the power, summed over the lines; negative where the stated rate fits better.
    """
    good = np.isfinite(spectrum.values) & (spectrum.values > 0)
    table = PowerSpectralDensity(spectrum.frequencies[good], np.log(spectrum.values[good])) if good.sum() > 1 else None
    if table is None:
        return 1.0, -np.inf
    own = _sum_lines(table, detector, 1.0, settings)
    scores = {factor: _sum_lines(table, detector, factor, settings) - own for factor in settings.factors}
    best = max(scores, key=lambda factor: scores[factor])
    return best, scores[best]


def _sum_lines(table: PowerSpectralDensity, detector: str, factor: float, settings: LineSettings) -> float:
    """Sum of the excess of the lines at their frequencies times a factor; `table` holds ln of the density."""
    mains = MAINS.get(detector, 60.0)
    side = settings.mains_side * max(factor, 1.0)
    total = 0.0
    for harmonic in settings.harmonics:
        centre = harmonic * mains * factor
        half = max(settings.mains_width * centre, float(table.frequencies[1] - table.frequencies[0]))
        total += min(_find_excess(table, centre - half, centre + half, side), settings.most)
    if detector in SUSPENSIONS:
        low, high = SUSPENSIONS[detector]
        excess = _find_excess(table, low * factor, high * factor, settings.suspension_side * factor)
        total += settings.suspension_weight * min(excess, settings.most)
    return total


def _find_excess(table: PowerSpectralDensity, low: float, high: float, side: float) -> float:
    """The largest value from `low` to `high` Hz over the medians of both sides; zero if there is no value.

    A line stands out over both sides, the end of a band over one alone.
    """
    frequencies = table.frequencies
    first, last = np.searchsorted(frequencies, [low, high])
    places = np.searchsorted(frequencies, [low - side, low - side / 4, high + side / 4, high + side])
    sides = [table.values[places[0] : places[1]], table.values[places[2] : places[3]]]
    levels = [float(np.median(side)) for side in sides if len(side)]
    if last <= first or not levels:
        return 0.0
    return max(float(table.values[first:last].max()) - max(levels), 0.0)
