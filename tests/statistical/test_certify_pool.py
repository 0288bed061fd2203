"""A pool of draws from a known density: stopping, refits and evidence."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from chirpleaf.inference.certify import pool as pool_module
from chirpleaf.inference.certify.draws import EvaluatedDraws
from chirpleaf.inference.certify.mixture import MixtureProposal
from chirpleaf.inference.certify.pool import Pool
from chirpleaf.inference.certify.settings import CertifySettings, MixtureFitSettings
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import aligned_space

SPACE = aligned_space(IntrinsicPrior(chirp_mass_min=20.0, chirp_mass_max=40.0))
SUPPORT = SPACE.bijection
TARGET, POOR = (0.2, 0.4), (0.8, 1.2)
"""Centre and width of normal coordinates: of the target, and of a proposal that misses it by half."""
PER_DRAW = 1e-3
"""Seconds that a draw takes by the clock of these tests."""


class Gaussian:
    """A proposal, or a target, of independent normal coordinates."""

    def __init__(self, centre: float, width: float) -> None:
        self.centre, self.width = centre, width

    def sample(self, n: int, seed: int) -> Samples:
        z = self.centre + self.width * np.random.default_rng(seed).standard_normal((n, 4))
        return SPACE.unstack(SUPPORT.inv(torch.from_numpy(z)))

    def log_prob(self, theta: Samples) -> np.ndarray:
        values = torch.from_numpy(SPACE.stack(theta))
        z = SUPPORT(values)
        whitened = (z - self.centre) / self.width
        log_density = -0.5 * (whitened.square() + np.log(2 * np.pi * self.width**2)).sum(-1)
        return np.asarray((log_density + SUPPORT.log_abs_det_jacobian(values, z)).numpy())


def refit(theta: Samples, log_weight: np.ndarray) -> MixtureProposal:
    return MixtureProposal.fit(SPACE, SUPPORT, theta, log_weight, MixtureFitSettings(), seed=0)


class FakeWeigher(Weigher):
    """Computes a known target density, and takes a known time."""

    def __init__(self, clock: SimpleNamespace) -> None:
        vars(self).update(space=SPACE, seed=0, clock=clock)

    def weigh(self, theta: Samples, log_prob: np.ndarray, offset: int) -> EvaluatedDraws:
        self.clock.now += PER_DRAW * len(log_prob)  # type: ignore[attr-defined]
        return EvaluatedDraws(
            theta,
            Gaussian(*TARGET).log_prob(theta),
            np.zeros(len(log_prob)),
            np.zeros((1, 3)),
            np.zeros(len(log_prob), bool),
        )


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A pool with 2048 draws from a poor proposal, and its clock."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(pool_module.time, "perf_counter", lambda: clock.now)
    pool: Any = Pool(FakeWeigher(clock), CertifySettings())
    pool.clock = clock
    poor = Gaussian(*POOR)
    pool.add(poor, poor.sample(2048, 0))
    return pool


def test_a_poor_proposal_is_bettered_until_enough_count(pool: Any) -> None:
    before = pool.diagnostics
    pool.fill(0, 2000, refit, deadline=1e3)
    after = pool.diagnostics
    assert before.efficiency < 0.1
    assert after.effective_samples >= 2000
    assert after.efficiency > 2 * before.efficiency
    assert abs(after.log_evidence) < 4 * after.error < 0.2


def test_no_turn_is_much_longer_than_the_time_that_is_left(pool: Any) -> None:
    begun, deadline = pool.clock.now, pool.clock.now + 2.5
    pool.fill(0, 1_000_000, refit, deadline)
    assert pool.clock.now > begun + 2
    assert pool.clock.now <= deadline + 512 * PER_DRAW


def test_draws_that_are_asked_for_are_made_though_fewer_would_do(pool: Any) -> None:
    pool.fill(5000, 10, refit, deadline=1e3)
    assert pool.size == 5000


def test_after_the_deadline_none_are_made(pool: Any) -> None:
    pool.fill(5000, 2000, refit, deadline=pool.clock.now - 1)
    assert pool.size == 2048


def test_nothing_is_fitted_to_a_few_draws(pool: Any) -> None:
    pool.draws.log_target[10:] = -np.inf

    def refuse(*_: object) -> None:
        raise AssertionError("expected no other proposal")

    pool.fill(3000, 1, refuse, deadline=1e3)
    assert pool.size == 3000


def test_a_good_proposal_is_left_alone(pool: Any) -> None:
    good = Gaussian(TARGET[0], 1.1 * TARGET[1])
    pool.add(good, good.sample(8192, 1))

    def refuse(*_: object) -> None:
        raise AssertionError("expected no other proposal")

    pool.fill(0, 12_000, refuse, deadline=1e3)
    assert pool.diagnostics.effective_samples >= 12_000
