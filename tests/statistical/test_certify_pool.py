"""A pool of draws from a known density: stopping, refits and evidence."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from known_density import PER_DRAW, POOR, TARGET, FakeWeigher, Gaussian, refit

from chirpleaf.inference.certify import pool as pool_module
from chirpleaf.inference.certify.pool import Pool
from chirpleaf.inference.certify.settings import CertifySettings, SamplingSettings
from chirpleaf.system.deadline import NEVER, Deadline


@pytest.fixture
def make_pool(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Makes a pool with 2048 draws from a poor proposal, and its clock."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(pool_module.time, "perf_counter", lambda: clock.now)

    def make(proposal: Gaussian | None = None, **sampling: Any) -> Any:
        pool: Any = Pool(FakeWeigher(clock), CertifySettings(sampling=SamplingSettings(**sampling)))
        pool.clock = clock
        proposal = proposal or Gaussian(*POOR)
        pool.add(proposal, proposal.sample(2048, 0))
        return pool

    return make


@pytest.fixture
def pool(make_pool: Callable[..., Any]) -> Any:
    """A pool with 2048 draws from a poor proposal, and its clock."""
    return make_pool()


def test_a_poor_proposal_is_bettered_until_enough_count(pool: Any) -> None:
    before = pool.diagnostics
    pool.fill(0, 2000, refit, deadline=Deadline(1e3))
    after = pool.diagnostics
    assert before.efficiency < 0.1
    assert after.effective_samples >= 2000
    assert pool.stopped == "enough"
    assert after.efficiency > 2 * before.efficiency
    assert abs(after.log_evidence) < 4 * after.error < 0.2


def test_batches_are_small_while_mixtures_are_fitted(pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The efficiency of a fit is known from its draws, so that they may be no more than all draws before."""
    before, add = [], Pool.add

    def record(self: Pool, proposal: Any, draws: Any, **rest: Any) -> None:
        before.append((self.size, draws))
        add(self, proposal, draws, **rest)

    monkeypatch.setattr(Pool, "add", record)
    pool.fill(0, 6000, refit, Deadline(1e3))
    assert before[0] == (2048, 2048)
    assert all(draws <= (2 if index >= pool._refits else 1) * size for index, (size, draws) in enumerate(before))


def test_no_turn_is_much_longer_than_the_time_that_is_left(pool: Any) -> None:
    begun, deadline = pool.clock.now, pool.clock.now + 2.5
    pool.fill(0, 1_000_000, refit, Deadline(deadline))
    assert pool.clock.now > begun + 2
    assert pool.clock.now <= deadline + 512 * PER_DRAW
    assert pool.stopped == "budget"


def test_draws_that_are_asked_for_are_made_though_fewer_would_do(pool: Any) -> None:
    pool.fill(5000, 10, refit, deadline=Deadline(1e3))
    assert pool.size == 5000


def test_after_the_deadline_none_are_made(pool: Any) -> None:
    pool.fill(5000, 2000, refit, deadline=Deadline(pool.clock.now - 1))
    assert pool.size == 2048
    assert pool.stopped == "budget"


def test_nothing_is_fitted_to_a_few_draws(make_pool: Callable[..., Any]) -> None:
    pool = make_pool(tail_rounds=0)
    pool.draws.log_target[10:] = -np.inf

    def refuse(*_: object) -> None:
        raise AssertionError("expected no other proposal")

    pool.fill(3000, 1, refuse, deadline=Deadline(1e3))
    assert pool.size == 3000


def test_a_good_proposal_is_left_alone(pool: Any) -> None:
    good = Gaussian(TARGET[0], 1.1 * TARGET[1])
    pool.add(good, good.sample(8192, 1))

    def refuse(*_: object) -> None:
        raise AssertionError("expected no other proposal")

    pool.fill(0, 12_000, refuse, deadline=Deadline(1e3))
    assert pool.diagnostics.effective_samples >= 12_000


def keep(*_: object) -> Gaussian:
    """No fit helps: the poor proposal again."""
    return Gaussian(*POOR)


def test_sampling_ends_at_the_most_draws(make_pool: Callable[..., Any]) -> None:
    """About a twentieth of the draws is effective; twice as many draws are allowed as make 300 of them."""
    pool = make_pool(most_draws=8000, most_draws_per_sample=1, trial_draws=10**9)
    pool.fill(0, 100_000, keep, deadline=NEVER)
    assert (pool.size, pool.stopped) == (8000, "draws")
    asked = make_pool(most_draws=8000, most_draws_per_sample=1, trial_draws=10**9)
    asked.fill(9000, 100_000, keep, deadline=NEVER)
    assert (asked.size, asked.stopped) == (9000, "draws")


def test_what_no_further_draws_can_reach_is_abandoned(make_pool: Callable[..., Any]) -> None:
    pool = make_pool(most_draws=50_000, most_draws_per_sample=1, trial_draws=4000)
    pool.fill(0, 40_000, keep, deadline=NEVER)
    assert pool.stopped == "hopeless"
    assert 4000 <= pool.size < 20_000


@pytest.mark.parametrize("speed", [1.0, 1000.0])
def test_the_clock_decides_nothing_without_a_budget(make_pool: Callable[..., Any], speed: float) -> None:
    first, second = make_pool(), make_pool()
    first.fill(0, 3000, refit, deadline=NEVER)
    second.clock.now, second._seconds = 1e6, speed * second._seconds
    second.fill(0, 3000, refit, deadline=NEVER)
    np.testing.assert_array_equal(first.log_weight, second.log_weight)


def test_more_draws_follow_if_the_tail_is_heavy(make_pool: Callable[..., Any]) -> None:
    """A proposal that is too narrow has enough effective samples, of which a few decide the posterior."""
    narrow = Gaussian(TARGET[0], 0.55 * TARGET[1])
    alone = make_pool(narrow, tail_rounds=0)
    alone.fill(0, 50, refit, deadline=NEVER)
    assert alone.diagnostics.effective_samples > 50
    assert not alone.diagnostics.converged
    assert alone.size == 2048
    more = make_pool(narrow)
    more.fill(0, 50, refit, deadline=NEVER)
    assert more.size in (4096, 8192)
    assert more.diagnostics.converged
    assert more.stopped == "enough"


def test_a_tail_that_stays_heavy_ends_after_some_rounds(make_pool: Callable[..., Any]) -> None:
    narrow = Gaussian(TARGET[0], 0.4 * TARGET[1])
    pool = make_pool(narrow)
    pool.fill(0, 3, lambda *_: narrow, deadline=NEVER)
    assert pool.size == 4 * 2048
    assert not pool.diagnostics.converged


def test_background_draws_do_not_become_the_principal_proposal(pool: Any) -> None:
    before = pool.principal
    pool.add(Gaussian(TARGET[0], 2 * TARGET[1]), 100, background=True)
    assert pool.principal is before
    assert pool.size == 2148
    again = Gaussian(*TARGET)
    pool.add(again, 100)
    assert pool.principal is again
    # The density of the mixture: of each proposal, by its share of the draws.
    shares = np.array([100, 2048, 100]) / pool.size
    parts = [one.log_prob(pool.theta) for one in (Gaussian(TARGET[0], 2 * TARGET[1]), Gaussian(*POOR), again)]
    expected = np.log(np.einsum("k,kn->n", shares, np.exp(parts)))
    np.testing.assert_allclose(pool.log_prob, expected, atol=1e-8)
