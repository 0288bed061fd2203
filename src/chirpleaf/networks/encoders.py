"""Encoders: from tokens, one for each detector, to the single input of a root.

`Concatenation` keeps the detectors apart and needs all of them; an encoder that pools over any subset has the same
interface.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chirpleaf.tokens import TokenLayout, Tokens


class Concatenation(nn.Module):
    """All tokens in one vector, section by section: each section of all detectors, then the next.

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
        """The root's input, shape (batch, n_outputs)."""
        parts = [part.flatten(1) for part in tokens.values.split(list(self._layout.sections), dim=-1)]
        parts.insert(self._layout.shared_after, tokens.shared)
        return torch.cat(parts, dim=1)


class Channels(nn.Module):
    """Time series of the detectors as the channels of a convolution."""

    def forward(self, tokens: Tokens) -> Float[Tensor, "batch detector time"]:
        """The tokens themselves, shape (batch, detector, time)."""
        return tokens.values


ENCODERS: dict[str, Callable[[TokenLayout], Concatenation]] = {"concatenation": Concatenation}
"""Encoders of feature vectors by the names that presets and model files give them."""
