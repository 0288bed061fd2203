"""Encoders: combine tokens, one per detector, to the input of a root.

`Concatenation` requires all detectors. `Pooling` takes any non-empty subset of them: a network that the detectors share
turns each token x_d, with the shared features s and an embedding e_d of the detector, into features h_d, and

    sum_d h_d,        sum_d a_d h_d,        a_d = softmax_d(score(h_d)),        s,        who is present

are the input of the root. Absent detectors are in no sum.

A frozen settings class stands beside each encoder and builds it. An encoder refuses tokens of other sizes than its own.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chirpleaf.errors import InputError
from chirpleaf.networks.residual import ResidualBlock
from chirpleaf.system.checks import check_settings
from chirpleaf.system.constraints import FORBID_EXTRA, Depth, Width
from chirpleaf.tokens import TokenLayout, Tokens


@runtime_checkable
class Encoder(Protocol):
    """What an encoder is, apart from a `torch.nn.Module`.

    Attributes:
        n_outputs: length of the root's input.
    """

    n_outputs: int

    def __call__(self, tokens: Tokens) -> Tensor:
        """Combine the tokens to the input of a root, shape (batch, n_outputs).

        Raises:
            InputError: the tokens have other sizes than the encoder, or lack a detector that it needs.
        """
        ...


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

    order: Tensor

    def __init__(self, layout: TokenLayout) -> None:
        super().__init__()
        self._layout = layout
        n_features = layout.n_detectors * layout.n_features
        self.n_outputs = n_features + layout.n_shared
        places = torch.arange(n_features).reshape(layout.n_detectors, -1).split(list(layout.sections), dim=-1)
        parts = [part.flatten() for part in places]
        parts.insert(layout.shared_after, torch.arange(n_features, self.n_outputs))
        self.register_buffer("order", torch.cat(parts), persistent=False)

    def forward(self, tokens: Tokens) -> Float[Tensor, "batch feature"]:
        """Combine the tokens to the input of a root, shape (batch, n_outputs); see `Encoder`."""
        check_layout(tokens, self._layout)
        check_all_present(tokens)
        return torch.cat([tokens.values.flatten(1), tokens.shared], dim=1).index_select(1, self.order)


class Pooling(nn.Module):
    """Pool the features of the detectors that are present.

    Args:
        layout: sizes of the tokens.
        settings: sizes of the network that the detectors share.

    Example:
        >>> encoder = PooledSettings(width=8, heads=2).build(TokenLayout(2, (3, 1)))
        >>> tokens = Tokens.from_values(torch.ones(1, 2, 4), torch.tensor([[True, False]]))
        >>> encoder(tokens).shape == (1, encoder.n_outputs)
        True
    """

    def __init__(self, layout: TokenLayout, settings: "PooledSettings") -> None:
        super().__init__()
        self._layout = layout
        self.n_outputs = 2 * settings.width + layout.n_shared + layout.n_detectors
        self._heads = settings.heads
        self.embed = nn.Linear(layout.n_features, settings.width)
        self.embed_shared = nn.Linear(layout.n_shared, settings.width, bias=False) if layout.n_shared else None
        self.detector = nn.Parameter(torch.zeros(layout.n_detectors, settings.width))
        blocks = (ResidualBlock(settings.width, settings.width) for _ in range(settings.n_blocks))
        self.blocks = nn.Sequential(*blocks, nn.LayerNorm(settings.width))
        self.score = nn.Linear(settings.width, settings.heads)

    def forward(self, tokens: Tokens) -> Float[Tensor, "batch feature"]:
        """Combine the tokens to the input of a root, shape (batch, n_outputs); see `Encoder`."""
        check_layout(tokens, self._layout)
        if not torch.compiler.is_exporting() and not tokens.present.any(1).all():
            raise InputError("expected at least one detector in each example; got none in some: leave those out")
        example, detector = tokens.present.nonzero().unbind(1)
        features = self.embed(tokens.values[example, detector]) + self.detector[detector]
        if self.embed_shared is not None:
            features = features + self.embed_shared(tokens.shared)[example]
        features = self.blocks(features)
        own = features.new_zeros(*tokens.present.shape, features.shape[1]).index_put((example, detector), features)
        scores = self.score(features).float()
        scores = scores.new_full((*tokens.present.shape, self._heads), -torch.inf).index_put(
            (example, detector), scores
        )
        weights = scores.softmax(1)[..., None]
        weighted = (weights * own.unflatten(-1, (self._heads, -1))).sum(1).flatten(1)
        return torch.cat([own.sum(1), weighted, tokens.shared, tokens.present.to(tokens.shared.dtype)], dim=1)


class Channels(nn.Module):
    """Use the time series of the detectors as channels of a convolution.

    Args:
        layout: number of detectors and length of the series.
    """

    def __init__(self, layout: TokenLayout) -> None:
        super().__init__()
        self._layout = layout

    def forward(self, tokens: Tokens) -> Float[Tensor, "batch detector time"]:
        """Return the values of the tokens, shape (batch, detector, time).

        Raises:
            InputError: as for `Encoder`.
        """
        check_layout(tokens, self._layout)
        check_all_present(tokens)
        return tokens.values


@dataclass(frozen=True)
class ConcatenationSettings:
    """Settings of `Concatenation`, which has no sizes of its own.

    Attributes:
        kind: name of these settings in presets and model files.
        takes_subsets: whether detectors may be absent.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    takes_subsets: ClassVar[bool] = False

    kind: Literal["concatenation"] = "concatenation"

    def build(self, layout: TokenLayout) -> Concatenation:
        """Make an encoder for tokens of these sizes."""
        return Concatenation(layout)


