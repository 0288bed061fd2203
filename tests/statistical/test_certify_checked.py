"""Samples whose likelihood is known on every frequency, and the nodes that are chosen by them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from certified_source import DISTANCE, GPS, bbh, observed

from chirpleaf.inference.certify import Target
from chirpleaf.inference.certify.checked import CheckedSamples
from chirpleaf.inference.certify.proposals import NetworkProposal
from chirpleaf.inference.certify.settings import CertifySettings, HeterodyneSettings
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.system.deadline import NEVER, Deadline

COARSE = HeterodyneSettings(dephasing=4.8)
SETTINGS = CertifySettings(heterodyne=COARSE)


@cache
def checked(n: int = 24) -> CheckedSamples:
    """Samples by a likelihood on nodes that are too far apart."""
    seen, target = observed(), Target(bbh().architecture.prior, DISTANCE)
    theta = NetworkProposal(seen).sample(256, 1)
    weigher = Weigher.prepare(seen, seen.segment, GPS, target, theta, SETTINGS, seed=1)
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
