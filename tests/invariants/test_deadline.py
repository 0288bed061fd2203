"""The end of a time budget, by a clock that the tests set."""

import math
import time
from types import SimpleNamespace

import pytest

from chirpleaf.system.deadline import NEVER, Deadline


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    return clock


def test_the_time_that_is_left(clock: SimpleNamespace) -> None:
    deadline = Deadline.after(10.0)
    assert (deadline.limited, deadline.left, deadline.passed) == (True, 10.0, False)
    assert deadline.share(0.3) == Deadline(103.0)
    clock.now = 110.0
    assert (deadline.left, deadline.passed, deadline.share(0.3)) == (0.0, True, deadline)
    clock.now = 111.0
    assert (deadline.left, deadline.passed) == (0.0, True)


def test_no_deadline_ever(clock: SimpleNamespace) -> None:
    clock.now = 1e300
    assert Deadline.after(None) is NEVER is NEVER.share(0.5)
    assert (NEVER.limited, NEVER.left, NEVER.passed) == (False, math.inf, False)
    assert list(NEVER.split(1000, 10)) == [slice(0, 1000)]
    assert NEVER.afford(1000, 1, 1e9, 10) == 1000


@pytest.mark.parametrize(
    ("seconds_each", "expected"),
    [
        pytest.param(0.001, [(0, 100), (100, 1000)], id="ample"),
        pytest.param(0.02, [(0, 100), (100, 500)], id="half"),
        pytest.param(0.08, [(0, 100), (100, 200)], id="short"),
        pytest.param(1.0, [(0, 100)], id="passed by the first piece"),
    ],
)
def test_pieces_end_about_in_time(clock: SimpleNamespace, seconds_each: float, expected: list[tuple[int, int]]) -> None:
    deadline, done = Deadline.after(10.0), []
    for piece in deadline.split(1000, 100):
        clock.now += seconds_each * (piece.stop - piece.start)
        done.append((piece.start, piece.stop))
    assert done == expected
    assert clock.now <= deadline.end + 100 * seconds_each


def test_few_items_are_one_piece(clock: SimpleNamespace) -> None:
    assert list(Deadline.after(0.0).split(7, 100)) == [slice(0, 7)]
    assert list(Deadline.after(9.0).split(0, 100)) == []


def test_what_time_allows(clock: SimpleNamespace) -> None:
    deadline = Deadline.after(10.0)
    assert deadline.afford(1000, 100, 2.0, 50) == 500
    assert deadline.afford(300, 100, 2.0, 50) == 300
    assert deadline.afford(1000, 100, 200.0, 50) == 50
    assert deadline.afford(20, 100, 200.0, 50) == 20
