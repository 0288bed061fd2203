"""Samples for populations: the prior of each sample."""

import numpy as np
import pytest
from made_results import certified_posterior, draws_of_the_prior, network_posterior

from chirpleaf.errors import InputError
from chirpleaf.physics.cosmology import luminosity_distance
from chirpleaf.result.population import COORDINATES, tabulate_population


@pytest.fixture(scope="module")
def table() -> dict[str, np.ndarray]:
    return tabulate_population(draws_of_the_prior())


@pytest.mark.parametrize("wrong", [False, True], ids=["right", "without the Jacobian of the redshift"])
def test_the_prior_is_the_density_of_its_own_draws(table: dict[str, np.ndarray], wrong: bool) -> None:
    """The mean of f / p over draws of p is the integral of f over the support, for f = 1 in a box within it."""
    box = {
        "mass_1_source": (20.0, 30.0),
        "mass_ratio": (0.6, 0.9),
        "chi_1": (-0.5, 0.5),
        "chi_2": (-0.5, 0.5),
        "redshift": (0.2, 0.4),
    }
    inside = np.all([(table[name] > low) & (table[name] < high) for name, (low, high) in box.items()], axis=0)
    assert inside.sum() > 100
    density = table["prior"] / (np.gradient(luminosity_distance(np.linspace(0.2, 0.4, 9))).mean() if wrong else 1.0)
    terms = np.where(inside, 1 / density, 0.0)
    volume = np.prod([high - low for low, high in box.values()])
    deviation = (terms.mean() - volume) / (terms.std() / np.sqrt(len(terms)))
    assert (abs(deviation) < 4) != wrong


def test_columns(table: dict[str, np.ndarray]) -> None:
    assert set(COORDINATES) < set(table)
    assert {len(values) for values in table.values()} == {40_000}
    assert (table["prior"] > 0).all()


def test_what_has_no_prior_of_the_distance_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected a certified posterior.*; got one without \w+: leave out"):
        tabulate_population(network_posterior())
    with pytest.raises(InputError, match="got one without"):
        tabulate_population(certified_posterior())


def test_the_prior_of_each_sample_stands_in_the_file_of_bilby() -> None:
    posterior = draws_of_the_prior(200)
    document = posterior.bilby_document()
    found = np.array(document["posterior"]["content"]["log_prior"])
    np.testing.assert_allclose(found, posterior.log_prior())
    theirs = posterior.to_bilby()
    columns = {name: theirs.posterior[name].to_numpy() for name in posterior.search_parameters}
    with np.errstate(divide="ignore"):
        expected = theirs.priors.ln_prob(columns, axis=0, normalized=False)
    assert np.ptp(expected - found) < 1e-3
