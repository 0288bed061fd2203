"""Pace of a training: the times of its steps and of the exchange of its gradients, measured by `training.timing`."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Times measured on rank 0.

    Attributes:
        ranks: number of ranks.
        batch_size: examples in a batch of one rank.
        batches: batches in a step of one rank.
        steps: durations of the steps, seconds.
        backward: durations of the last backward pass of each step, seconds.
        meanwhile: durations between the backward pass and the wait for the exchange, while which the next batch is
            simulated; seconds.
        lengths: numbers of elements of the weights whose gradients are exchanged, in their order.
        exchanges: bytes, and seconds for their average while nothing else runs.
    """

    ranks: int
    batch_size: int
    batches: int
    steps: list[float]
    backward: list[float]
    meanwhile: list[float]
    lengths: list[int]
    exchanges: list[tuple[int, float]]

    @classmethod
    def from_json(cls, text: str) -> "Pace":
        """The times that a rank wrote as JSON of the fields."""
        values = json.loads(text)
        return cls(**{**values, "exchanges": [(n_bytes, seconds) for n_bytes, seconds in values["exchanges"]]})
