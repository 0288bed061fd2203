"""Convolutional root: maps whitened time series to a feature vector (arXiv:1903.01998).

`PUBLISHED` is the published layout, taken from secondary sources: seven layers without padding that reduce 8192
samples, one second of one detector at 8192 Hz, to length one. Its only confirmation is that the numbers are consistent;
tests check this, and the number of parameters, 2,967,552.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from chirpleaf.networks.filters import FilterLayer
from chirpleaf.system.constraints import FORBID_EXTRA, Width


@dataclass(frozen=True)
class Convolution:
    """Layer of convolution without padding, ReLU and maximum pooling.

    Attributes:
        kernel: length of the filters.
        channels: number of filters.
        stride: step of the convolution in samples.
        dilation: spacing of the filter taps in samples.
        pool: length of the pooling window in samples.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    kernel: Width
    channels: Width
    stride: Width = 1
    dilation: Width = 1
    pool: Width = 1

    def output_length(self, length: int) -> int:
        """Compute the length of the output for an input of `length` samples."""
        return ((length - self.dilation * (self.kernel - 1) - 1) // self.stride + 1) // self.pool


PUBLISHED = (
    Convolution(16, 64, pool=4),
    Convolution(16, 128, dilation=2, pool=4),
    Convolution(16, 256, dilation=2, pool=4),
    Convolution(32, 256, dilation=2, pool=4),
    Convolution(4, 128, dilation=2),
    Convolution(4, 128, dilation=2),
    Convolution(2, 64),
)
"""Layers of arXiv:1903.01998 for 8192 samples of one detector."""


@dataclass(frozen=True)
class ConvolutionalSettings:
    """Settings of a convolutional root on time series.

    Attributes:
        layers: the layers, in order.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    layers: tuple[Convolution, ...]

    def build(self, n_channels: int, n_samples: int) -> "ConvolutionalRoot":
        """Make a root with initial weights for `n_channels` series of `n_samples`; see `ConvolutionalRoot`."""
        return ConvolutionalRoot(n_channels, n_samples, self.layers)


class ConvolutionalRoot(nn.Module):
    """Convolutional layers; the last activations are flattened to a feature vector.

    Args:
        n_channels: number of input time series, one per detector.
        n_samples: length of the time series.
        layers: see `Convolution`.

    Raises:
        ValueError: if the layers leave no samples.

    Example:
        >>> import torch
        >>> root = ConvolutionalRoot(1, 8192, PUBLISHED)
        >>> root(torch.zeros(2, 1, 8192)).shape, sum(weight.numel() for weight in root.parameters())
        (torch.Size([2, 64]), 2967552)
    """

    def __init__(self, n_channels: int, n_samples: int, layers: Sequence[Convolution]) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        channels, length = n_channels, n_samples
        for layer in layers:
            stages += [
                nn.Conv1d(channels, layer.channels, layer.kernel, stride=layer.stride, dilation=layer.dilation),
                nn.ReLU(),
            ]
            if layer.pool > 1:
                stages.append(nn.MaxPool1d(layer.pool))
            channels, length = layer.channels, layer.output_length(length)
            if length < 1:
                raise ValueError(
                    f"expected layers that leave a sample of {n_samples}; got none after {layer}: pool less"
                )
        self.stages = nn.Sequential(*stages)
        self.n_outputs = channels * length

    @property
    def layers(self) -> list[FilterLayer]:
        """Filters of each convolution, with activations after ReLU and pooling."""
        first = [place for place, stage in enumerate(self.stages) if isinstance(stage, nn.Conv1d)]
        convolutions = [self.stages[place] for place in first]
        activations = [self.stages[place - 1] for place in [*first[1:], len(self.stages)]]
        return [FilterLayer(*layer) for layer in zip(convolutions, activations, [*convolutions[1:], None], strict=True)]  # type: ignore[arg-type]

    def forward(self, x: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch feature"]:
        """Compute the features of each example."""
        return self.stages(x).flatten(1)
