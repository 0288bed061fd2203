"""Scaling: what a step costs on many ranks, from what it costs on a few.

An average of n bytes round a ring of R ranks takes 2 (R - 1) messages one after another, each of n / R bytes,

    t(n, R) = 2 (R - 1) (a + n / (R b)),

with latency a and bandwidth b of a message; on a grid the rings of its rows and of its columns follow each other. Of
the buckets of a backward pass of length T_b, the i-th of k is there at T_b i / k, and they are averaged in turn; what
of that is left over after the backward pass and the simulation of the next batch, of length T_s, prolongs the step,

    T(R) = T(1) + max(0, end of the last average - T_b - T_s),

where T_s = 0 unless ranks simulate ahead.

All ranks wait for the slowest: of R steps whose durations spread normally with s about their median, the longest is
about s (2 ln R)^(1/2) later.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

from chirpleaf.training.pace import Pace
from chirpleaf.training.parallel.communication import Communication, axes, buckets

_QUARTILES = 1.349
"""Distance of the quartiles of a normal distribution of unit standard deviation."""


@dataclass(frozen=True)
class Link:
    """What connects the ranks.

    Attributes:
        latency: of a message, seconds.
        bandwidth: bytes a second.
    """

    latency: float
    bandwidth: float

    def exchange(self, n_bytes: float, rings: Sequence[int]) -> float:
        """Seconds that an average takes.

        Args:
            n_bytes: of what is averaged.
            rings: their lengths, one after another.
        """
        return sum(2 * (size - 1) * (self.latency + n_bytes / (size * self.bandwidth)) for size in rings)


def fit_link(exchanges: Iterable[tuple[float, float, Sequence[int]]]) -> Link:
    """Latency and bandwidth by relative least squares.

    Args:
        exchanges: bytes, seconds and rings of averages.

    Raises:
        ValueError: there are none.
    """
    rows = []
    for n_bytes, seconds, rings in exchanges:
        messages = sum(2 * (size - 1) for size in rings)
        sent = sum(2 * (size - 1) / size for size in rings) * n_bytes
        rows.append((messages / seconds, sent / seconds))
    if not rows:
        raise ValueError("expected averages that were timed; got none")
    matrix = np.array(rows)
    scale = matrix.max(axis=0)
    latency, slowness = nnls(matrix / scale, np.ones(len(rows)))[0] / scale
    return Link(float(latency), float(1 / slowness) if slowness else math.inf)


@dataclass(frozen=True)
class Step:
    """A step of one rank.

    Attributes:
        seconds: its median duration.
        backward: of that, the backward pass from which the buckets come.
        buckets: their bytes in their order.
        meanwhile: what is done while they are on their way, seconds.
        spread: standard deviation of its duration, seconds.
    """

    seconds: float
    backward: float
    buckets: tuple[int, ...]
    meanwhile: float = 0.0
    spread: float = 0.0

    def on(self, link: Link, rings: Sequence[int], *, stragglers: bool = False) -> float:
        """Its duration on many ranks, each with a batch as large as that of one; seconds.

        Args:
            link: what connects them.
            rings: those in which they average.
            stragglers: whether the ranks' durations spread, and all wait for the last.
        """
        end = 0.0
        for place, n_bytes in enumerate(self.buckets, start=1):
            end = max(end, self.backward * place / len(self.buckets)) + link.exchange(n_bytes, rings)
        late = self.spread * math.sqrt(2 * math.log(math.prod(rings))) if stragglers else 0.0
        return self.seconds + late + max(0.0, end - self.backward - self.meanwhile)

    def efficiency(self, link: Link, rings: Sequence[int], *, stragglers: bool = False) -> float:
        """Its duration on one rank over that on many."""
        return self.seconds / self.on(link, rings, stragglers=stragglers)


SWITCHES = {
    "off": Communication(bucket=None, ahead=False),
    "on": Communication(bucket=1.0, bfloat16=True, grid=True),
}
"""Ways of averaging gradients that are predicted: all at the end of a step, and with all that saves time."""
RANKS = tuple(2**power for power in range(11))


@dataclass(frozen=True)
class Scaling:
    """How a training scales.

    Attributes:
        step: of one rank of one thread.
        link: what connects the ranks of this machine.
        link_error: median relative difference of its averages from the model's.
        weak: measured efficiency by ranks, each with a batch as large as that of one.
        strong: measured efficiency by ranks that share the batch of one.
        predicted: efficiency by switches and ranks on another machine's link, batches as for `weak`.
        stragglers: the same, where the durations of steps spread as here.
    """

    step: Step
    link: Link
    link_error: float
    weak: dict[int, float]
    strong: dict[int, float]
    predicted: dict[str, dict[int, float]]
    stragglers: dict[str, dict[int, float]]

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)


def summarise(
    weak: Mapping[int, Sequence[Pace]],
    strong: Mapping[int, Sequence[Pace]],
    communication: Communication,
    cluster: Link,
) -> Scaling:
    """What measurements say, and what follows for a cluster.

    Args:
        weak: paces by number of ranks, one among them.
        strong: paces by number of ranks that share the batch of one.
        communication: how they averaged.
        cluster: link to predict for.
    """
    alone, backward, meanwhile = (
        float(np.median([np.median(getattr(pace, part)) for pace in weak[1]]))
        for part in ("steps", "backward", "meanwhile")
    )
    quartiles = np.mean([np.quantile(pace.steps, (0.25, 0.75)) for pace in weak[1]], axis=0)
    lengths = weak[1][0].lengths
    averages = [
        (n_bytes, seconds, axes(number, grid=communication.grid))
        for number, paces in weak.items()
        for pace in paces
        for n_bytes, seconds in pace.exchanges
    ]
    link = fit_link(averages)
    wrong = [abs(link.exchange(n_bytes, rings) / seconds - 1) for n_bytes, seconds, rings in averages]

    def step(way: Communication) -> Step:
        spread = float(np.diff(quartiles)[0] / _QUARTILES)
        return Step(alone, backward, tuple(buckets(lengths, way)), meanwhile if way.ahead else 0.0, spread)

    def efficiencies(*, stragglers: bool) -> dict[str, dict[int, float]]:
        return {
            name: {
                number: step(way).efficiency(cluster, axes(number, grid=way.grid), stragglers=stragglers)
                for number in RANKS
            }
            for name, way in SWITCHES.items()
        }

    return Scaling(
        step(communication),
        link,
        float(np.median(wrong)),
        {number: alone / _median_step(paces) for number, paces in weak.items()},
        {number: alone / (number * _median_step(paces)) for number, paces in strong.items()},
        efficiencies(stragglers=False),
        efficiencies(stragglers=True),
    )


def _median_step(paces: Sequence[Pace]) -> float:
    return float(np.median([np.median(pace.steps) for pace in paces]))
