"""The time budget of certification, with a clock that the tests set: no new batch starts after the deadline."""

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from certified_source import GPS, bbh, observed, settings, weighed

from chirpleaf.inference.certify import Certified, CertifySettings, Target, certification, certify, reference_times
from chirpleaf.inference.certify import mode_reweighting as reweighting_module
from chirpleaf.inference.certify.importance import ImportanceDiagnostics
from chirpleaf.inference.certify.mode_reweighting import reweight_with_modes
from chirpleaf.inference.certify.pool import Pool
from chirpleaf.inference.certify.reference_times import Hypotheses, weigh_first_draws
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.inference.relativity.parts import certify_part
from chirpleaf.inference.relativity.settings import DEFAULT_RELATIVITY
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.system.deadline import NEVER, Deadline

PER_DRAW = 1e-3
"""Seconds that a draw takes by the clock of these tests."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that advances only when the target density of draws is computed."""
    clock, weigh = SimpleNamespace(now=0.0, per_draw=PER_DRAW), Weigher.weigh

    def weigh_in_time(self: Weigher, theta: Any, log_prob: np.ndarray, offset: int) -> Any:
        clock.now += clock.per_draw * len(log_prob)
        return weigh(self, theta, log_prob, offset)

    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(Weigher, "weigh", weigh_in_time)
    return clock


def test_no_draws_are_begun_after_the_budget(clock: SimpleNamespace) -> None:
    seen, target = observed(), Target(bbh().architecture.prior)
    short = certify(seen, seen.segment, GPS, target, settings(512, 3000, 2.0)).certificate
    assert short.effective_samples < 3000
    assert 1024 < short.draws < 2000 + 512
    assert clock.now < 2.0 + 512 * PER_DRAW
    assert "effective samples of 3000" in short.reasons[0]
    assert "when the time of --budget was up" in short.reasons[0]
    ample = certify(seen, seen.segment, GPS, target, settings(512, 3000, 100.0)).certificate
    assert ample.effective_samples >= 3000
    assert ample.draws > 2000 + 512


def test_slow_first_draws_are_cut_short_too(clock: SimpleNamespace) -> None:
    """All 2,048 first draws would take 8 s; they have half of the budget, and a batch of 512 takes 2 s."""
    clock.per_draw = 4e-3
    seen, target = observed(), Target(bbh().architecture.prior)
    found = certify(seen, seen.segment, GPS, target, settings(2048, 3000, 5.0)).certificate
    assert clock.now <= 5.0 + 512 * clock.per_draw
    assert 512 < found.draws < 2048
    assert found.notes == (f"the time of --budget ended the sampling after {found.draws} draws",)


def test_time_that_was_spent_before_counts(clock: SimpleNamespace) -> None:
    """Reading data has used up the time: the first batch alone is drawn."""
    seen, target = observed(), Target(bbh().architecture.prior)
    found = certify(
        seen, seen.segment, GPS, target, settings(2048, 3000, 60.0), deadline=Deadline(clock.now)
    ).certificate
    assert (found.draws, found.stopped) == (512, "budget")


def test_pieces_of_draws_are_those_of_one_batch(clock: SimpleNamespace) -> None:
    """With enough time, a budget changes nothing."""
    seen, target = observed(), Target(bbh().architecture.prior)
    free, limited = (
        certify(seen, seen.segment, GPS, target, replace(settings(1024, 10, 1e6), budget=budget))
        for budget in (None, 1e6)
    )
    np.testing.assert_allclose(limited.samples["chirp_mass"], free.samples["chirp_mass"])
    np.testing.assert_allclose(limited.log_weight, free.log_weight, atol=1e-3)


