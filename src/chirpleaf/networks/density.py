"""A root and a head: the trainable part of a model."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chirpleaf.networks.heads import ConditionalDistribution


class ConditionalDensity(nn.Module):
    """A conditional distribution: `density(features)` has `log_prob` and `sample`.

    Args:
        root: features to context.
        head: context to distribution.
        bfloat16: whether the root multiplies matrices in bfloat16 (weights stay float32).

    Example:
        >>> from chirpleaf.networks import heads, residual
        >>> root = residual.ResidualNetwork(10, 8, width=16, n_blocks=1)
        >>> density = ConditionalDensity(root, heads.MixtureHead(8, 4))
        >>> density(torch.zeros(3, 10)).sample(5).shape
        torch.Size([5, 3, 4])
    """

    def __init__(self, root: nn.Module, head: nn.Module, *, bfloat16: bool = False) -> None:
        super().__init__()
        self.root, self.head, self.in_bfloat16 = root, head, bfloat16

    def forward(self, features: Float[Tensor, "batch feature"]) -> ConditionalDistribution:
        """The distribution given each row of features."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.in_bfloat16):
            context = self.root(features)
        distribution: ConditionalDistribution = self.head(context.float())
        return distribution
