"""Settings of the gradient exchange: how ranks average gradients, and how many bytes and messages that takes.

The backward pass releases gradients in buckets; a bucket is averaged while the next one is computed. Gloo averages
along a ring: R ranks exchange 2 (R - 1) messages one after another. On a grid of r rows and c columns, averaged along
the rows and then along the columns, they exchange 2 (r - 1) + 2 (c - 1) messages, with twice the bytes (compare the
torus of arXiv:1811.05233). Gradients in bfloat16 have half the bytes; each rank rounds its own, so most of the rounding
errors average out. An exchange that is unfinished when the backward pass ends continues while the next batch is
simulated.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt, Le

from chirpleaf.system.constraints import FORBID_EXTRA, PositiveFloat

_UNLIMITED_BUCKET = 1 << 20
"""Size of a bucket that holds all gradients of any network, MB."""
_FIRST_BUCKET = 2**20
"""Size of torch's first bucket, which is small so that its exchange starts early; bytes."""


@dataclass(frozen=True)
class Communication:
    """How ranks average their gradients.

    Attributes:
        bucket: size in MB of the buckets that are exchanged during the backward pass; None exchanges all gradients at
            its end. Small buckets start earlier and need more messages.
        bfloat16: whether gradients are sent in bfloat16 instead of float32: half of the bytes, less precision.
        grid: whether ranks average along the rows and columns of a grid instead of along one ring: fewer messages one
            after another, twice the bytes. It pays where latency limits the exchange.
        ahead: whether a rank simulates its next batch while gradients are exchanged.
        memory: whether ranks on one machine average through shared memory. `bucket`, `bfloat16` and `grid` then have
            no effect.
        timeout: seconds without an answer from a rank after which the training ends. A shorter one finds dead ranks
            earlier, and may mistake a slow rank for a dead one.
    """

    bucket: PositiveFloat | None = 1.0
    bfloat16: bool = False
    grid: bool = False
    ahead: bool = True
    memory: bool = True
    timeout: Annotated[float, Gt(0), Le(1e6)] = 60.0

    __pydantic_config__: ClassVar = FORBID_EXTRA

    @property
    def bytes_per_gradient(self) -> int:
        """Bytes of one number of the gradient in a message."""
        return 2 if self.bfloat16 else 4

    @property
    def bucket_limit(self) -> float:
        """Greatest size of a bucket, MB."""
        return self.bucket or _UNLIMITED_BUCKET


DEFAULT_COMMUNICATION = Communication()
"""Buckets of 1 MB in float32 along one ring, or through shared memory on one machine."""


def ring_sizes(size: int, *, grid: bool) -> tuple[int, ...]:
    """Lengths of the rings along which ranks average one after another.

    Args:
        size: number of ranks.
        grid: whether the ranks form a grid, as close to a square as their number allows, or one ring.

    Example:
        >>> ring_sizes(1024, grid=True), ring_sizes(12, grid=True), ring_sizes(7, grid=True), ring_sizes(12, grid=False)
        ((32, 32), (3, 4), (7,), (12,))
    """
    rows = max(number for number in range(1, math.isqrt(size) + 1) if size % number == 0) if grid else 1
    return (size,) if rows == 1 else (rows, size // rows)


def bucket_sizes(lengths: Sequence[int], communication: Communication) -> list[int]:
    """Bytes of the buckets in the order of their exchange; torch fills them from the last weights on.

    Args:
        lengths: numbers of elements of the weights, in the order of the network.
        communication: settings of the exchange.

    Example:
        >>> bucket_sizes([100, 300_000, 300_000], Communication(bucket=2.0))
        [1200000, 1200400]
    """
    limit = communication.bucket_limit * 2**20
    sizes, room = [0], limit if communication.bucket is None else min(limit, _FIRST_BUCKET)
    for length in reversed(lengths):
        if 4 * sizes[-1] / communication.bytes_per_gradient >= room:
            sizes.append(0)
            room = limit
        sizes[-1] += communication.bytes_per_gradient * length
    return sizes
