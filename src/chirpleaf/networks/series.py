"""Series root: time series of several detectors, and their context, through the layers of a convolutional root.

The series x_d of the detectors that are present meet in one of three ways (`ConvolutionalSettings.detectors`),

    channels: h = g((x_1, x_2, ...)),        sum: h = g(sum_d x_d),        pooled: h = (mean_d g(x_d), max_d g(x_d)),

g being the convolutions, which all leaves share. The context (spectra, signal-to-noise ratios, template) passes a dense
layer e = relu(A c), which shifts the channels of every convolution and follows h in the input of the leaves.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chirpleaf.errors import InputError
from chirpleaf.networks.convolutional import ConvolutionalSettings
from chirpleaf.networks.encoders import check_all_present, check_layout
from chirpleaf.networks.filters import FilterLayer
from chirpleaf.tokens import TokenLayout, Tokens


class SeriesRoot(nn.Module):
    """Convolutions shared by all leaves, on tokens of time series; see `ConvolutionalSettings`.

    Args:
        layout: sizes of the tokens; the first section of a token is its series, channel by channel.
        settings: layers, and how detectors meet.
        n_channels: channels of each detector.

    Raises:
        ValueError: if the layers leave no samples.

    Attributes:
        n_outputs: length of the feature vector.
        in_bfloat16: whether convolutions multiply in bfloat16, as training may.

    Example:
        >>> from chirpleaf.networks.convolutional import Convolution
        >>> settings = ConvolutionalSettings((Convolution(5, 8), Convolution(4, 3, stride=2)), detectors="sum")
        >>> root = SeriesRoot(TokenLayout(2, (2 * 16,)), settings, 2)
        >>> root(Tokens.from_values(torch.zeros(7, 2, 32))).shape == (7, root.n_outputs)
        True
    """

    def __init__(self, layout: TokenLayout, settings: ConvolutionalSettings, n_channels: int) -> None:
        super().__init__()
        self._layout, self._detectors, self._n_channels = layout, settings.detectors, n_channels
        self._length = layout.sections[0]
        n_context = layout.n_detectors * (sum(layout.sections[1:]) + 1) + layout.n_shared
        has_context = len(layout.sections) > 1
        n_conditions = settings.conditions if has_context else 0
        self.read = nn.Sequential(nn.Linear(n_context, n_conditions), nn.ReLU()) if n_conditions else None
        inputs = n_channels * (layout.n_detectors if settings.detectors == "channels" else 1)
        self.convolutions = settings.build(inputs, self._length // n_channels, n_conditions)
        self._copies = 2 if settings.detectors == "pooled" else 1
        self._further = (n_conditions or n_context) if has_context else 0
        self.n_outputs = self._copies * self.convolutions.n_outputs + self._further
        self.in_bfloat16, self._may_use_bfloat16 = False, settings.bfloat16

    def use_bfloat16(self, enabled: bool) -> None:
        """Set whether convolutions multiply in bfloat16, if the settings allow it."""
        self.in_bfloat16 = enabled and self._may_use_bfloat16

    @property
    def layers(self) -> list[FilterLayer]:
        """Filters of each convolution; see `ConvolutionalRoot.layers`."""
        rows = self._layout.n_detectors if self._detectors == "pooled" else 1
        *inner, last = (layer._replace(rows=rows) for layer in self.convolutions.layers)
        return [*inner, last._replace(copies=self._copies, further=self._further)]

    def forward(self, tokens: Tokens) -> Float[Tensor, "batch feature"]:
        """Compute the features of each example.

        Raises:
            InputError: the tokens have other sizes, or lack detectors that the root needs.
        """
        check_layout(tokens, self._layout)
        if self._detectors == "channels":
            check_all_present(tokens)
        series = tokens.values[..., : self._length].unflatten(-1, (self._n_channels, -1))
        context = self._context(tokens) if self._further else None
        conditions = self.read(context) if self.read is not None else None
        if self._detectors == "channels":
            features = self._convolve(series.flatten(1, 2), conditions)
        elif self._detectors == "sum":
            features = self._convolve(series.sum(1), conditions)
        else:
            features = self._pool(series, conditions, tokens.present)
        further = context if conditions is None else conditions
        return features if further is None else torch.cat([features, further], dim=1)

    def _context(self, tokens: Tokens) -> Tensor:
        """All sections but the series, shared features and the mask of the detectors, as one vector."""
        rest = tokens.values[..., self._length :].flatten(1)
        return torch.cat([rest, tokens.shared, tokens.present.to(rest.dtype)], dim=1)

    def _convolve(self, series: Tensor, conditions: Tensor | None) -> Tensor:
        if not self.in_bfloat16:
            features: Tensor = self.convolutions(series, conditions)
            return features
        with torch.autocast(series.device.type, torch.bfloat16):
            return self.convolutions(series, conditions).float()

    def _pool(self, series: Tensor, conditions: Tensor | None, present: Tensor) -> Tensor:
        """Mean and maximum of the features over the detectors that are present; absent ones pass as zeros."""
        if not torch.compiler.is_exporting() and not present.any(1).all():
            raise InputError("expected at least one detector in each example; got none in some: leave those out")
        n_detectors = self._layout.n_detectors
        own = None if conditions is None else conditions.repeat_interleave(n_detectors, 0)
        found = self._convolve(series.flatten(0, 1), own).unflatten(0, (-1, n_detectors))
        absent = ~present[..., None]
        mean = found.masked_fill(absent, 0.0).sum(1) / present.sum(1, keepdim=True)
        return torch.cat([mean, found.masked_fill(absent, -torch.inf).amax(1)], dim=1)
