"""Whitened power of an analysed segment by time and frequency, and its comparison with Gaussian noise.

The whitened strain of a segment of duration T is z_k = d_k / sqrt(S_k T / 4), with real and imaginary parts of unit
variance if the noise is Gaussian and of density S. The part of z within a band of B Hz is transformed to the time
domain; its power in a tile of length tau, over that of the window there, has a mean of one and

    n = 2 B tau

degrees of freedom: n P is a chi-square variable. A tile is compared with Gaussian noise by the normal deviate of the
same probability (Wilson & Hilferty 1931, doi:10.1073/pnas.17.12.684),

    g = [P^(1/3) - (1 - 2 / (9 n))] / sqrt(2 / (9 n)).

Source: excess power, Anderson et al., arXiv:gr-qc/0008066.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike, NDArray

from chirpleaf.physics.inspiral import chirp_time
from chirpleaf.strain.segment import AFTER_TRIGGER, Segment
from chirpleaf.strain.windows import tukey

TilePower = Float64[np.ndarray, "band tile"]
"""Quantity by band and tile of time."""


@dataclass(frozen=True)
class Tiling:
    """Tiles of time and frequency.

    Attributes:
        edges: limits of the bands in Hz, one more than there are bands. Narrow bands find narrow disturbances, wide
            ones short bursts.
        length: length of a tile in s. Short tiles find short bursts, long ones slow changes.
        least_filled: share of the frequencies of a band that the data must have, or the band is left out.
        least_window: mean square of the window below which a tile is left out: its noise is mostly cut away.
    """

    edges: tuple[float, ...] = (20.0, 40.0, 60.0, 90.0, 130.0, 190.0, 280.0, 400.0, 600.0, 1024.0)
    length: float = 1.0
    least_filled: float = 0.8
    least_window: float = 0.3


@dataclass(frozen=True, eq=False)
class PowerMap:
    """Whitened power of one detector.

    Attributes:
        edges: limits of the bands in Hz, shape (band, 2).
        times: middle of the tiles relative to the reference time in s, shape (tile,).
        power: whitened power over that of Gaussian noise, shape (band, tile).
        window: mean square of the window in the tiles, shape (tile,).
        length: length of a tile in s.
    """

    edges: Float64[np.ndarray, "band 2"]
    times: Float64[np.ndarray, " tile"]
    power: TilePower
    window: Float64[np.ndarray, " tile"]
    length: float

    @property
    def degrees(self) -> TilePower:
        """Degrees of freedom of the tiles, shape (band, tile)."""
        found: TilePower = np.maximum(2.0 * (self.edges[:, 1:] - self.edges[:, :1]) * self.length * self.window, 1.0)
        return found

    def average(self, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean power of each band over some tiles.

        Args:
            used: which tiles count, shape (band, tile).

        Returns:
            Mean power, and its degrees of freedom, each of shape (band,); the mean is one where no tile counts.
        """
        degrees = np.where(used, self.degrees, 0.0)
        total = degrees.sum(axis=1)
        return np.where(total > 0, (degrees * self.power).sum(axis=1) / np.maximum(total, 1.0), 1.0), total


def compute_power_map(segment: Segment, row: int, tiling: Tiling, roll_off: float) -> PowerMap:
    """Compute the whitened power of a detector by band and time.

    Args:
        segment: the data.
        row: index of the detector.
        tiling: bands and tiles.
        roll_off: length of each roll-off of the segment's window in s.

    Returns:
        The map, of the tiles that the window leaves enough of.
    """
    duration = segment.duration
    used = np.isfinite(segment.psd[row])
    frequencies = segment.frequencies[used]
    whitened = segment.strain[row][used] / np.sqrt(segment.psd[row][used] * duration / 4.0)
    shifted = whitened * np.exp(2j * np.pi * frequencies * (AFTER_TRIGGER - duration))
    places = np.rint(frequencies * duration).astype(int)
    tiles = max(round(duration / tiling.length), 1)
    edges, rows = [], []
    for low, high in itertools.pairwise(tiling.edges):
        chosen = (frequencies >= low) & (frequencies < high)
        count = int(chosen.sum())
        if count < tiling.least_filled * (high - low) * duration:
            continue
        n = tiles * -(-round((high - low) * duration) // tiles)
        band = np.zeros(n, dtype=np.complex128)
        band[places[chosen] % n] = shifted[chosen]
        power = np.abs(np.fft.ifft(band)) ** 2 * (n**2 / (2.0 * count))
        edges.append((low, high))
        rows.append(power.reshape(tiles, -1).mean(axis=1))
    fine = tiles * 64
    window = np.mean(tukey(fine, min(roll_off / duration, 0.5) * fine).reshape(tiles, -1) ** 2, axis=1)
    kept = window >= tiling.least_window
    times = AFTER_TRIGGER - duration + (np.arange(tiles) + 0.5) * duration / tiles
    found = np.array(rows).reshape(len(rows), tiles)[:, kept] / window[kept]
    return PowerMap(np.array(edges).reshape(-1, 2), times[kept], found, window[kept], duration / tiles)


def to_normal(power: ArrayLike, degrees: ArrayLike) -> NDArray[np.float64]:
    """Normal deviate of the same probability as a mean square with some degrees of freedom.

    Args:
        power: mean squares, whose expectation is one.
        degrees: degrees of freedom, broadcasts with them.

    Returns:
        Normal deviates, broadcast shape.

    Source:
        Wilson & Hilferty (1931), doi:10.1073/pnas.17.12.684.

    Example:
        >>> round(float(to_normal(1.35807, 100.0)), 2)  # both are 99 % quantiles
        2.33
    """
    spread = 2.0 / (9.0 * np.maximum(degrees, 1.0))
    return np.asarray((np.cbrt(power) - (1.0 - spread)) / np.sqrt(spread))


def is_off_track(found: PowerMap, chirp_mass: float, margin: float) -> np.ndarray:
    """Whether a tile lies outside the time that an inspiral spends in its band.

    Args:
        found: the tiles.
        chirp_mass: in solar masses, detector frame.
        margin: time before and after the inspiral that belongs to it, s.

    Returns:
        Shape (band, tile).
    """
    begin = -chirp_time(chirp_mass, found.edges[:, 0]) - margin
    half = found.length / 2.0
    before = found.times[None] + half < begin[:, None]
    after = found.times[None] - half > margin
    return before | after
