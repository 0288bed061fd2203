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
        companions: further modules whose weights have one row per filter, such as a normalisation.
        copies: how often the outputs of the layer stand in the root's output, one copy after the other; only for
            filters that are outputs of the root.
        further: outputs of the root that follow these copies and belong to no filter.
        rows: rows of the activations that belong to one example, such as one for each detector.
    """

    producer: Matrix
    activation: nn.Module
    consumer: Matrix | None = None
    companions: tuple[nn.Module, ...] = ()
    copies: int = 1
    further: int = 0
    rows: int = 1
