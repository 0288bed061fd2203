"""Sky maps: positions, areas, and files that other programs read."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy_healpix import HEALPix

from chirpleaf.result.sky import SkyMap


def around(ra: float, dec: float, sigma: float, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Directions scattered about one, by `sigma` (rad) in either direction of the tangent plane."""
    x, y = sigma * np.random.default_rng(seed).standard_normal((2, n))
    centre = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    east = np.array([-np.sin(ra), np.cos(ra), 0.0])
    north = np.cross(centre, east)
    source = centre + np.tan(np.hypot(x, y))[:, None] / np.maximum(np.hypot(x, y), 1e-12)[:, None] * (
        x[:, None] * east + y[:, None] * north
    )
    source /= np.linalg.norm(source, axis=1, keepdims=True)
    return np.mod(np.arctan2(source[:, 1], source[:, 0]), 2 * np.pi), np.arcsin(source[:, 2])


@pytest.mark.parametrize(("ra", "dec"), [(1.0, 0.3), (6.2, -1.2), (0.0, 1.5), (3.0, -np.pi / 2)])
def test_the_most_probable_pixel_lies_at_the_directions(ra: float, dec: float) -> None:
    sigma = np.radians(2)
    sky = SkyMap.from_directions(*around(ra, dec, sigma, 300_000), np.ones(300_000))
    assert sky.probability.sum() == pytest.approx(1.0, abs=1e-12)
    assert (sky.probability >= 0).all()
    assert len(sky.probability) == 12 * sky.nside**2
    lon, lat = HEALPix(sky.nside, order="nested").healpix_to_lonlat([int(sky.probability.argmax())])
    distance = np.arccos(np.sin(lat) * np.sin(dec) + np.cos(lat) * np.cos(dec) * np.cos(lon.to_value("rad") - ra))
    assert float(distance[0].to_value("rad")) < sigma


@pytest.mark.parametrize("level", [0.5, 0.9])
@pytest.mark.parametrize(("degrees", "n"), [(2.0, 1_000_000), (5.0, 1_000_000), (12.0, 200_000)])
def test_areas_of_a_gaussian(degrees: float, n: int, level: float) -> None:
    """A fraction p of a round Gaussian lies within -2 pi sigma^2 ln(1 - p)."""
    sky = SkyMap.from_directions(*around(1.0, 0.4, np.radians(degrees), n), np.ones(n))
    assert sky.area(level) == pytest.approx(-2 * np.pi * degrees**2 * np.log(1 - level), rel=0.1)


def test_areas_of_a_uniform_sky() -> None:
    rng = np.random.default_rng(0)
    sky = SkyMap.from_directions(
        rng.uniform(0, 2 * np.pi, 400_000), np.arcsin(rng.uniform(-1, 1, 400_000)), np.ones(400_000)
    )
    whole = 4 * np.pi * np.degrees(1) ** 2
    assert sky.area(0.9) == pytest.approx(0.9 * whole, rel=0.1)
    assert sky.pixel_area * len(sky.probability) == pytest.approx(whole)
    assert sky.area(0.1) < sky.area(0.5) < sky.area(0.9)


def test_probability_follows_the_weights_of_directions() -> None:
    """Two places, as many directions in each; one has three times the weight."""
    n = 100_000
    ra, dec = (np.concatenate(pair) for pair in zip(around(1.0, 0.3, 0.05, n), around(4.0, -0.3, 0.05, n), strict=True))
    sky = SkyMap.from_directions(ra, dec, np.repeat([3e5, 1e5], n))
    lon, _ = HEALPix(sky.nside, order="nested").healpix_to_lonlat(np.arange(len(sky.probability)))
    assert sky.probability[lon.to_value("rad") < 2.5].sum() == pytest.approx(0.75, abs=0.005)


def test_fewer_directions_make_larger_pixels() -> None:
    sides = [
        SkyMap.from_directions(*around(1.0, 0.3, np.radians(4), n), np.ones(n)).nside
        for n in (100, 3000, 100_000, 1_000_000)
    ]
    assert sides == sorted(sides)
    assert sides[0] < sides[-1]
    for side in sides:
        assert side & (side - 1) == 0


def test_new_weights_of_samples_move_the_map() -> None:
    rng = np.random.default_rng(3)
    ra, dec = 1.0 + 0.1 * rng.standard_normal((2, 20_000))
    sky = SkyMap.from_directions(ra, dec, np.ones(len(ra)))
    some = slice(0, 4000)
    same = sky.reweight(ra[some], dec[some], np.full(4000, 3.0))
    np.testing.assert_allclose(same.probability, sky.probability, rtol=1e-9)
    moved = sky.reweight(ra[some], dec[some], np.exp(5 * (dec[some] - 1.0)))
    expected = SkyMap.from_directions(ra, dec, np.exp(5 * (dec - 1.0)))
    assert moved.nside == sky.nside
    assert moved.area(0.9) == pytest.approx(expected.area(0.9), rel=0.1)
    places = HEALPix(nside=moved.nside, order="nested").healpix_to_lonlat(np.arange(len(moved.probability)))
    assert np.sum(moved.probability * places[1].rad) == pytest.approx(1.05, abs=0.01)  # mean + slope x variance
    assert np.sum(moved.probability * places[0].rad) == pytest.approx(1.0, abs=0.01)


def test_a_single_direction() -> None:
    sky = SkyMap.from_directions(np.array([1.0]), np.array([0.2]), np.array([2.0]))
    assert sky.probability.sum() == pytest.approx(1.0)
    assert sky.probability.max() == pytest.approx(0.5)


def test_the_file_is_what_ligo_skymap_expects(tmp_path: Path) -> None:
    """The keywords that `ligo.skymap.io.fits.read_sky_map` needs, and the order of the pixels."""
    sky = SkyMap.from_directions(*around(1.0, 0.3, 0.06, 100_000), np.ones(100_000))
    path = tmp_path / "sky.fits"
    for _ in range(2):
        sky.write(path, event="GW150914", gps=1126259462.4, verdict="doubtful")
    with fits.open(path) as file:
        header, table = file[1].header, file[1].data
        assert header["XTENSION"] == "BINTABLE"
        assert header["PIXTYPE"] == "HEALPIX"
        assert header["ORDERING"] == "NESTED"
        assert header["INDXSCHM"] == "IMPLICIT"
        assert header["COORDSYS"] in {"C", "Q", "ICRS"}
        assert header["NSIDE"] == sky.nside
        assert (header["FIRSTPIX"], header["LASTPIX"]) == (0, 12 * sky.nside**2 - 1)
        assert header["OBJECT"] == "GW150914"
        assert header["VERDICT"] == "doubtful"
        assert table.names == ["PROB"]
        assert header["TUNIT1"] == "pix-1"
        np.testing.assert_array_equal(table["PROB"], sky.probability)
        file.verify("exception")