def test_reweighting_ends_in_time(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> None:
    """A second for each evaluation of 64 samples; both likelihoods of all 256 would take eight."""
    first = weighed()
    first = first._replace(certificate=replace(first.certificate, effective_samples=256.0))
    calls = []

    def evaluate(segment: object, samples: Any, *_: object, **__: object) -> Any:
        n = len(samples["chirp_mass"])
        clock.now += n / 64
        calls.append(n)
        return np.zeros(n), np.ones((n, 2))

    monkeypatch.setattr(reweighting_module, "log_likelihood_ratio", evaluate)
    monkeypatch.setattr(reweighting_module, "_align", lambda *_: {})
    new = WaveformSettings("IMRPhenomTHM")
    whole = reweight_with_modes(first, observed().segment, WaveformSettings(), new)
    begin, calls[:] = clock.now, []
    cut = reweight_with_modes(first, observed().segment, WaveformSettings(), new, deadline=Deadline(begin + 4.5))
    assert begin + 4 <= clock.now <= begin + 4.5 + 2
    n = sum(calls) // 2
    assert n in (128, 192)
    assert {len(values) for values in cut.samples.values()} == {n}
    assert cut.log_prob.shape == cut.log_weight.shape == (n,)
    # They are some of all samples, and not the first ones.
    assert np.isin(cut.samples["chirp_mass"], whole.samples["chirp_mass"]).all()
    assert (cut.samples["chirp_mass"] != whole.samples["chirp_mass"][:n]).any()


def test_a_part_of_the_band_is_sampled_within_the_time(clock: SimpleNamespace) -> None:
    """A test of general relativity: without time, each part has its first batch of draws and those of the prior."""
    clock.per_draw = 1.0
    seen, limits = observed(), replace(DEFAULT_RELATIVITY, prior_draws=64, first_points=1024)
    certify_settings = replace(limits.certify, sampling=replace(limits.certify.sampling, fewest_draws=256))
    target, piece = Target(bbh().architecture.prior), seen.segment.select_band(20.0, 120.0)
    limits = replace(limits, certify=certify_settings)
    found = certify_part(seen, piece, GPS, target, weighed(), limits, deadline=Deadline(0.0)).certificate
    assert (found.draws, found.stopped) == (64 + 256, "budget")
    assert "give more time" in found.reasons[0]


@pytest.mark.parametrize(("budget", "times"), [(0.5, 1), (100.0, 2)])
def test_no_reweighting_starts_after_the_budget(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, budget: float, times: int
) -> None:
    """Each reweighting leaves a third of the effective samples; the first 512 draws take half a second."""
    calls = []

    def weigh_again(first: Certified, *_: object, **__: object) -> Certified:
        calls.append(clock.now)
        left = first.certificate.effective_samples / 3
        return first._replace(certificate=replace(first.certificate, effective_samples=left))

    monkeypatch.setattr(certification, "reweight_with_modes", weigh_again)
    seen, target = observed(), Target(bbh().architecture.prior, waveform=WaveformSettings("IMRPhenomTHM"))
    certify(seen, seen.segment, GPS, target, settings(512, 300, budget))
    assert len(calls) == times


class FakePool(Pool):
    """First draws of a known efficiency and an accurate likelihood."""

    def __init__(self, efficiency: float) -> None:
        self.efficiency = efficiency

    @property
    def diagnostics(self) -> ImportanceDiagnostics:
        return ImportanceDiagnostics(0.0, 0.1, self.efficiency, 512 * self.efficiency, 0.1, 0.01, 512)

    def correct(self, n: int, tolerated_error: float, latest: Deadline) -> bool:
        return False

    @property
    def greatest_likelihood(self) -> float:
        return 7.0


@pytest.mark.parametrize(
    ("seconds", "efficiency", "hypotheses"),
    [
        pytest.param(1.0, 0.5, [1], id="good"),
        pytest.param(1.0, 0.01, [1, 2, 2, 2], id="missed"),
        pytest.param(2.6, 0.01, [1, 2], id="missed, for the half of the budget"),
        pytest.param(6.0, 0.01, [1], id="missed, no time"),
    ],
)
def test_first_draws_take_half_of_the_budget(
    monkeypatch: pytest.MonkeyPatch, seconds: float, efficiency: float, hypotheses: list[int]
) -> None:
    """The budget is ten seconds; the first draws take some of them."""
    now, calls, seen = [0.0], [], observed()

    def weigh(some: Hypotheses) -> Pool:
        calls.append(len(some))
        now[0] += seconds
        return FakePool(efficiency)

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(reference_times, "_other_hypotheses", lambda *_: [seen] * 3)
    weigh_first_draws(seen, weigh, CertifySettings(), Deadline(10.0).share(0.5))
    assert calls == hypotheses


@pytest.mark.parametrize(("least", "hypotheses"), [(8.0, [1]), (7.0, [1, 2, 2, 2])])
def test_an_answer_that_is_refused_anyway_gets_no_more_draws(
    monkeypatch: pytest.MonkeyPatch, least: float, hypotheses: list[int]
) -> None:
    calls, seen = [], observed()

    def weigh(some: Hypotheses) -> Pool:
        calls.append(len(some))
        return FakePool(0.01)

    monkeypatch.setattr(reference_times, "_other_hypotheses", lambda *_: [seen] * 3)
    _, pool = weigh_first_draws(seen, weigh, CertifySettings(), NEVER, rules_out=lambda value: value < least)
    assert calls == hypotheses
    if least > 7.0:
        before = pool.stopped
        pool.fill(10_000, 5000, lambda *_: pytest.fail("fitted"), NEVER)
        assert before == pool.stopped == "refused"
