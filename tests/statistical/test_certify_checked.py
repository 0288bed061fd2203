"""Samples whose likelihood is known on every frequency, and the fast likelihood that is corrected by them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from certified_source import DISTANCE, GPS, bbh, observed

from chirpleaf.inference.certify import Target, certify
from chirpleaf.inference.certify.checked import CheckedSamples
from chirpleaf.inference.certify.pool import Pool
from chirpleaf.inference.certify.proposals import NetworkProposal
from chirpleaf.inference.certify.settings import CertifySettings, HeterodyneSettings
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.physics.derived import Samples
from chirpleaf.result.certificate import GREATEST_LIKELIHOOD_ERROR
from chirpleaf.system.deadline import NEVER, Deadline

COARSE = HeterodyneSettings(dephasing=4.8)
SETTINGS = CertifySettings(heterodyne=COARSE)


def coarse_weigher(theta: Samples) -> Weigher:
    """A likelihood on nodes that are too far apart."""
    seen, target = observed(), Target(bbh().architecture.prior, DISTANCE)
    return Weigher.prepare(seen, seen.segment, GPS, target, theta, SETTINGS, seed=1)


@cache
def checked(n: int = 24) -> CheckedSamples:
    """Samples by a likelihood on nodes that are too far apart."""
    theta = NetworkProposal(observed()).sample(256, 1)
    weigher = coarse_weigher(theta)
    draws = weigher.weigh(theta, np.zeros(256), 0)
    found = CheckedSamples.draw(weigher, draws.samples, draws.log_target, n, SETTINGS.likelihood)
    assert found is not None
    return found


def test_full_samples_have_the_likelihood_that_they_were_weighed_by() -> None:
    """They were weighed after an alignment, which is a delay of the binary and not of the point."""
    some = checked()
    found = some.weigher.log_likelihood(some.samples, COARSE)
    assert np.std(found) > 0.1
    np.testing.assert_allclose(found, some.samples["log_likelihood"], atol=0.01)


def test_nodes_are_halved_until_the_likelihood_is_that_on_every_frequency() -> None:
    some = checked()
    nodes, halvings = some.refine(COARSE, 8, NEVER)
    assert some.error > COARSE.tolerated_error
    assert halvings > 1
    assert nodes == replace(COARSE, dephasing=COARSE.dephasing / 2**halvings)
    assert np.abs(some.weigher.log_likelihood(some.samples, nodes) - some.exact).max() < 3 * COARSE.tolerated_error


@pytest.mark.parametrize(("allowed", "latest", "made"), [(1, NEVER, 1), (0, NEVER, 0), (4, Deadline(0.0), 0)])
def test_they_are_halved_no_more_often_than_is_allowed(allowed: int, latest: Deadline, made: int) -> None:
    nodes, halvings = checked().refine(COARSE, allowed, latest)
    assert halvings == made
    assert nodes.dephasing == COARSE.dephasing / 2**made


def test_nodes_that_are_fine_enough_stay() -> None:
    tolerant = replace(COARSE, tolerated_error=1e3)
    assert checked().refine(tolerant, 4, NEVER) == (tolerant, 0)


def test_without_a_weight_there_are_no_samples() -> None:
    some = checked()
    nothing = np.full(len(some.exact), -np.inf)
    assert CheckedSamples.draw(some.weigher, some.samples, nothing, 4, SETTINGS.likelihood) is None


def make_pool(nodes: HeterodyneSettings = COARSE, n: int = 1024) -> Pool:
    """Draws that are weighed by a likelihood on nodes that are too far apart."""
    proposal = NetworkProposal(observed())
    theta = proposal.sample(n, 1)
    pool = Pool(coarse_weigher(theta), replace(SETTINGS, heterodyne=nodes))
    pool.add(proposal, theta)
    return pool


def test_a_likelihood_that_errs_is_made_again_and_weighs_the_same_draws() -> None:
    pool = make_pool()
    theta, log_prob, before = pool.theta, pool.log_prob, pool.likelihood_error()
    assert pool.correct(24, COARSE.tolerated_error, NEVER)
    assert before > GREATEST_LIKELIHOOD_ERROR > pool.likelihood_error()
    for name, values in theta.items():
        np.testing.assert_array_equal(pool.theta[name], values)
    np.testing.assert_array_equal(pool.log_prob, log_prob)
    assert not pool.correct(24, GREATEST_LIKELIHOOD_ERROR, NEVER)


@pytest.mark.parametrize("halvings", [0, 1, 2])
def test_nodes_are_halved_as_often_as_the_settings_allow(halvings: int) -> None:
    pool = make_pool(replace(COARSE, halvings=halvings))
    assert pool.correct(24, COARSE.tolerated_error, NEVER) == (halvings > 0)
    nodes = pool._weigher.settings.heterodyne
    assert COARSE.dephasing / 2**halvings <= nodes.dephasing
    assert (nodes.dephasing < COARSE.dephasing) == (halvings > 0)


def test_a_likelihood_is_made_about_the_samples_that_are_known() -> None:
    """The reference is the most likely of them on every frequency, whatever the fast likelihood is."""
    some = checked()
    wrong = some._replace(samples={**some.samples, "log_likelihood": -some.exact})
    further = NetworkProposal(observed()).sample(64, 2)
    weigher, _ = wrong.make_weigher(further, 8, NEVER)
    represented = weigher.marginal.heterodyne.represented["chirp_mass"]
    assert represented[0] == some.samples["chirp_mass"][some.exact.argmax()]
    assert set(some.samples["chirp_mass"]) == set(represented)
    fast = weigher.log_likelihood(some.samples, weigher.settings.heterodyne)
    assert np.sqrt(np.mean((fast - some.exact) ** 2)) <= COARSE.tolerated_error


@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_without_the_time_for_it_no_likelihood_is_made_again(seconds: float) -> None:
    pool = make_pool()
    before = pool.log_weight
    assert not pool.correct(24, COARSE.tolerated_error, Deadline.after(seconds))
    np.testing.assert_array_equal(pool.log_weight, before)


@pytest.mark.parametrize(("halvings", "exact"), [(8, True), (0, False)])
def test_a_likelihood_that_errs_at_the_end_is_made_again(
    monkeypatch: pytest.MonkeyPatch, halvings: int, exact: bool
) -> None:
    """The first draws are not compared here, so that the end alone can find the error."""
    nodes, correct = replace(COARSE, dephasing=2.4, halvings=halvings), Pool.correct
    sampling = replace(SETTINGS.sampling, first_draws=512)
    limits = replace(SETTINGS, heterodyne=nodes, sampling=sampling, effective_samples=500)

    def correct_late(self: Pool, n: int, tolerated_error: float, latest: Deadline) -> bool:
        return n != sampling.checked_first and correct(self, n, tolerated_error, latest)

    monkeypatch.setattr(Pool, "correct", correct_late)
    seen, target = observed(), Target(bbh().architecture.prior, DISTANCE)
    found = certify(seen, seen.segment, GPS, target, limits, seed=1).certificate
    assert found.effective_samples >= 500
    assert (found.likelihood_error < GREATEST_LIKELIHOOD_ERROR) == exact
