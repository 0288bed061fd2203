"""A neural spline flow as density head, for comparison with the mixture head."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chirpleaf.system.constraints import FORBID_EXTRA, Depth, Width


@dataclass(frozen=True)
class FlowSettings:
    """Settings of a neural spline flow.

    Attributes:
        kind: name of these settings in presets and model files.
        n_transforms: number of autoregressive spline transforms.
        n_hidden: hidden units of their networks (two layers).
        n_bins: bins of each spline. More bins resolve finer structure.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    kind: Literal["flow"] = "flow"
    n_transforms: Depth = 3
    n_hidden: Width = 128
    n_bins: Width = 12

    def build(self, n_context: int, n_dims: int) -> "FlowHead":
        """Make a head with initial weights."""
        return FlowHead(n_context, n_dims, n_transforms=self.n_transforms, n_hidden=self.n_hidden, n_bins=self.n_bins)


class _Flow:
    """Adapts zuko's conditional distribution to `sample(n, generator)`."""

    def __init__(self, distribution: torch.distributions.Distribution) -> None:
        self._distribution = distribution

    def log_prob(self, value: Tensor) -> Tensor:
        return self._distribution.log_prob(value)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        if generator is None:
            return self._distribution.sample((n,))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
            return self._distribution.sample((n,))

    def to_normal(self, value: Tensor) -> Tensor:
        return self._distribution.transform(value).double()  # type: ignore[attr-defined]

    def from_normal(self, normal: Tensor) -> Tensor:
        return self._distribution.transform.inv(normal.float())  # type: ignore[attr-defined]


class FlowHead(nn.Module):
    """A neural spline flow of zuko (arXiv:1906.04032), for comparison with `MixtureHead`.

    Args:
        n_context: length of the context.
        n_dims: number of parameters.
        n_transforms: number of autoregressive spline transforms.
        n_hidden: hidden units of their networks (two layers).
        n_bins: bins of each spline.
    """

    def __init__(self, n_context: int, n_dims: int, *, n_transforms: int, n_hidden: int, n_bins: int) -> None:
        super().__init__()
        import zuko  # noqa: PLC0415 - takes a third of a second, and the shipped models do not need it

        self.flow = zuko.flows.NSF(
            n_dims, n_context, transforms=n_transforms, hidden_features=(n_hidden, n_hidden), bins=n_bins
        )

    def forward(self, context: Float[Tensor, "batch n_context"]) -> _Flow:
        """Compute the distribution given each context."""
        return _Flow(self.flow(context))
