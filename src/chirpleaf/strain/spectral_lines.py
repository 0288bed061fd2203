"""Narrow spectral lines in detector noise: frequencies, heights, and shapes in an estimated PSD.

Mains harmonics, calibration lines and the violin modes of the suspensions rise up to 6 decades above the noise floor.
In a power spectral density that is estimated from segments of `1 / resolution` seconds, a line is at least as wide as a
frequency bin, and its wings depend on the window. The excess over the floor is modelled as

    e(f) = sum_k  h_k [1 + (f - f_k)^2 / w_k^2]^(-m_k),     w_k^2 = width_k^2 + (resolution / 2)^2,

where m = 1 is a Lorentzian (heavy wings) and m = 3 is close to the main lobe of a Hann window.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SKIRT = 16.0
"""Distance from the centre of a line in Hz beyond which its wings are neglected."""


@dataclass(frozen=True)
class LineGroup:
    """A frequency range in which an instrument has up to `most` lines.

    Attributes:
        name: Origin of the lines.
        low: Lowest frequency (Hz); the lines are log-uniform between `low` and `high`.
        high: Highest frequency (Hz).
        most: Largest number of lines; the number is uniform on 1..most.
        probability: Probability that the group is present.
        height: Range of the log-uniform excess over the floor, as a ratio of PSDs.
        width: Range of the log-uniform intrinsic half-width in Hz.
    """

    name: str
    low: float
    high: float
    most: int
    probability: float
    height: tuple[float, float]
    width: tuple[float, float] = (0.02, 0.4)


@dataclass(frozen=True)
class Lines:
    """Lines of `n` spectra, flattened: line `k` belongs to spectrum `spectrum[k]`.

    Attributes:
        spectrum: (lines,) index of the spectrum.
        frequency: (lines,) centre in Hz.
        height: (lines,) excess over the floor at the centre, dimensionless.
        width: (lines,) intrinsic half-width in Hz.
        steepness: (lines,) exponent m of the wings.
    """

    spectrum: NDArray[np.int64]
    frequency: Array
    height: Array
    width: Array
    steepness: Array

    def add_to(self, excess: Array, resolution: float, first: int) -> None:
        """Add the lines, in place, to spectra sampled at `resolution * (first + i)`.

        Args:
            excess: (n, lattice) excess over the floor, C-contiguous; bin `i` is at `resolution * (first + i)` Hz.
            resolution: Spacing of the lattice in Hz.
            first: Index of the first bin, counted from 0 Hz.
        """
        size = excess.shape[1]
        reach = round(SKIRT / resolution)
        centre = np.rint(self.frequency / resolution).astype(np.int64)
        bins = centre[:, None] + np.arange(-reach, reach + 1)
        squared = (bins * resolution - self.frequency[:, None]) ** 2
        squared /= (self.width**2 + (0.5 * resolution) ** 2)[:, None]
        power = self.height[:, None] * np.exp(-self.steepness[:, None] * np.log1p(squared))
        bins -= first
        inside = (bins >= 0) & (bins < size)
        flat = (self.spectrum[:, None] * size + bins)[inside]
        excess += np.bincount(flat, weights=power[inside], minlength=excess.size).reshape(excess.shape)


@lru_cache
def detector_table() -> dict[str, Any]:
    """Read the table of families, instruments and line groups, `data/design/detectors.json`."""
    path = resources.files("chirpleaf.strain") / "data" / "design" / "detectors.json"
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table


@lru_cache
def line_groups(instrument: str) -> tuple[LineGroup, ...]:
    """List the line groups of an instrument ("LIGO", "Virgo", "KAGRA"), including harmonics of the mains frequency."""
    table = detector_table()
    rows: list[dict[str, Any]] = [
        {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        for row in table["lines"][instrument]
    ]
    groups = [LineGroup(**row) for row in rows]
    return (*groups, *_make_mains_groups(**table["mains"][instrument]))


def _make_mains_groups(frequency: float, height: float, highest: float = 2048.0) -> Iterator[LineGroup]:
    """Make the harmonics of the mains: the first is almost always present, weaker higher ones half the time."""
    for harmonic in range(1, int(highest / frequency) + 1):
        yield LineGroup(
            name=f"mains {harmonic}",
            low=harmonic * (frequency - 0.02),
            high=harmonic * (frequency + 0.02),
            most=1,
            probability=0.95 if harmonic == 1 else 0.5,
            height=(1.0, max(height / harmonic**1.5, 100.0)),
        )


def sample_lines(
    groups: tuple[LineGroup, ...],
    n: int,
    presence: float,
    steepness: tuple[float, float],
    rng: np.random.Generator,
) -> Lines:
    """Draw the lines of `n` spectra.

    Args:
        groups: Groups of possible lines.
        n: Number of spectra.
        presence: Factor on the probability of every group.
        steepness: Range of the uniform exponent of the wings. Each spectrum has one value, as it has one window.
        rng: Source of randomness.

    Returns:
        The lines, flattened over spectra.
    """
    parts = []
    for group in groups:
        present = rng.random(n) < presence * group.probability
        spectrum = np.repeat(np.arange(n), rng.integers(1, group.most + 1, n) * present)
        ranges = ((group.low, group.high), group.height, group.width)
        parts.append((spectrum, *(_sample_log_uniform(*bounds, spectrum.size, rng) for bounds in ranges)))
    spectrum, frequency, height, width = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Lines(spectrum, frequency, height, width, rng.uniform(*steepness, n)[spectrum])


def _sample_log_uniform(low: float, high: float, n: int, rng: np.random.Generator) -> Array:
    """(n,) log-uniform draws between `low` and `high`."""
    draws: Array = np.exp(rng.uniform(np.log(low), np.log(high), n))
    return draws
