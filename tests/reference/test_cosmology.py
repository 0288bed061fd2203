"""Redshifts against astropy's own inversion, by the route that bilby takes."""

import astropy.units as u
import numpy as np
import pytest
from astropy.cosmology import Planck15, z_at_value

from chirpleaf.physics.cosmology import _load_table, redshift

DISTANCES = [0.1, 1.0, 10.0, 100.0, 440.0, 1500.0, 3000.0, 10_000.0, 50_000.0]


@pytest.mark.parametrize("distance", DISTANCES)
def test_redshift_is_that_of_astropy(distance: float) -> None:
    expected = float(z_at_value(Planck15.luminosity_distance, distance * u.Mpc))
    assert float(redshift(distance)) == pytest.approx(expected, rel=1e-5)


def test_redshift_is_that_of_bilby() -> None:
    from bilby.gw.conversion import luminosity_distance_to_redshift

    distances = np.array([50.0, 440.0, 3000.0])
    np.testing.assert_allclose(redshift(distances), luminosity_distance_to_redshift(distances, "Planck15"), rtol=1e-5)


def test_the_table_holds_the_distances_of_astropy() -> None:
    distances, redshifts = _load_table()
    np.testing.assert_allclose(distances, Planck15.luminosity_distance(redshifts).value, rtol=1e-12)


def test_hubbles_law_nearby() -> None:
    """z = H_0 D / c to first order, and the second order has the right sign."""
    slope = Planck15.H0.value / 299792.458
    assert float(redshift(0.5)) / (0.5 * slope) == pytest.approx(1.0, abs=2e-4)
    assert 0.5 * 1000 * slope < float(redshift(1000.0)) < 1000 * slope


def test_there_and_back_between_the_nodes() -> None:
    distances = np.random.default_rng(0).uniform(20.0, 5000.0, 300)
    np.testing.assert_allclose(Planck15.luminosity_distance(redshift(distances)).value, distances, rtol=2e-6)


def test_shapes_are_kept_and_nothing_is_at_no_redshift() -> None:
    assert redshift(np.full((2, 3), 400.0)).shape == (2, 3)
    assert redshift(400.0).shape == ()
    assert float(redshift(0.0)) == 0.0
    assert (np.diff(redshift(np.geomspace(1e-3, 1e5, 500))) > 0).all()
