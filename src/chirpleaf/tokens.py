"""Tokens: the input of a network, one vector or series for each detector, and a mask of the present detectors.

Every interface between data and networks carries tokens, so that an encoder may take any subset of detectors. Tokens of
absent detectors are zero.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class TokenLayout:
    """Sizes of the tokens that a representation makes.

    Attributes:
        n_detectors: number of detectors.
        sections: lengths of the parts of a token, in order.
        n_shared: number of shared features.
        shared_after: number of sections that come before the shared features in a concatenation.
    """

    n_detectors: int
    sections: tuple[int, ...]
    n_shared: int = 0
    shared_after: int = 0

    @cached_property
    def n_features(self) -> int:
        """Length of a token."""
        return sum(self.sections)


class Tokens(NamedTuple):
    """Input of a network.

    Attributes:
        values: one token for each detector, shape (batch, detector, feature).
        shared: features that belong to no detector, shape (batch, k); k may be 0.
        present: whether each detector is present, shape (batch, detector).

    Example:
        >>> tokens = Tokens.from_values(torch.zeros(3, 2, 10))
        >>> len(tokens.values), tokens.shared.shape, bool(tokens.present.all())
        (3, torch.Size([3, 0]), True)
    """

    values: Float[Tensor, "batch detector feature"]
    shared: Float[Tensor, "batch shared"]
    present: Bool[Tensor, "batch detector"]

    @classmethod
    def from_values(
        cls, values: Float[Tensor, "batch detector feature"], present: Bool[Tensor, "batch detector"] | None = None
    ) -> "Tokens":
        """Tokens without shared features.

        Args:
            values: shape (batch, detector, feature).
            present: shape (batch, detector); all detectors are present when None.
        """
        if present is None:
            present = torch.ones(values.shape[:2], dtype=torch.bool)
        return cls(values, values.new_zeros(len(values), 0), present)

    def select(self, rows: slice | Tensor) -> "Tokens":
        """The tokens of some examples of the batch."""
        return Tokens(*(part[rows] for part in self))


def concatenate_tokens(batches: list[Tokens]) -> Tokens:
    """Several batches of tokens as one.

    Args:
        batches: at least one, all with the same detectors and features.
    """
    return Tokens(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
