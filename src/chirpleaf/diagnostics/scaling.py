"""Weak-scaling model of distributed training: predicts the duration of a step on many ranks from measurements on few.

A ring all-reduce of n bytes over R ranks sends 2 (R - 1) successive messages of n / R bytes each, which takes

    t(n, R) = 2 (R - 1) (a + n / (R b)),

with the latency a and the bandwidth b of a message. On a grid of ranks, the rings of the rows and then those of the
columns are averaged. Bucket i of the k buckets of a backward pass of duration T_b is ready at T_b i / k, and buckets
are averaged one after another. The part of this that neither the backward pass nor the simulation of the next batch,
of duration T_s, hides prolongs the step:

    T(R) = T(1) + max(0, end of the last average - T_b - T_s),

where T_s = 0 unless ranks simulate the next batch during the exchange.

All ranks wait for the slowest. If durations of steps are normal with standard deviation s, the longest of R steps is
later than the median by about s (2 ln R)^(1/2).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

from chirpleaf.training.pace import Pace
from chirpleaf.training.parallel.communication import Communication, bucket_sizes, ring_sizes

_QUARTILES = 1.349
"""Distance of the quartiles of a normal distribution of unit standard deviation."""


@dataclass(frozen=True)
class Link:
    """Latency and bandwidth of the network between ranks.

    Attributes:
        latency: latency of a message in s.
        bandwidth: bandwidth in bytes per second.
    """

    latency: float
    bandwidth: float

    def exchange_time(self, n_bytes: float, rings: Sequence[int]) -> float:
        """Predict the duration of an all-reduce in s.

        Args:
            n_bytes: size of the averaged data in bytes.
            rings: number of ranks of each successive ring.
        """
        return sum(2 * (size - 1) * (self.latency + n_bytes / (size * self.bandwidth)) for size in rings)


def fit_link(exchanges: Iterable[tuple[float, float, Sequence[int]]]) -> Link:
    """Fit latency and bandwidth to measured all-reduces by relative least squares.

    Args:
        exchanges: size in bytes, duration in s and rings of each all-reduce.

    Returns:
        The fitted link.

    Raises:
        ValueError: if there are no measurements.
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
    """A training step of one rank.

    Attributes:
        seconds: median duration of the step in s.
        backward: duration of the backward pass, during which buckets become ready, in s.
        buckets: sizes of the buckets of gradients in bytes, in order.
        meanwhile: duration of the computation that overlaps with the exchange, in s.
        spread: standard deviation of the duration of a step in s.
    """

    seconds: float
    backward: float
    buckets: tuple[int, ...]
    meanwhile: float = 0.0
    spread: float = 0.0

    def predict_duration(self, link: Link, rings: Sequence[int], *, stragglers: bool = False) -> float:
        """Predict the duration of the step on many ranks with the same batch size per rank, in s.

        Args:
            link: network between the ranks.
            rings: number of ranks of each successive ring of the exchange.
            stragglers: whether to include the wait for the slowest rank.
        """
        end = 0.0
        for place, n_bytes in enumerate(self.buckets, start=1):
            end = max(end, self.backward * place / len(self.buckets)) + link.exchange_time(n_bytes, rings)
        late = self.spread * math.sqrt(2 * math.log(math.prod(rings))) if stragglers else 0.0
        return self.seconds + late + max(0.0, end - self.backward - self.meanwhile)

    def efficiency(self, link: Link, rings: Sequence[int], *, stragglers: bool = False) -> float:
        """Predict the weak-scaling efficiency: duration of the step on one rank divided by that on many.

        Args:
            link: as for `predict_duration`.
            rings: as for `predict_duration`.
            stragglers: as for `predict_duration`.
        """
        return self.seconds / self.predict_duration(link, rings, stragglers=stragglers)


SWITCHES = {
    "off": Communication(bucket=None, ahead=False),
    "on": Communication(bucket=1.0, bfloat16=True, grid=True),
}
"""Communication settings of the predictions: one average at the end of a step ("off"), all optimisations ("on")."""

RANKS = tuple(2**power for power in range(11))
"""Numbers of ranks of the predictions."""


@dataclass(frozen=True)
class Scaling:
    """Measured and predicted scaling of a training.

    Attributes:
        step: step of one rank with one thread.
        link: network between the ranks of this machine.
        link_error: median relative difference between measured and modelled durations of the all-reduce.
        weak: measured efficiency by number of ranks, with the same batch size per rank.
        strong: measured efficiency by number of ranks, with the same total batch size.
        predicted: predicted weak-scaling efficiency on a cluster's link, by communication settings and number of ranks.
        stragglers: as `predicted`, including the wait for the slowest rank with the spread measured here.
    """

    step: Step
    link: Link
    link_error: float
    weak: dict[int, float]
    strong: dict[int, float]
    predicted: dict[str, dict[int, float]]
    stragglers: dict[str, dict[int, float]]

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return asdict(self)


def summarise_scaling(
    weak: Mapping[int, Sequence[Pace]],
    strong: Mapping[int, Sequence[Pace]],
    communication: Communication,
    cluster: Link,
) -> Scaling:
    """Summarise measurements on this machine and predict the efficiency on a cluster.

    Args:
        weak: measurements by number of ranks, including one, with the same batch size per rank.
        strong: measurements by number of ranks, with the same total batch size.
        communication: communication settings of the measurements.
        cluster: link of the cluster.

    Returns:
        Measured and predicted efficiencies.
    """
    alone, backward, meanwhile = (
        float(np.median([np.median(getattr(pace, part)) for pace in weak[1]]))
        for part in ("steps", "backward", "meanwhile")
    )
    quartiles = np.mean([np.quantile(pace.steps, (0.25, 0.75)) for pace in weak[1]], axis=0)
    lengths = weak[1][0].lengths
    averages = [
        (n_bytes, seconds, ring_sizes(number, grid=communication.grid))
        for number, paces in weak.items()
        for pace in paces
        for n_bytes, seconds in pace.exchanges
    ]
    link = fit_link(averages)
    wrong = [abs(link.exchange_time(n_bytes, rings) / seconds - 1) for n_bytes, seconds, rings in averages]

    def step(way: Communication) -> Step:
        spread = float(np.diff(quartiles)[0] / _QUARTILES)
        return Step(alone, backward, tuple(bucket_sizes(lengths, way)), meanwhile if way.ahead else 0.0, spread)

    def efficiencies(*, stragglers: bool) -> dict[str, dict[int, float]]:
        return {
            name: {
                number: step(way).efficiency(cluster, ring_sizes(number, grid=way.grid), stragglers=stragglers)
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
