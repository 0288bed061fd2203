"""HEALPix pixel numbers and FITS files against astropy."""

import warnings
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy_healpix import HEALPix

from chirpleaf.errors import InputError
from chirpleaf.result.fits import Value, write_column
from chirpleaf.result.healpix import find_neighbours, find_pixel

SIDES = (1, 2, 16, 64, 512)


@pytest.mark.parametrize("nside", SIDES)
def test_directions_fall_in_the_pixels_of_astropy(nside: int) -> None:
    rng = np.random.default_rng(nside)
    ra, dec = rng.uniform(-7.0, 7.0, 50_000), np.arcsin(rng.uniform(-1, 1, 50_000))
    expected = HEALPix(nside, order="nested").lonlat_to_healpix(ra * u.rad, dec * u.rad)
    np.testing.assert_array_equal(find_pixel(ra, dec, nside), expected)


@pytest.mark.parametrize("nside", SIDES)
def test_the_centre_of_each_pixel_is_in_it(nside: int) -> None:
    pixels = np.unique(np.random.default_rng(0).integers(0, 12 * nside**2, 20_000))
    ra, dec = HEALPix(nside, order="nested").healpix_to_lonlat(pixels)
    np.testing.assert_array_equal(find_pixel(ra.to_value(u.rad), dec.to_value(u.rad), nside), pixels)


def test_poles_and_the_seam_are_in_a_pixel_that_touches_them() -> None:
    seam = np.array([0.0, 2 * np.pi, -1e-17])
    for dec in (-1.2, -0.4, -0.013, 0.013, 0.4, 0.729, 1.2):
        found = find_pixel(seam, np.full(3, dec), 32)
        expected = HEALPix(32, order="nested").lonlat_to_healpix(seam * u.rad, np.full(3, dec) * u.rad)
        np.testing.assert_array_equal(found, expected)
    poles = np.array([np.pi / 2, -np.pi / 2])
    expected = HEALPix(32, order="nested").lonlat_to_healpix(np.ones(2) * u.rad, poles * u.rad)
    np.testing.assert_array_equal(find_pixel(np.ones(2), poles, 32), expected)


@pytest.mark.parametrize("nside", SIDES)
def test_neighbours_are_those_of_astropy_in_its_order(nside: int) -> None:
    pixels = np.unique(np.random.default_rng(1).integers(0, 12 * nside**2, 20_000))
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore")
        expected = HEALPix(nside, order="nested").neighbours(pixels)
    np.testing.assert_array_equal(find_neighbours(pixels, nside), expected)


@pytest.mark.parametrize("event", ["GW150914", "O'Neill", "S", "x" * 60])
@pytest.mark.parametrize("gps", [1126259462.4, 1126259462, -1.5e-7, 0.1])
def test_a_column_is_the_file_that_astropy_writes(tmp_path: Path, event: str, gps: float) -> None:
    values = np.random.default_rng(0).random(700)
    header: dict[str, Value] = {"PIXTYPE": "HEALPIX", "NSIDE": 8, "FLAG": True, "OBJECT": event, "GPSTIME": gps}
    table = fits.BinTableHDU.from_columns([fits.Column("PROB", "D", unit="pix-1", array=values)])
    table.header.update(header)
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "astropy.fits")
    write_column(tmp_path / "own.fits", values, name="PROB", unit="pix-1", header=header)
    assert (tmp_path / "own.fits").read_bytes() == (tmp_path / "astropy.fits").read_bytes()


@pytest.mark.parametrize("text", ["GW\n15", "événement", "x" * 69])
def test_text_that_fits_cannot_hold_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="68 printable ASCII"):
        write_column(tmp_path / "own.fits", np.ones(3), name="PROB", unit="", header={"OBJECT": text})
    assert not (tmp_path / "own.fits").exists()
