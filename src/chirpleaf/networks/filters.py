"""Layers of filters: the modules of a root that a sub-network removes rows and columns from."""

from typing import NamedTuple

from torch import nn

Matrix = nn.Linear | nn.Conv1d
"""Modules whose weight has one row per filter."""


class FilterLayer(NamedTuple):
    """Modules around one layer of filters of a root.

    Attributes:
        maker: module whose weight has one row per filter.
        seen: module whose output holds the activations, shape (batch, filter, ...).
        taker: next module, whose weight has one column per filter; None if the filters are outputs of the root.
    """

    maker: Matrix
    seen: nn.Module
    taker: Matrix | None = None
