"""Encoders: combine tokens, one per detector, to the input of a root.

`Concatenation` requires all detectors. An encoder that pools over any subset of detectors has the same interface.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chirpleaf.tokens import TokenLayout, Tokens


class Concatenation(nn.Module):
    """Concatenate all tokens in one vector, section by section: one section of all detectors, then the next.

    Args:
        layout: sizes of the tokens.

    Example:
        >>> encoder = Concatenation(TokenLayout(2, (3, 1), n_shared=1, shared_after=1))
        >>> tokens = Tokens.from_values(torch.arange(8.0).reshape(1, 2, 4))._replace(shared=torch.tensor([[9.0]]))
        >>> encoder(tokens).tolist()
        [[0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 9.0, 3.0, 7.0]]
    """

    def __init__(self, layout: TokenLayout) -> None:
        super().__init__()
        self._layout = layout
        self.n_outputs = layout.n_detectors * sum(layout.sections) + layout.n_shared

    def forward(self, tokens: Tokens) -> Float[Tensor, "batch feature"]:
        """Combine the tokens to the input of a root, shape (batch, n_outputs)."""
        parts = [part.flatten(1) for part in tokens.values.split(list(self._layout.sections), dim=-1)]
        parts.insert(self._layout.shared_after, tokens.shared)
        return torch.cat(parts, dim=1)


class Channels(nn.Module):
    """Use the time series of the detectors as channels of a convolution."""

    def forward(self, tokens: Tokens) -> Float[Tensor, "batch detector time"]:
        """Return the values of the tokens, shape (batch, detector, time)."""
        return tokens.values


ENCODERS: dict[str, Callable[[TokenLayout], Concatenation]] = {"concatenation": Concatenation}
"""Encoders of feature vectors by their name in presets and model files."""
