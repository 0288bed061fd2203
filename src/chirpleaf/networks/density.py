"""Conditional density: the trainable part of a model, a root and a head."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chirpleaf.networks.heads import ConditionalDistribution
from chirpleaf.tokens import Tokens


class ConditionalDensity(nn.Module):
    """Conditional density: `density(tokens)` has `log_prob` and `sample`.

    Args:
        root: maps encoded tokens to a context.
        head: maps a context to a distribution.
        encoder: maps tokens to the input of the root; None if the root takes the input of the density.
        bfloat16: whether the root multiplies matrices in bfloat16 (weights remain float32).

    Example:
        >>> from chirpleaf.networks import heads, residual
        >>> root = residual.ResidualSettings(width=16, n_blocks=1).build(10, 8)
        >>> density = ConditionalDensity(root, heads.MixtureSettings().build(8, 4))
        >>> density(torch.zeros(3, 10)).sample(5).shape
        torch.Size([5, 3, 4])
    """

    def __init__(
        self, root: nn.Module, head: nn.Module, encoder: nn.Module | None = None, *, bfloat16: bool = False
    ) -> None:
        super().__init__()
        self.encoder = encoder or nn.Identity()
        self.root, self.head, self.in_bfloat16 = root, head, bfloat16

    def forward(self, tokens: Tokens | Float[Tensor, "batch feature"]) -> ConditionalDistribution:
        """Compute the distribution given each example."""
        if self.in_bfloat16:
            device = (tokens.values if isinstance(tokens, Tokens) else tokens).device.type
            with torch.autocast(device, torch.bfloat16):
                context = self.root(self.encoder(tokens))
        else:
            context = self.root(self.encoder(tokens))
        distribution: ConditionalDistribution = self.head(context.float())
        return distribution
