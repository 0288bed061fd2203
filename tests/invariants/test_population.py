"""Samples for populations: the prior of each sample."""

import numpy as np
import pytest
from made_results import certified_posterior, network_posterior

from chirpleaf.errors import InputError
from chirpleaf.physics.comoving_volume import UniformSourceFrame
from chirpleaf.physics.cosmology import luminosity_distance
from chirpleaf.physics.derived import derived, source_frame
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.result import Posterior, Proposal
from chirpleaf.result.population import COORDINATES, tabulate_population
from chirpleaf.result.prior import AnalysisPrior

PRIOR = AnalysisPrior("some", IntrinsicPrior(), UniformSourceFrame(100.0, 3000.0), (1.0, 2.0))


def draws_of_the_prior(n: int = 40_000) -> Posterior:
    rng = np.random.default_rng(1)
    samples = derived(PRIOR.intrinsic.sample(n, rng))
    samples["luminosity_distance"] = PRIOR.distance.sample(n, rng)
    samples |= source_frame(samples)
    samples |= {"ra": rng.random(n), "dec": rng.random(n), "theta_jn": rng.random(n), "psi": rng.random(n)}
    samples |= {"phase": rng.random(n), "geocent_time": 1 + rng.random(n)}
    return certified_posterior(proposal=Proposal(samples, np.zeros(n), np.zeros(n)), prior=PRIOR)


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
