"""Deadline: the end of a time budget.

Work that can be cut short is done in pieces. None begins after the deadline, and the size of each follows from the rate
of those before, so that the last one ends about in time. The first piece is always done. Only this module decides what
time allows; without a budget no result depends on the clock.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """A point in time after which no further piece of work begins.

    Attributes:
        end: the point in time by `time.perf_counter`, seconds; infinity if there is none.

    Example:
        >>> NEVER.passed, Deadline.after(0.0).passed, Deadline.after(60.0).share(0.5).left < 31
        (False, True, True)
    """

    end: float = math.inf

    @classmethod
    def after(cls, seconds: float | None) -> "Deadline":
        """The deadline that lies some time ahead.

        Args:
            seconds: the time; None for no deadline.
        """
        return NEVER if seconds is None else cls(time.perf_counter() + seconds)

    @property
    def limited(self) -> bool:
        """Whether there is a deadline at all."""
        return math.isfinite(self.end)

    @property
    def left(self) -> float:
        """Seconds that are left; zero if it has passed."""
        return max(self.end - time.perf_counter(), 0.0)

    @property
    def passed(self) -> bool:
        """Whether no further piece of work begins."""
        return time.perf_counter() >= self.end

    def share(self, part: float) -> "Deadline":
        """The deadline of a first part of the work.

        Args:
            part: part of the time that is left, between 0 and 1.
        """
        return Deadline(self.end - (1 - part) * self.left) if self.limited else self

    def afford(self, wanted: int, done: int, seconds: float, least: int) -> int:
        """Number of items that can be done in the time that is left.

        Args:
            wanted: number of items that are wanted.
            done: items that were done before; their time gives the rate.
            seconds: time that these took.
            least: least number, though time be short; no more than wanted.
        """
        if not self.limited or seconds <= 0:
            return wanted
        return min(wanted, max(int(done / seconds * self.left), least))

    def split(self, total: int, step: int) -> Iterator[slice]:
        """Pieces of a list of items, until the deadline; all items in one piece if there is none.

        The rate is measured between the requests for pieces: each piece must be finished before the next one is asked
        for. All pieces but the last one of all items are multiples of the step.

        Args:
            total: number of items.
            step: size of the first piece, which is yielded whatever the time is.
        """
        if not self.limited:
            yield slice(0, total)
            return
        start, done = time.perf_counter(), 0
        while done < total and not (done and self.passed):
            left = total - done
            size = self.afford(left, done, time.perf_counter() - start, step) if done else min(step, left)
            size = left if size >= left else max(size // step, 1) * step
            yield slice(done, done + size)
            done += size


NEVER = Deadline()
"""No deadline."""
