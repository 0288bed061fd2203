"""Sky map: the probability of the source's direction, as a HEALPix map.

The map is a histogram of weighted directions. Half of a pixel's weight goes to its eight neighbours, and pixels are as
small as the effective number of directions in them allows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.result.fits import Value, write_column
from chirpleaf.result.frozen import freeze_array
from chirpleaf.result.healpix import find_neighbours, find_pixel
from chirpleaf.result.weights import effective_sample_size
from chirpleaf.strain.times import to_utc

Array = NDArray[np.float64]

_SIDES = (512, 256, 128, 64, 32, 16)
"""HEALPix resolutions (nside) that are tried, finest first."""

_LEAST_PER_PIXEL = 8
"""Effective number of directions per pixel of the 90 % region, below which a coarser map is taken. More gives a
smoother map of larger pixels."""

_MJD_BEGIN = datetime(1858, 11, 17)
"""Zero of the modified Julian date."""

_GREATEST_SUM_ERROR = 1e-6
"""Difference of the sum of all probabilities from one that rounding may cause."""


@dataclass(frozen=True, eq=False, repr=False)
class SkyMap:
    """Probability on the sky.

    Attributes:
        probability: probability of each pixel, in nested order, shape (12 nside^2,), with sum one; read-only.

    Raises:
        InputError: the number of pixels is not 12 nside^2 with a power of two for nside, a probability is negative or
            not finite, or their sum is not one.
    """

    probability: Array

    def __post_init__(self) -> None:
        probability = freeze_array(self.probability)
        object.__setattr__(self, "probability", probability)
        if probability.ndim != 1 or probability.size != 12 * self.nside**2 or self.nside.bit_count() != 1:
            raise InputError(
                f"expected 12 nside^2 pixels of a sky map; got shape {probability.shape}: compute it again"
            )
        total = probability.sum()
        if not (probability >= 0).all() or abs(total - 1) > _GREATEST_SUM_ERROR:
            raise InputError(f"expected probabilities of sum one on the sky; got sum {total:g}: compute them again")

    @classmethod
    def from_directions(cls, ra: Array, dec: Array, weight: Array) -> "SkyMap":
        """Builds the map of weighted directions.

        Args:
            ra: right ascension, shape (n,), rad.
            dec: declination, shape (n,), rad.
            weight: sky weights, not negative, of any scale, shape (n,).

        Returns:
            The finest map that the directions allow; a uniform one if every weight is zero.
        """
        if not weight.any():
            return cls(np.full(12 * _SIDES[-1] ** 2, 1 / (12 * _SIDES[-1] ** 2)))
        effective = effective_sample_size(weight)
        for side in _SIDES:
            sky = cls(_smooth(_histogram(ra, dec, weight, side), side))
            if effective > _LEAST_PER_PIXEL * sky.area(0.9) / sky.pixel_area or side == _SIDES[-1]:
                break
        return sky

    def reweight(self, ra: Array, dec: Array, ratio: Array) -> "SkyMap":
        """The map after its samples got new weights.

        The new weights are averaged over pixels as coarse as their number requires; finer structure remains.

        Args:
            ra: right ascension of samples of equal weight, shape (n,), rad.
            dec: their declination, shape (n,), rad.
            ratio: their new weights, not negative, not all zero, of any scale, shape (n,).

        Returns:
            A map of the same resolution.
        """
        coarse = self.from_directions(ra, dec, ratio)
        side = min(coarse.nside, self.nside)
        before, after = (_smooth(_histogram(ra, dec, weight, side), side) for weight in (np.ones_like(ratio), ratio))
        factor = np.divide(after, before, out=np.ones_like(after), where=before > 0)
        probability = self.probability * np.repeat(factor, (self.nside // side) ** 2)  # nested order: children together
        return SkyMap(probability / probability.sum())

    def __repr__(self) -> str:
        return f"SkyMap(nside {self.nside}, {self.area(0.9):.0f} square degrees for 90 %)"

    @property
    def nside(self) -> int:
        """HEALPix resolution: the sphere has 12 nside^2 pixels."""
        return math.isqrt(self.probability.size // 12)

    @property
    def pixel_area(self) -> float:
        """Area of a pixel, square degrees."""
        return float(4 * np.pi * np.degrees(1) ** 2 / len(self.probability))

    def area(self, level: float) -> float:
        """Area of the smallest region of a given probability.

        Args:
            level: the probability, between 0 and 1.

        Returns:
            Square degrees.
        """
        cumulative = np.sort(self.probability[self.probability > 0])[::-1].cumsum()
        return float((np.searchsorted(cumulative, level) + 1) * self.pixel_area)

    def write(self, path: Path, *, event: str, gps: float, detectors: Sequence[str] = (), verdict: str = "") -> None:
        """Writes the map as a FITS file that `ligo.skymap` and Aladin read.

        Args:
            path: file name; an existing file is replaced.
            event: name of the source.
            gps: time of the event, seconds.
            detectors: names of the detectors whose data were used.
            verdict: verdict on the posterior; none if empty.
        """
        header: dict[str, Value] = {
            "PIXTYPE": "HEALPIX",
            "ORDERING": "NESTED",
            "COORDSYS": "C",
            "NSIDE": self.nside,
            "INDXSCHM": "IMPLICIT",
            "FIRSTPIX": 0,
            "LASTPIX": len(self.probability) - 1,
            **describe_event(event, gps, detectors, verdict),
            "GPSTIME": gps,
        }
        write_column(path, self.probability, name="PROB", unit="pix-1", header=header)


def describe_event(event: str, gps: float, detectors: Sequence[str], verdict: str = "") -> dict[str, Value]:
    """Keywords of a sky map that name its event, by the conventions of `ligo.skymap.io.fits`.

    Args:
        event: name of the source.
        gps: time of the event, seconds.
        detectors: names of the detectors whose data were used.
        verdict: verdict on the posterior, a keyword of this project; none if empty.
    """
    time = to_utc(gps)
    return {
        "OBJECT": event,
        **({"INSTRUME": ",".join(detectors)} if detectors else {}),
        "DATE-OBS": time.isoformat(timespec="microseconds"),
        "MJD-OBS": (time - _MJD_BEGIN) / timedelta(days=1),
        "CREATOR": f"chirpleaf {version('chirpleaf')}",
        "ORIGIN": "chirpleaf",
        **({"VERDICT": verdict} if verdict else {}),
    }


def _histogram(ra: Array, dec: Array, weight: Array, side: int) -> Array:
    """Share of the weight in each pixel, shape (12 side^2,)."""
    pixels = find_pixel(ra, dec, side)
    shares: Array = np.bincount(pixels, weights=weight / weight.sum(), minlength=12 * side**2).astype(np.float64)
    return shares


def _smooth(shares: Array, side: int) -> Array:
    """Moves half of each pixel's share to its seven or eight neighbours."""
    filled = np.flatnonzero(shares)
    neighbours = find_neighbours(filled, side)
    smooth = np.zeros_like(shares)
    smooth[filled] += shares[filled] / 2
    exists = neighbours >= 0
    given = np.where(exists, shares[filled] / 2 / exists.sum(axis=0), 0.0)
    np.add.at(smooth, neighbours[exists], given[exists])
    return smooth
