"""Batch: training examples, made by the simulator and used by the objectives."""

from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from chirpleaf.tokens import Tokens


class Batch(NamedTuple):
    """Training examples.

    Attributes:
        tokens: input of the network.
        target: true values in the coordinates of the network's output, shape (batch, n_targets).
        log_scale: ln of the scale of the first coordinate with respect to support-aware coordinates, shape (batch,).
        log_background: ln of the density of the background component at the truth, times its weight, shape (batch,).
        weight: weight of each example in the loss, shape (batch,).
    """

    tokens: Tokens
    target: Tensor
    log_scale: Tensor
    log_background: Tensor
    weight: Tensor


@runtime_checkable
class BatchSource(Protocol):
    """Gives the batches of a training."""

    def batch(self, index: int) -> Batch:
        """The batch of an index, the same whenever it is asked for."""
        ...
