"""Layers of filters: the modules of a root from which a sub-network removes rows and columns."""

from typing import NamedTuple

from torch import nn

Matrix = nn.Linear | nn.Conv1d
"""Modules whose weight has one row per filter."""


class FilterLayer(NamedTuple):
    """Modules around one layer of filters of a root.

    Attributes:
        producer: module whose weight has one row per filter.
        activation: module whose output holds the activations, shape (batch, filter, ...).
        consumer: next module, whose weight has one column per filter; None if the filters are outputs of the root.
    """

    producer: Matrix
    activation: nn.Module
    consumer: Matrix | None = None
