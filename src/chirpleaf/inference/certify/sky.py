"""Sky map: where the source lies, as a HEALPix map.

Every extrinsic point that took part in the marginal likelihood votes with the weight that it has over all draws, which
is many times more points than there are samples. Votes are shared with the neighbouring pixels, and pixels are as small
as the votes allow.
"""

from dataclasses import dataclass
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy_healpix import HEALPix
from numpy.typing import NDArray

from chirpleaf.inference.weights import effective_size

Array = NDArray[np.float64]

_SIDES = (512, 256, 128, 64, 32, 16)
_VOTES = 8
"""Effective votes in a pixel of the 90 % region, below which pixels grow."""


@dataclass(frozen=True, eq=False)
class SkyMap:
    """Probability on the sky.

    Attributes:
        probability: of each pixel, nested order, shape (12 nside^2,), sum one.
    """

    probability: Array

    @classmethod
    def of(cls, ra: Array, dec: Array, weight: Array) -> "SkyMap":
        """From weighed directions.

        Args:
            ra: right ascension, shape (n,), rad.
            dec: declination, shape (n,), rad.
            weight: not negative, shape (n,).
        """
        if not weight.any():  # nothing is known
            return cls(np.full(12 * _SIDES[-1] ** 2, 1 / (12 * _SIDES[-1] ** 2)))
        effective = effective_size(weight)
        for side in _SIDES:
            sky = cls(_shared(_votes(ra, dec, weight, side), side))
            if effective > _VOTES * sky.area(0.9) / sky.pixel_area or side == _SIDES[-1]:
                break
        return sky

    @property
    def nside(self) -> int:
        """HEALPix resolution."""
        return int(np.sqrt(len(self.probability) / 12))

    @property
    def pixel_area(self) -> float:
        """Area of a pixel, square degrees."""
        return float(4 * np.pi * np.degrees(1) ** 2 / len(self.probability))

    def area(self, level: float) -> float:
        """Area of the smallest region that holds a probability, square degrees."""
        held = np.sort(self.probability)[::-1].cumsum()
        return float((np.searchsorted(held, level) + 1) * self.pixel_area)

    def write(self, path: Path, *, event: str, gps: float) -> None:
        """Writes the map as a FITS file that `ligo.skymap` and Aladin read.

        Args:
            path: file name; one that exists is replaced.
            event: name of the source.
            gps: time of the event, seconds.
        """
        table = fits.BinTableHDU.from_columns([fits.Column("PROB", "D", unit="pix-1", array=self.probability)])
        table.header.update(
            PIXTYPE="HEALPIX", ORDERING="NESTED", COORDSYS="C", NSIDE=self.nside, INDXSCHM="IMPLICIT",
            FIRSTPIX=0, LASTPIX=len(self.probability) - 1, OBJECT=event, ORIGIN="chirpleaf", GPSTIME=gps,
        )  # fmt: skip
        fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, overwrite=True)


def _votes(ra: Array, dec: Array, weight: Array, side: int) -> Array:
    pixels = HEALPix(side, order="nested").lonlat_to_healpix(ra * u.rad, dec * u.rad)
    votes: Array = np.bincount(pixels, weights=weight / weight.sum(), minlength=12 * side**2).astype(np.float64)
    return votes


def _shared(votes: Array, side: int) -> Array:
    """Half of a pixel's votes to it, half to its eight neighbours."""
    voted = np.flatnonzero(votes)
    with np.errstate(invalid="ignore"):  # where a pixel has seven neighbours
        neighbours = HEALPix(side, order="nested").neighbours(voted)
    shared = np.zeros_like(votes)
    shared[voted] += votes[voted] / 2
    there = neighbours >= 0
    share = np.where(there, votes[voted] / 2 / there.sum(axis=0), 0.0)
    np.add.at(shared, neighbours[there], share[there])
    return shared
