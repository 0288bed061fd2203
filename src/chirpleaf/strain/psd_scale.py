"""The scale of noise spectra: power spectral densities in 1/Hz against amplitude spectral densities in 1/sqrt(Hz)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from chirpleaf.errors import InputError

POWER_SCALES = (1e-56, 1e-33)
"""Medians of power spectral densities in 1/Hz, of any detector on the ground, with a wide margin on both sides."""

AMPLITUDE_SCALES = (1e-28, 1e-16)
"""Medians of amplitude spectral densities in 1/sqrt(Hz), likewise."""

MOST_DISAGREEMENT = 30.0
"""Factor between a given density and the power of the strain beyond which it is no density of this strain. A smaller
one would refuse strain with loud disturbances, a larger one would leave wrong units to later checks."""

_AMPLITUDE = re.compile(r"(?<![a-z])asd(?![a-z])|amplitude|sqrt|rt\s?hz|hz\^?[({]?-?(1/2|0\.5)", re.IGNORECASE)
_POWER = re.compile(r"(?<![a-z])psds?(?![a-z])|power", re.IGNORECASE)

Kind = Literal["amplitude", "power"]


class SpectrumTable(NamedTuple):
    """A spectrum as read from a file, before its scale is known.

    Attributes:
        frequencies: shape (F,), Hz.
        values: shape (F,), in 1/Hz or 1/sqrt(Hz).
        declared: kind of the values according to the file; None if the file does not state it.
    """

    frequencies: np.ndarray
    values: np.ndarray
    declared: Kind | None


def declare(text: str) -> Kind | None:
    """Finds the kind of values that names, headers and units state.

    Args:
        text: name, header and units of the file.

    Returns:
        None if the text says nothing, or both.

    Example:
        >>> declare("H1_asd"), declare("strain / Hz(1/2)"), declare("strain2 / Hz"), declare("ASD of PSDs")
        ('amplitude', 'amplitude', None, None)
    """
    amplitude, power = bool(_AMPLITUDE.search(text)), bool(_POWER.search(text))
    if amplitude == power:
        return None
    return "amplitude" if amplitude else "power"


def typical(values: np.ndarray) -> float:
    """Median of the finite, positive values; zero if there are none.

    Args:
        values: any shape.
    """
    good = values[np.isfinite(values) & (values > 0)]
    return float(np.median(good)) if good.size else 0.0


def find_scale(path: Path, values: np.ndarray) -> Kind:
    """Whether values have the scale of power or of amplitude spectral densities of a detector.

    Args:
        path: the file, for the message.
        values: shape (F,).

    Raises:
        InputError: they have neither.
    """
    median = typical(values)
    kind = guess_scale(median)
    if kind is not None:
        return kind
    found = f"values about {median:.0e}" if median else "none"
    raise InputError(
        f"{path}: expected positive power spectral densities in 1/Hz, about 1e-46; got {found}; correct the file or "
        "its unit"
    )


def guess_scale(median: float) -> Kind | None:
    """The kind of spectral density that a typical value suits; None if it suits neither.

    Args:
        median: typical value of the spectrum.
    """
    if POWER_SCALES[0] <= median <= POWER_SCALES[1]:
        return "power"
    if AMPLITUDE_SCALES[0] <= median <= AMPLITUDE_SCALES[1]:
        return "amplitude"
    return None


def check_agreement(detector: str, given: np.ndarray, estimate: np.ndarray) -> None:
    """Refuse a noise spectrum that is far from the power of the strain: an amplitude spectrum, or another unit.

    Args:
        detector: prefix of the detector.
        given: the user's density at some frequencies, shape (F,), 1/Hz.
        estimate: estimate from the strain at the same frequencies, shape (F,), 1/Hz.

    Raises:
        InputError: they differ by more than `MOST_DISAGREEMENT`, by the median over the frequencies.
    """
    most = MOST_DISAGREEMENT
    ratio = float(np.median(given / estimate))
    if 1.0 / most <= ratio <= most:
        return
    squared = float(np.median(np.square(given) / estimate))
    kind = "an amplitude spectral density, whose square agrees with the strain: square it"
    remedy = kind if 1.0 / most <= squared <= most else "another unit, or the spectrum of other strain: correct it"
    raise InputError(
        f"{detector} power spectral density: expected one in 1/Hz that agrees with the power of the strain; got "
        f"{ratio:.1e} times that power, {remedy}"
    )


def check_strain_scale(detector: str, estimate: np.ndarray) -> None:
    """Refuse strain whose noise no detector on the ground has, such as whitened or rescaled data.

    Args:
        detector: prefix of the detector.
        estimate: power spectral density of the strain in the analysed band, shape (F,), 1/Hz.

    Raises:
        InputError: its median lies outside of `POWER_SCALES`.
    """
    median = typical(estimate)
    if not POWER_SCALES[0] <= median <= POWER_SCALES[1]:
        raise InputError(
            f"{detector} strain: expected dimensionless strain with noise of about 1e-23/sqrt(Hz); got noise of "
            f"{np.sqrt(median):.0e}/sqrt(Hz), as of whitened or rescaled data: give the calibrated strain"
        )
