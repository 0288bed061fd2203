"""Multi-order sky maps, read by ligo.skymap."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import CERTIFICATE, INTRINSIC, TRIGGER, certified_posterior, network_posterior

from chirpleaf.errors import InputError
from chirpleaf.physics.derived import derived, source_frame
from chirpleaf.result import Posterior, Proposal
from chirpleaf.result.distance_layers import condition_distance, find_layers
from chirpleaf.result.multiorder import make_multiorder, merge_pixels, write_multiorder
from chirpleaf.result.sky import SkyMap

pytestmark = pytest.mark.filterwarnings("ignore")  # of the packages that ligo.skymap imports

N = 20_000


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    """A source in one direction, whose distance grows with the declination; draws of unequal weight."""
    rng = np.random.default_rng(0)
    samples = derived({name: 0.5 + 0.1 * rng.random(N) for name in INTRINSIC})
    dec = -0.3 + 0.1 * rng.standard_normal(N)
    samples |= {"ra": 2.0 + 0.1 * rng.standard_normal(N), "dec": dec}
    samples["luminosity_distance"] = 500 + 1000 * (dec + 0.3) + 60 * rng.standard_normal(N)
    samples |= source_frame(samples)
    log_weight = -((samples["ra"] - 2.1) ** 2) / 0.02
    sky = SkyMap.from_directions(samples["ra"], samples["dec"], np.exp(log_weight))
    return certified_posterior(proposal=Proposal(samples, np.zeros(N), log_weight), sky=sky)


@pytest.fixture(scope="module")
def table(posterior: Posterior, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from ligo.skymap.io.fits import read_sky_map

    path = tmp_path_factory.mktemp("sky") / "skymap.multiorder.fits"
    write_multiorder(posterior, path)
    return read_sky_map(path, moc=True, distances=True)


def test_event_time_and_detectors_are_read(table: Any, posterior: Posterior) -> None:
    assert table.meta["objid"] == "GW150914"
    assert table.meta["gps_time"] == pytest.approx(TRIGGER, abs=1e-5)
    assert table.meta["instruments"] == {"H1", "L1"}
    assert table.meta["log_bsn"] == CERTIFICATE.log_bayes_factor
    weights = posterior.proposal.weights
    assert table.meta["distmean"] == pytest.approx(
        np.average(posterior.proposal.samples["luminosity_distance"], weights=weights)
    )


def test_pixels_of_one_size_are_those_of_the_flat_map(table: Any, posterior: Posterior) -> None:
    from ligo.skymap.moc import rasterize

    sky = posterior.sky
    assert sky is not None
    assert len(table) < len(sky.probability) / 4  # equal pixels were joined
    flat = rasterize(table, order=sky.nside.bit_length() - 1)
    np.testing.assert_allclose(flat["PROBDENSITY"] * sky.pixel_area * np.radians(1) ** 2, sky.probability, rtol=1e-9)


def test_distances_of_all_directions_are_those_of_the_samples(table: Any, posterior: Posterior) -> None:
    from ligo.skymap.distance import parameters_to_marginal_moments
    from ligo.skymap.moc import uniq2pixarea

    probability = np.asarray(table["PROBDENSITY"] * uniq2pixarea(table["UNIQ"]))
    assert probability.sum() == pytest.approx(1.0)
    mean, deviation = parameters_to_marginal_moments(
        probability, np.asarray(table["DISTMU"]), np.asarray(table["DISTSIGMA"])
    )
    assert mean == pytest.approx(table.meta["distmean"], rel=0.01)
    assert deviation == pytest.approx(table.meta["diststd"], rel=0.05)


def test_the_distance_follows_the_direction(posterior: Posterior) -> None:
    draws = posterior.proposal.samples
    mean, deviation = condition_distance(
        draws["ra"], draws["dec"], draws["luminosity_distance"], posterior.proposal.weights, 16
    )
    from astropy_healpix import HEALPix

    pixels = HEALPix(16, order="nested").lonlat_to_healpix([2.1, 2.1] * _rad(), [-0.4, -0.2] * _rad())
    np.testing.assert_allclose(mean[pixels], [400, 600], atol=40)
    np.testing.assert_allclose(deviation[pixels], 60, atol=25)


def _rad() -> Any:
    from astropy import units

    return units.rad


def test_layers_are_those_of_ligo_skymap() -> None:
    from ligo.skymap.distance import moments_to_parameters

    mean = np.array([100.0, 400.0, 400.0, 400.0, 400.0, 2000.0, 400.0, np.nan])
    deviation = np.array([1.0, 20.0, 100.0, 200.0, 225.0, 900.0, 300.0, 10.0])
    theirs = moments_to_parameters(mean, deviation)
    for ours, value in zip(find_layers(mean, deviation), theirs, strict=True):
        np.testing.assert_allclose(ours, value, rtol=1e-4)


def test_pixels_of_equal_content_are_joined() -> None:
    values = np.zeros((12 * 4**2, 4))
    values[5] = 1.0
    found = merge_pixels(values)
    sizes = 4.0 ** -(np.log2(found.uniq / 4).astype(int) // 2)
    assert sizes.sum() == pytest.approx(12)
    assert len(found.uniq) == 11 + 3 + 4  # one face is divided twice
    assert found.uniq[found.values[:, 0] == 1].tolist() == [4 ** (2 + 1) + 5]


def test_without_a_sky_map_there_is_none_to_write() -> None:
    with pytest.raises(InputError, match="got one without a sky map: leave out --no-certify"):
        make_multiorder(network_posterior())


def test_the_flat_map_says_when_and_with_what(posterior: Posterior, tmp_path: Path) -> None:
    from ligo.skymap.io.fits import read_sky_map

    posterior.write(tmp_path)
    flat, meta = read_sky_map(tmp_path / "skymap.fits", nest=True)
    assert posterior.sky is not None
    np.testing.assert_array_equal(flat, posterior.sky.probability)
    assert meta["gps_time"] == pytest.approx(TRIGGER, abs=1e-5)
    assert meta["instruments"] == {"H1", "L1"}
