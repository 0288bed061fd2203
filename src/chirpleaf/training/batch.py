"""Batch: training examples, as the simulator draws them and the objectives take them."""

from typing import NamedTuple

from torch import Tensor

from chirpleaf.tokens import Tokens


class Batch(NamedTuple):
    """Training examples.

    Attributes:
        features: input of the network.
        target: what it should say, in the estimator's coordinates, shape (batch, n_targets).
        log_unit: ln of the unit of the first of them, shape (batch,): what ln q loses in support-aware coordinates.
        broad: ln of the density of the posterior's background at the truth, its share included, shape (batch,).
        weight: weight of each example in the loss, shape (batch,).
    """

    features: Tokens
    target: Tensor
    log_unit: Tensor
    broad: Tensor
    weight: Tensor