@dataclass(frozen=True)
class PooledSettings:
    """Settings of `Pooling`: sizes of the network that the detectors share.

    Attributes:
        kind: name of these settings in presets and model files.
        width: features of each detector. More features tell detectors better apart and cost time.
        n_blocks: number of residual blocks. More blocks fit better and cost time.
        heads: groups of features that are weighted separately in the weighted sum; a divisor of `width`.
        takes_subsets: whether detectors may be absent.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA
    takes_subsets: ClassVar[bool] = True

    kind: Literal["pooled"] = "pooled"
    width: Width = 256
    n_blocks: Depth = 1
    heads: Width = 8

    def build(self, layout: TokenLayout) -> Pooling:
        """Make an encoder with initial weights for tokens of these sizes.

        Raises:
            InputError: a size is out of range, or the heads do not divide the width.
        """
        check_settings(self)
        if self.width % self.heads:
            raise InputError(f"expected heads that divide the width {self.width}; got {self.heads}: change one of them")
        return Pooling(layout, self)


EncoderSettings = ConcatenationSettings | PooledSettings
"""Settings of any encoder of feature vectors."""

ENCODERS: dict[str, type[ConcatenationSettings] | type[PooledSettings]] = {
    "concatenation": ConcatenationSettings,
    "pooled": PooledSettings,
}
"""Settings of the encoders by the names that presets and model files give them."""


def check_layout(tokens: Tokens, layout: TokenLayout) -> None:
    """Check that tokens have the sizes of a layout.

    Raises:
        InputError: they have others.
    """
    n_detectors, n_features, n_shared = (*tokens.values.shape[1:], tokens.shared.shape[1])
    if (n_detectors, n_features, n_shared) != (layout.n_detectors, layout.n_features, layout.n_shared):
        raise InputError(
            f"expected tokens of {layout.n_detectors} detectors with {layout.n_features} features each and "
            f"{layout.n_shared} shared; got {n_detectors} with {n_features} and {n_shared}: "
            "prepare the data with the model's own estimator"
        )


def check_all_present(tokens: Tokens) -> None:
    """Check that all detectors are present.

    Raises:
        InputError: one is absent.
    """
    if not torch.compiler.is_exporting() and not tokens.present.all():
        raise InputError(
            "expected data of all detectors of the model; got some without: use an encoder for subsets (pooled)"
        )
