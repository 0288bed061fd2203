"""Coverage: a broadened proposal finds the part of a posterior in which no other proposal draws."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from certified_source import observed
from known_density import SPACE, SUPPORT, TARGET, FakeWeigher, Gaussian, refit
from scipy.stats import norm

from chirpleaf.inference.certify.coverage import broaden
from chirpleaf.inference.certify.gaussian_mixture import GaussianMixture
from chirpleaf.inference.certify.mixture import MixtureProposal
from chirpleaf.inference.certify.pool import Pool
from chirpleaf.inference.certify.proposals import NetworkProposal
from chirpleaf.inference.certify.settings import CertifySettings
from chirpleaf.models.normal import normal_coordinates
from chirpleaf.physics.derived import Samples
from chirpleaf.system.deadline import NEVER

CENTRE, WIDTH = TARGET
CUT = 0.3
"""Share of the target that the proposal misses."""


class HalfGaussian(Gaussian):
    """The target without the draws whose first coordinate is small."""

    edge = CENTRE + WIDTH * norm.ppf(CUT)

    def sample(self, n: int, seed: int) -> Samples:
        whole = SPACE.stack(super().sample(3 * n, seed))
        return SPACE.unstack(whole[coordinates(SPACE.unstack(whole))[:, 0] > self.edge][:n])

    def log_prob(self, theta: Samples) -> np.ndarray:
        inside = coordinates(theta)[:, 0] > self.edge
        return np.where(inside, super().log_prob(theta) - np.log(1 - CUT), -np.inf)


def coordinates(theta: Samples) -> np.ndarray:
    return np.asarray(SUPPORT(torch.from_numpy(SPACE.stack(theta))).numpy())


def normal_mixture(centre: float, width: float) -> MixtureProposal:
    """A Gaussian as a mixture of one component."""
    one = GaussianMixture(np.zeros(1), np.full((1, 4), centre), width * np.eye(4)[None])
    return MixtureProposal(SPACE, SUPPORT, one)


@pytest.mark.parametrize("covered", [False, True])
def test_a_missing_part_of_the_posterior_is_found(covered: bool) -> None:
    pool: Any = Pool(FakeWeigher(SimpleNamespace(now=0.0)), CertifySettings())
    half = HalfGaussian(CENTRE, WIDTH)
    pool.add(half, half.sample(2048, 0))
    if covered:
        pool.add(broaden(normal_mixture(CENTRE + 0.2, WIDTH), 2.0), 200, background=True)
    pool.fill(0, 5000, refit, deadline=NEVER)
    found = pool.diagnostics
    assert found.effective_samples >= 5000
    assert found.converged  # nothing in the weights of the half says that it is one
    missing = np.log(1 - CUT)
    assert found.log_evidence == pytest.approx(0.0 if covered else missing, abs=0.04)


class TwoModes:
    """Two Gaussians, a fifth in the second one, some widths apart along the first coordinate."""

    def __init__(self, distance: float) -> None:
        self.step = np.array([distance * WIDTH, 0.0, 0.0, 0.0])

    def log_prob(self, theta: Samples) -> np.ndarray:
        values = torch.from_numpy(SPACE.stack(theta))
        z = SUPPORT(values)
        first, second = (norm.logpdf(z.numpy() - move, CENTRE, WIDTH).sum(-1) for move in (0.0, self.step))
        log_density = np.logaddexp(np.log(0.8) + first, np.log(0.2) + second)
        return np.asarray(log_density + SUPPORT.log_abs_det_jacobian(values, z).numpy())


@pytest.mark.parametrize(("distance", "found"), [(5.0, True), (10.0, False)])
def test_a_separate_mode_is_found_if_the_broadened_proposal_reaches_it(distance: float, found: bool) -> None:
    """The limit of the method: a mode of a fifth of the posterior is found five widths away, and not ten."""
    pool: Any = Pool(FakeWeigher(SimpleNamespace(now=0.0), TwoModes(distance)), CertifySettings())
    main = normal_mixture(CENTRE, WIDTH)
    pool.add(main, 2048)
    pool.add(broaden(main, 2.0), 200, background=True)
    pool.fill(0, 5000, refit, deadline=NEVER)
    assert pool.stopped == "enough"
    assert pool.diagnostics.log_evidence == pytest.approx(0.0 if found else np.log(0.8), abs=0.08)


def test_a_mixture_is_broadened_about_its_means() -> None:
    broad = broaden(normal_mixture(CENTRE, WIDTH), 3.0)
    expected = Gaussian(CENTRE, 3 * WIDTH)
    theta = expected.sample(100, 0)
    np.testing.assert_allclose(broad.log_prob(theta), expected.log_prob(theta), atol=1e-9)


def test_a_network_is_broadened_in_its_normal_coordinates() -> None:
    seen = observed()
    broad = broaden(NetworkProposal(seen), 2.0)
    normal = normal_coordinates(seen.model.posterior, seen.canonical)
    z = normal(torch.from_numpy(broad.space.stack(broad.sample(4000, 0))))
    np.testing.assert_allclose(z.std(0).numpy(), 2.0, rtol=0.1)
    np.testing.assert_allclose(z.mean(0).numpy(), 0.0, atol=0.15)


def test_other_proposals_are_refused() -> None:
    with pytest.raises(TypeError, match="expected a network or a mixture; got Gaussian"):
        broaden(Gaussian(0.0, 1.0), 2.0)
