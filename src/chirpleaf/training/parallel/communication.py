"""Communication: how ranks average their gradients, and how many bytes and messages that takes.

The backward pass hands gradients over in buckets, and one is averaged while the next is computed. Gloo averages round a
ring, where R ranks take 2 (R - 1) messages in turn; on a grid of r rows and c columns, averaged along the rows and then
along the columns, they take 2 (r - 1) + 2 (c - 1), for twice the bytes (compare the torus of arXiv:1811.05233). Sent in
bfloat16, gradients are half as long; every rank rounds its own, so that most of the errors average out. What is on its
way when the backward pass ends has the time of the next batch's simulation to arrive.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_EVERYTHING = 1 << 20
"""MB of a bucket that holds any network."""
_FIRST = 2**20
"""Bytes of torch's first bucket, which is to be on its way early."""


@dataclass(frozen=True)
class Communication:
    """How ranks average their gradients.

    Attributes:
        bucket: MB of gradients that are sent together while the backward pass goes on; None sends all at its end.
        bfloat16: whether they are sent in bfloat16 instead of float32.
        grid: whether ranks average along the rows and columns of a grid instead of round one ring.
        ahead: whether a rank simulates its next batch while gradients are on their way.
        memory: whether ranks that are all on one machine average through its memory, where neither buckets nor
            bfloat16 nor a grid would save anything.
        timeout: seconds after which a rank that does not answer ends the training.
    """

    bucket: float | None = 1.0
    bfloat16: bool = False
    grid: bool = False
    ahead: bool = True
    memory: bool = True
    timeout: float = 60.0

    @property
    def size(self) -> int:
        """Bytes of a gradient on its way."""
        return 2 if self.bfloat16 else 4

    @property
    def room(self) -> float:
        """MB of a bucket."""
        return self.bucket or _EVERYTHING


DEFAULT = Communication()
"""In buckets, in full precision, round a ring."""


def axes(size: int, *, grid: bool) -> tuple[int, ...]:
    """Lengths of the rings along which ranks average one after another.

    Args:
        size: number of ranks.
        grid: whether they make a grid, as square as their number allows, or one ring.

    Example:
        >>> axes(1024, grid=True), axes(12, grid=True), axes(7, grid=True), axes(12, grid=False)
        ((32, 32), (3, 4), (7,), (12,))
    """
    rows = max(number for number in range(1, math.isqrt(size) + 1) if size % number == 0) if grid else 1
    return (size,) if rows == 1 else (rows, size // rows)


def buckets(lengths: Sequence[int], communication: Communication) -> list[int]:
    """Bytes that ranks exchange at a time: torch fills buckets from the last weights on, the first to 1 MB at most.

    Args:
        lengths: of the weights.
        communication: how they are exchanged.

    Example:
        >>> buckets([100, 300_000, 300_000], Communication(bucket=2.0))
        [1200000, 1200400]
    """
    limit = communication.room * 2**20
    found, room = [0], limit if communication.bucket is None else min(limit, _FIRST)
    for length in reversed(lengths):
        if 4 * found[-1] / communication.size >= room:
            found.append(0)
            room = limit
        found[-1] += communication.size * length
    return found
