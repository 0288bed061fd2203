"""Convolutional root: maps whitened time series to a feature vector (arXiv:1903.01998).

`PUBLISHED` is the published layout, taken from secondary sources: seven layers without padding that reduce 8192
samples, one second of one detector at 8192 Hz, to length one. Its only confirmation is that the numbers are consistent;
tests check this, and the number of parameters, 2,967,552.

`networks.detectors` lets the series of several detectors pass through it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chirpleaf.networks.filters import FilterLayer
from chirpleaf.system.constraints import FORBID_EXTRA, NonNegativeInt, Width

Normalisation: TypeAlias = Literal["none", "group"]
Combination: TypeAlias = Literal["channels", "sum", "pooled"]


@dataclass(frozen=True)
class Convolution:
    """Layer of convolution without padding, ReLU and maximum pooling.

    Attributes:
        kernel: length of the filters. Longer ones see more of a wave at once and cost time in proportion.
        channels: number of filters. More of them fit better and run slower.
        stride: step of the convolution in samples. It shortens the series as pooling does, and keeps the phase.
        dilation: spacing of the filter taps in samples: a longer reach at the same cost, blind between the taps.
        pool: length of the pooling window in samples. Pooling forgets where in the window the maximum was.
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
    """Settings of a convolutional root on time series; the defaults are those of the published root.

    Attributes:
        layers: the layers, in order.
        detectors: how the series of several detectors meet: as channels of the first layer, which needs all detectors;
            as a sum, which suits aligned series (`SeriesSettings.coherent`); or each through all layers, followed by
            mean and maximum of their features, which costs the time of a root for each detector. The sum and the
            pooled features take any subset of the detectors.
        normalisation: "group" normalises the channels of each layer together, example by example, before ReLU. It
            makes higher learning rates stable, hides the loudness of the signal, and costs time.
        residual: whether the input of a layer is added to its output where both have the same channels. It helps
            deep roots; sub-networks cannot be cut out of a root with such links.
        conditions: neurons of the dense layer that reads the context (`SeriesSettings.context`) and shifts the
            channels of every convolution; 0 adds the context to the root's output alone.
        channels_last: whether activations lie in memory with the channels of a sample side by side: faster for few
            samples or for pooling, with the same result but for rounding.
        bfloat16: whether training multiplies in bfloat16 where the machine is faster with it.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    layers: tuple[Convolution, ...]
    detectors: Combination = "channels"
    normalisation: Normalisation = "none"
    residual: bool = False
    conditions: NonNegativeInt = 0
    channels_last: bool = False
    bfloat16: bool = False

    @property
    def takes_subsets(self) -> bool:
        """Whether detectors may be absent."""
        return self.detectors != "channels"

    def build(self, n_channels: int, n_samples: int, n_conditions: int = 0) -> "ConvolutionalRoot":
        """Make convolutions with initial weights for `n_channels` series of `n_samples`; see `ConvolutionalRoot`."""
        return ConvolutionalRoot(
            n_channels,
            n_samples,
            self.layers,
            normalisation=self.normalisation,
            residual=self.residual,
            n_conditions=n_conditions,
            channels_last=self.channels_last,
        )


class TimeConvolution(nn.Conv1d):
    """Convolution over time that also takes activations as (batch, channel, 1, time)."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (batch, channel, time), or the same with an axis of length one before time."""
        if x.ndim == 3:
            return super().forward(x)
        weight, stride, dilation = self.weight.unsqueeze(2), (1, *self.stride), (1, *self.dilation)
        return nn.functional.conv2d(x, weight, self.bias, stride=stride, dilation=dilation)


