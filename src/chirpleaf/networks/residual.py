"""Residual network: the root that turns a canonical input into a context vector."""

from jaxtyping import Float
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """x + W_2 gelu(W_1 layer_norm(x)): pre-norm, so that the identity path stays clean (arXiv:2002.04745).

    Args:
        width: number of features.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inner, outer = nn.Linear(width, width), nn.Linear(width, width)
        self.layers = nn.Sequential(nn.LayerNorm(width), inner, nn.GELU(), outer)
        nn.init.zeros_(outer.weight)
        nn.init.zeros_(outer.bias)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """One step of the residual stream."""
        return x + self.layers(x)


class ResidualNetwork(nn.Module):
    """Linear embedding, residual blocks, linear projection.

    Args:
        n_inputs: length of the input.
        n_outputs: length of the context.
        width: features of the residual stream.
        n_blocks: number of blocks.

    Example:
        >>> import torch
        >>> ResidualNetwork(10, 4, width=16, n_blocks=2)(torch.zeros(3, 10)).shape
        torch.Size([3, 4])
    """

    def __init__(self, n_inputs: int, n_outputs: int, *, width: int = 512, n_blocks: int = 6) -> None:
        super().__init__()
        self.embed = nn.Linear(n_inputs, width)
        self.blocks = nn.Sequential(*(ResidualBlock(width) for _ in range(n_blocks)))
        self.project = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, n_outputs))

    def forward(self, x: Float[Tensor, "*batch n_inputs"]) -> Float[Tensor, "*batch n_outputs"]:
        """The context of each input."""
        return self.project(self.blocks(self.embed(x)))
