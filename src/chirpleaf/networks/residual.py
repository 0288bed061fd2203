"""Residual network: the root that maps a canonical input to a context vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from chirpleaf.networks.filters import FilterLayer
from chirpleaf.system.constraints import FORBID_EXTRA, Depth, Width


@dataclass(frozen=True)
class ResidualSettings:
    """Settings of a residual root.

    Attributes:
        width: features of the residual stream. A larger width fits better and runs slower.
        n_blocks: number of residual blocks. More blocks fit better and run slower.
        hidden: neurons of each block (sub-networks); None means `width` neurons in each of `n_blocks` blocks.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    width: Width = 512
    n_blocks: Depth = 6
    hidden: tuple[Width, ...] | None = None

    def build(self, n_inputs: int, n_outputs: int) -> "ResidualNetwork":
        """Make a root with initial weights."""
        hidden = self.hidden or (self.width,) * self.n_blocks
        return ResidualNetwork(n_inputs, n_outputs, width=self.width, hidden=hidden)


class ResidualBlock(nn.Module):
    """Pre-norm residual block, x + W_2 gelu(W_1 layer_norm(x)) (arXiv:2002.04745).

    Args:
        width: number of features.
        hidden: number of neurons between the two matrices.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        inner, outer = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.layers = nn.Sequential(nn.LayerNorm(width), inner, nn.GELU(), outer)
        nn.init.zeros_(outer.weight)
        nn.init.zeros_(outer.bias)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """Apply the block."""
        return x + self.layers(x)


class ResidualNetwork(nn.Module):
    """Linear embedding, residual blocks, linear projection.

    Args:
        n_inputs: length of the input.
        n_outputs: length of the context.
        width: features of the residual stream.
        hidden: neurons of each block.

    Example:
        >>> import torch
        >>> ResidualSettings(width=16, n_blocks=2).build(10, 4)(torch.zeros(3, 10)).shape
        torch.Size([3, 4])
    """

    def __init__(self, n_inputs: int, n_outputs: int, *, width: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.embed = nn.Linear(n_inputs, width)
        self.blocks = nn.Sequential(*(ResidualBlock(width, size) for size in hidden))
        self.project = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, n_outputs))

    @property
    def layers(self) -> list[FilterLayer]:
        """Filters: the neurons of each block, and the outputs."""
        blocks = [FilterLayer(block[1], block[2], block[3]) for block in self._blocks]  # type: ignore[arg-type]
        return [*blocks, FilterLayer(self.project[1], self.project[1])]  # type: ignore[arg-type]

    @property
    def _blocks(self) -> list[nn.Sequential]:
        return [block.layers for block in self.blocks]  # type: ignore[misc]

    def forward(self, x: Float[Tensor, "*batch n_inputs"]) -> Float[Tensor, "*batch n_outputs"]:
        """Compute the context of each input."""
        return self.project(self.blocks(self.embed(x)))
