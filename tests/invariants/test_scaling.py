"""Scaling model: durations of steps computed by hand, and fit of the link."""

import numpy as np
import pytest

from chirpleaf.diagnostics.scaling import RANKS, SWITCHES, Link, Step, fit_link, summarise_scaling
from chirpleaf.training.pace import Pace
from chirpleaf.training.parallel.communication import Communication, bucket_sizes, ring_sizes


def test_duration_of_an_average() -> None:
    link = Link(latency=1e-3, bandwidth=1e6)
    assert link.exchange_time(4e6, (4,)) == pytest.approx(6 * (1e-3 + 1.0))
    assert link.exchange_time(4e6, (2, 2)) == pytest.approx(2 * (1e-3 + 2.0) + 2 * (1e-3 + 2.0))
    assert link.exchange_time(4e6, (1,)) == 0


def test_a_grid_needs_fewer_messages() -> None:
    link = Link(latency=2e-6, bandwidth=1e10)
    ring, grid = (link.exchange_time(1e6, ring_sizes(1024, grid=way)) for way in (False, True))
    assert ring == pytest.approx(2 * 1023 * 2e-6 + 2e-4, rel=0.01)
    assert grid < ring / 5


@pytest.mark.parametrize("size", [1, 2, 6, 7, 12, 64, 1000])
def test_rings_contain_all_ranks(size: int) -> None:
    assert ring_sizes(size, grid=False) == (size,)
    grid = ring_sizes(size, grid=True)
    assert np.prod(grid) == size
    assert sum(grid) <= size + 1


def test_fit_recovers_the_link() -> None:
    link = Link(latency=4e-5, bandwidth=3e8)
    rng = np.random.default_rng(0)
    averages = [
        (n_bytes, link.exchange_time(n_bytes, rings) * rng.normal(1, 0.03), rings)
        for n_bytes in (1e3, 1e4, 1e5, 1e6, 1e7)
        for rings in ((2,), (4,), (8,), (2, 4))
        for _ in range(10)
    ]
    found = fit_link(averages)
    assert found.latency == pytest.approx(link.latency, rel=0.03)
    assert found.bandwidth == pytest.approx(link.bandwidth, rel=0.03)


def test_a_link_needs_averages() -> None:
    with pytest.raises(ValueError, match="expected averages that were timed; got none"):
        fit_link([])


def test_hidden_exchange_does_not_prolong_a_step() -> None:
    link, rings = Link(latency=0.0, bandwidth=1.0), (2,)  # an average of n bytes takes n seconds
    assert Step(10.0, 4.0, (1, 1)).predict_duration(link, rings) == pytest.approx(11.0)  # 2-3 hidden, 4-5 not hidden
    assert Step(10.0, 4.0, (3, 1)).predict_duration(link, rings) == pytest.approx(12.0)  # 2-5, 5-6
    assert Step(10.0, 4.0, (2,)).predict_duration(link, rings) == pytest.approx(12.0)
    assert Step(10.0, 4.0, (2,)).efficiency(link, rings) == pytest.approx(10 / 12)
    assert Step(10.0, 4.0, (2,), meanwhile=1.5).predict_duration(link, rings) == pytest.approx(10.5)


def test_stragglers_delay_all_ranks() -> None:
    step, link = Step(10.0, 4.0, (1,), spread=0.1), Link(0.0, 1e12)
    times = np.random.default_rng(1).normal(10.0, 0.1, (4000, 1024)).max(axis=1)
    assert step.predict_duration(link, (1024,), stragglers=True) == pytest.approx(times.mean(), rel=0.01)
    assert step.predict_duration(link, (1024,)) == pytest.approx(10.0, rel=1e-6)


def test_buckets_contain_all_weights() -> None:
    lengths = [500_000, 300, 200_000, 1000, 90_000]
    for way in (Communication(), Communication(bucket=None), Communication(bucket=0.1), Communication(bfloat16=True)):
        assert sum(bucket_sizes(lengths, way)) == way.bytes_per_gradient * sum(lengths)
    assert len(bucket_sizes(lengths, Communication(bucket=None))) == 1
    assert len(bucket_sizes(lengths, Communication(bucket=1.0))) == 2
    assert len(bucket_sizes(lengths, Communication(bucket=0.1))) == 3


def pace(ranks: int, step: float, link: Link, batch_size: int = 64) -> Pace:
    exchanges = [(n, link.exchange_time(n, (ranks,))) for n in (4000, 40_000, 400_000)] if ranks > 1 else []
    return Pace(ranks, batch_size, 1, [step] * 20, [0.3 * step] * 20, [0.001 * step] * 20, [100_000, 100], exchanges)


def test_summary_of_measurements_and_predictions() -> None:
    here, cluster = Link(1e-4, 1e8), Link(2e-6, 1e10)
    weak = {1: [pace(1, 0.040, here)], 2: [pace(2, 0.050, here)]}
    strong = {2: [pace(2, 0.025, here, 32)]}
    found = summarise_scaling(weak, strong, Communication(), cluster)
    assert (found.weak[1], found.weak[2], found.strong[2]) == pytest.approx((1.0, 0.8, 0.8))
    assert found.link.latency == pytest.approx(1e-4)
    assert found.link_error < 1e-6
    assert set(found.predicted) == set(SWITCHES)
    for curve in found.predicted.values():
        assert tuple(curve) == RANKS
        assert curve[1] == 1.0
        assert np.all(np.diff(list(curve.values())) <= 0)
    assert found.predicted["on"][1024] > found.predicted["off"][1024]
    expected = 0.040 / (0.040 + cluster.exchange_time(4 * 100_100, (1024,)))
    assert found.predicted["off"][1024] == pytest.approx(expected)
    assert found.to_json()["step"]["buckets"]
