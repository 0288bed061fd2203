"""Stratified draws: uniform over the strata, and the prior after weighting."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare, kstest

from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.training.banks.proposal import StratifiedProposal

PRIORS = {"bbh": IntrinsicPrior(chirp_mass_min=12.0), "bbh-long": IntrinsicPrior(chirp_mass_max=16.0)}
priors = pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS.keys())
N = 100_000


def resampled(prior: IntrinsicPrior, *, weighted: bool) -> dict[str, NDArray[np.float64]]:
    """Some 5,000 binaries of the proposal, picked by their weights (or evenly)."""
    rng = np.random.default_rng(1)
    proposal = StratifiedProposal(prior, n_strata=16)
    draws = proposal.sample(N, rng)
    weights = np.exp(proposal.log_weight(draws["chirp_mass"])) if weighted else np.ones(N)
    kept = rng.random(N) < weights / weights.max() * min(1.0, 0.05 * weights.max())
    return {name: values[kept] for name, values in draws.items()}


def p_value(prior: IntrinsicPrior, name: str, *, weighted: bool) -> float:
    plain = prior.sample(N, np.random.default_rng(2))
    return float(kstest(resampled(prior, weighted=weighted)[name], plain[name]).pvalue)


@priors
@pytest.mark.parametrize("name", ["chirp_mass", "mass_ratio", "chi_1", "chi_2"])
def test_weighted_draws_follow_the_prior(prior: IntrinsicPrior, name: str) -> None:
    assert p_value(prior, name, weighted=True) > 1e-3


@priors
def test_unweighted_draws_do_not(prior: IntrinsicPrior) -> None:
    assert p_value(prior, "chirp_mass", weighted=False) < 1e-6


@priors
def test_strata_are_drawn_evenly_and_weights_have_mean_one(prior: IntrinsicPrior) -> None:
    proposal = StratifiedProposal(prior, n_strata=16)
    chirp_mass = proposal.sample(N, np.random.default_rng(3))["chirp_mass"]
    counts, _ = np.histogram(np.log(chirp_mass), bins=np.log(proposal.edges))
    assert counts.sum() == N
    assert chisquare(counts).pvalue > 1e-3
    weights = np.exp(proposal.log_weight(chirp_mass))
    assert weights.mean() == pytest.approx(1.0, abs=4 * weights.std() / np.sqrt(N))


@priors
def test_the_weight_is_the_prior_over_the_density_of_the_draws(prior: IntrinsicPrior) -> None:
    proposal = StratifiedProposal(prior, n_strata=16)
    plain = prior.sample(N, np.random.default_rng(4))["chirp_mass"]
    expected = np.histogram(plain, bins=proposal.edges)[0] / N * 16
    middles = np.sqrt(proposal.edges[:-1] * proposal.edges[1:])
    np.testing.assert_allclose(np.exp(proposal.log_weight(middles)), expected, rtol=0.15, atol=0.01)


def test_draws_come_in_random_order() -> None:
    chirp_mass = StratifiedProposal(PRIORS["bbh"]).sample(2000, np.random.default_rng(5))["chirp_mass"]
    assert abs(np.corrcoef(chirp_mass, np.arange(2000))[0, 1]) < 0.1


def test_weights_beyond_the_range_are_those_of_the_nearest_stratum() -> None:
    proposal = StratifiedProposal(PRIORS["bbh"])
    beyond, edge = proposal.log_weight([1.0, 500.0]), proposal.log_weight(proposal.edges[[0, -1]])
    np.testing.assert_array_equal(beyond, edge)


def test_data_are_normed_by_their_template_where_it_can_be_trusted() -> None:
    proposal = StratifiedProposal(PRIORS["bbh"])
    rare = proposal.edges[[0, -1]]
    np.testing.assert_allclose(proposal.log_normalisation(rare, np.full(2, 40.0)), proposal.log_weight(rare), rtol=1e-6)
    assert np.all(np.exp(proposal.log_normalisation(rare, np.full(2, 7.0))) > 0.4)
    assert np.all(np.diff(np.exp(proposal.log_normalisation(np.full(5, rare[0]), np.linspace(6, 14, 5)))) < 0)