class TimePool(nn.Module):
    """Maximum over windows of time, of either shape that `TimeConvolution` takes.

    Args:
        length: length of the window, and step, in samples.
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def forward(self, x: Tensor) -> Tensor:
        """Pool the last axis."""
        if x.ndim == 3:
            return nn.functional.max_pool1d(x, self.length)
        return nn.functional.max_pool2d(x, (1, self.length))


class ConvolutionalRoot(nn.Module):
    """Convolutional layers; the last activations are flattened to a feature vector.

    Args:
        n_channels: number of input time series.
        n_samples: length of the time series.
        layers: see `Convolution`.
        normalisation: see `ConvolutionalSettings`, as for the following.
        residual: whether inputs are added to outputs of the same number of channels.
        n_conditions: length of a vector that shifts the channels of each layer; 0 for none.
        channels_last: whether the channels of a sample lie side by side in memory.

    Raises:
        ValueError: if the layers leave no samples.

    Example:
        >>> import torch
        >>> root = ConvolutionalRoot(1, 8192, PUBLISHED)
        >>> root(torch.zeros(2, 1, 8192)).shape, sum(weight.numel() for weight in root.parameters())
        (torch.Size([2, 64]), 2967552)
    """

    def __init__(
        self,
        n_channels: int,
        n_samples: int,
        layers: Sequence[Convolution],
        *,
        normalisation: Normalisation = "none",
        residual: bool = False,
        n_conditions: int = 0,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        self._by_layer: list[list[nn.Module]] = []
        channels, length = n_channels, n_samples
        for layer in layers:
            self._by_layer.append(_make_stages(channels, layer, normalisation))
            channels, length = layer.channels, layer.output_length(length)
            if length < 1:
                raise ValueError(
                    f"expected layers that leave a sample of {n_samples}; got none after {layer}: pool less"
                )
        self.stages = nn.Sequential(*(stage for stages in self._by_layer for stage in stages))
        self.conditions = nn.ModuleList(nn.Linear(n_conditions, layer.channels) for layer in layers if n_conditions)
        for condition in self.conditions:
            nn.init.zeros_(condition.weight)  # type: ignore[arg-type]
            nn.init.zeros_(condition.bias)  # type: ignore[arg-type]
        self.residual, self.channels_last = residual, channels_last
        self.n_outputs, self.n_samples = channels * length, length

    @property
    def layers(self) -> list[FilterLayer]:
        """Filters of each convolution, with activations after ReLU and pooling."""
        found = []
        consumers = [*(stages[0] for stages in self._by_layer[1:]), None]
        for place, (stages, consumer) in enumerate(zip(self._by_layer, consumers, strict=True)):
            companions = [stage for stage in stages if isinstance(stage, nn.GroupNorm)]
            companions += list(self.conditions[place : place + 1])  # type: ignore[arg-type]
            found.append(FilterLayer(stages[0], stages[-1], consumer, tuple(companions)))  # type: ignore[arg-type]
        return found

    def forward(
        self, x: Float[Tensor, "batch channel time"], conditions: Float[Tensor, "batch condition"] | None = None
    ) -> Float[Tensor, "batch feature"]:
        """Compute the features of each example; `conditions` shift the channels of each layer before ReLU."""
        if self.channels_last:
            x = x.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        if conditions is None and not self.residual:
            return self.stages(x).flatten(1)
        for place, (convolution, *rest) in enumerate(self._by_layer):
            y = convolution(x)
            if conditions is not None:
                shift = self.conditions[place](conditions)
                y = y + shift.reshape(*shift.shape, *[1] * (y.ndim - 2))
            for stage in rest:
                y = stage(y)
            x = y + _shorten(x, y.shape[-1]) if self.residual and x.shape[1] == y.shape[1] else y
        return x.flatten(1)


def _make_stages(n_channels: int, layer: Convolution, normalisation: Normalisation) -> list[nn.Module]:
    """Convolution, normalisation, ReLU and pooling of a layer, as far as it has them."""
    convolution = TimeConvolution(
        n_channels, layer.channels, layer.kernel, stride=layer.stride, dilation=layer.dilation
    )
    norms = [nn.GroupNorm(1, layer.channels)] if normalisation == "group" else []
    pools = [TimePool(layer.pool)] if layer.pool > 1 else []
    return [convolution, *norms, nn.ReLU(), *pools]


def _shorten(x: Tensor, length: int) -> Tensor:
    """As many samples of a series as the output of a layer has: averages over windows of its middle."""
    window = x.shape[-1] // length
    start = (x.shape[-1] - window * length) // 2
    return x[..., start : start + window * length].unflatten(-1, (length, window)).mean(-1)
