"""Density heads: map a context vector to a conditional distribution.

`head(context)` returns a distribution with `log_prob(y)` and `sample(n)`, and with the bijection to a standard normal
distribution by the conditional distribution function of each dimension given the previous ones
(doi:10.1214/aoms/1177729394). The heads are interchangeable:

- `MixtureHead`: an affine map, y = m + L e, of an autoregressive Gaussian mixture
  p(e) = prod_i sum_k w_ik N(e_i; mu_ik, s_ik), where (w, mu, s)_i are functions of the context and of e_1 .. e_(i-1).
  Sampling takes one pass per dimension.
- `chirpleaf.networks.flow.FlowHead`: zuko's neural spline flow.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chirpleaf.system.constraints import FORBID_EXTRA, Width

_TINY = 1e-300
"""Smallest tail probability, which corresponds to 37 standard deviations."""

_BISECTIONS = 40
"""Number of bisections of an interval of at least eighteen standard deviations; enough for single precision."""


@runtime_checkable
class ConditionalDistribution(Protocol):
    """Distribution that a head returns for a batch of contexts."""

    def log_prob(self, value: Tensor) -> Tensor:
        """Compute ln p(value | context), shape (..., batch), for a value of shape (..., batch, n_dims)."""

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Sample `n` draws per context, shape (n, batch, n_dims)."""

    def to_normal(self, value: Tensor) -> Tensor:
        """Map `value` (..., batch, n_dims) to independent standard normal variables, float64."""

    def from_normal(self, normal: Tensor) -> Tensor:
        """Invert `to_normal`, within nine standard deviations."""


@dataclass(frozen=True)
class MixtureSettings:
    """Settings of a mixture head.

    Attributes:
        kind: name of these settings in presets and model files.
        n_components: components of each one-dimensional mixture. More components resolve finer structure.
        n_hidden: hidden units of each conditioner. More units fit better and run slower.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    kind: Literal["mixture"] = "mixture"
    n_components: Width = 12
    n_hidden: Width = 128

    def build(self, n_context: int, n_dims: int) -> "MixtureHead":
        """Make a head with initial weights."""
        return MixtureHead(n_context, n_dims, n_components=self.n_components, n_hidden=self.n_hidden)


class AutoregressiveMixture:
    """Distribution of a `MixtureHead` for a batch of contexts.

    Args:
        head: head that has the conditioners.
        context: contexts, shape (batch, n_context).
    """

    def __init__(self, head: "MixtureHead", context: Float[Tensor, "batch n_context"]) -> None:
        self._head = head
        self._hidden = head.hidden(context).unflatten(-1, (head.n_dims, -1))
        affine = head.affine(context)
        self._loc, log_scale, self._shear = affine.split([head.n_dims, head.n_dims, head.n_shears], dim=-1)
        self._log_scale = 6.0 * torch.tanh(log_scale / 6.0)

    def _condition_mixture(self, i: int, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute ln weights, means and ln scales of dimension i given the previous ones, each (..., batch, k)."""
        hidden = self._hidden[..., i, :]
        if i:
            hidden = hidden + self._head.before[i - 1](before)
        logits, mean, log_scale = self._head.mixtures[i](nn.functional.gelu(hidden)).chunk(3, dim=-1)
        return logits.log_softmax(-1), mean + self._head.centres, 4.0 * torch.tanh(log_scale / 4.0)

    def log_prob(self, value: Float[Tensor, "*draws batch n_dims"]) -> Float[Tensor, "*draws batch"]:
        """Compute ln p(value | context)."""
        noise = self._whiten(value)
        total = -self._log_scale.sum(-1)
        for i in range(self._head.n_dims):
            log_weight, mean, log_scale = self._condition_mixture(i, noise[..., :i])
            z = (noise[..., i : i + 1] - mean) * (-log_scale).exp()
            terms = log_weight - 0.5 * z.square() - log_scale - 0.5 * math.log(2 * math.pi)
            total = total + terms.logsumexp(-1)
        return total

    def sample(self, n: int, generator: torch.Generator | None = None) -> Float[Tensor, "n batch n_dims"]:
        """Sample `n` draws per context."""
        size: Any = {"size": (n, len(self._loc), 1), "generator": generator, "dtype": self._loc.dtype}
        pairs = [(torch.rand(**size), torch.randn(**size)) for _ in range(self._head.n_dims)]
        uniform, normal = (torch.cat(columns, dim=-1) for columns in zip(*pairs, strict=True))
        return self.transform_noise(uniform, normal)

    def transform_noise(
        self, uniform: Float[Tensor, "n batch n_dims"], normal: Float[Tensor, "n batch n_dims"]
    ) -> Float[Tensor, "n batch n_dims"]:
        """Turn random numbers into draws: `uniform` picks the components of the mixtures, `normal` places within."""
        noise = normal[..., :0]
        for i in range(self._head.n_dims):
            log_weight, mean, log_scale = self._condition_mixture(i, noise)
            pick = (log_weight.exp().cumsum(-1) < uniform[..., i : i + 1]).sum(-1, keepdim=True)
            pick = pick.clamp_max(log_weight.shape[-1] - 1)
            mean, log_scale = (x.expand(normal.shape[0], -1, -1).gather(-1, pick) for x in (mean, log_scale))
            noise = torch.cat([noise, mean + log_scale.exp() * normal[..., i : i + 1]], dim=-1)
        return self._colour(noise)

    def to_normal(self, value: Float[Tensor, "*draws batch n_dims"]) -> Float[Tensor, "*draws batch n_dims"]:
        """Map `value` to independent standard normal variables, float64."""
        noise = self._whiten(value)
        columns = []
        for i in range(self._head.n_dims):
            mixture, place = self._condition_mixture(i, noise[..., :i]), noise[..., i]
            below, above = (_tail_probability(mixture, place, side).clamp_min(_TINY) for side in (1.0, -1.0))
            columns.append(torch.where(below < above, torch.special.ndtri(below), -torch.special.ndtri(above)))
        return torch.stack(columns, dim=-1)

    def from_normal(self, normal: Float[Tensor, "*draws batch n_dims"]) -> Float[Tensor, "*draws batch n_dims"]:
        """Invert `to_normal`, within nine standard deviations."""
        noise = self._loc.new_empty((*normal.shape[:-1], 0))
        for i in range(self._head.n_dims):
            place = _invert_mixture(self._condition_mixture(i, noise), normal[..., i].double())
            noise = torch.cat([noise, place.to(noise.dtype)[..., None]], dim=-1)
        return self._colour(noise)

    def _make_lower(self) -> Tensor:
        """Make the unit lower-triangular matrix U of y = m + exp(log_scale) (U e), shape (batch, n_dims, n_dims)."""
        n = self._head.n_dims
        lower = torch.eye(n, dtype=self._shear.dtype, device=self._shear.device).repeat(self._shear.shape[0], 1, 1)
        rows, columns = torch.tril_indices(n, n, -1)
        lower[:, rows, columns] = self._shear
        return lower

    def _colour(self, noise: Tensor) -> Tensor:
        return self._loc + self._log_scale.exp() * (self._make_lower() @ noise[..., None])[..., 0]

    def _whiten(self, value: Tensor) -> Tensor:
        scaled = ((value - self._loc) * (-self._log_scale).exp())[..., None]
        lower = self._make_lower().expand(*scaled.shape[:-2], -1, -1)
        return torch.linalg.solve_triangular(lower, scaled, upper=False, unitriangular=True)[..., 0]


def _tail_probability(mixture: tuple[Tensor, Tensor, Tensor], place: Tensor, side: Tensor | float) -> Tensor:
    """Compute the probability of mixtures (..., batch, k) below (side 1) or above (side -1) a value (..., batch)."""
    log_weight, mean, log_scale = (part.double() for part in mixture)
    offset = (place.double()[..., None] - mean) * (-log_scale).exp()
    if isinstance(side, Tensor):
        side = side[..., None]
    return (log_weight.exp() * torch.special.ndtr(side * offset)).sum(-1)


def _invert_mixture(mixture: tuple[Tensor, Tensor, Tensor], normal: Tensor) -> Tensor:
    """Find the value (..., batch) of the same cumulative probability as a standard normal value.

    The nearer tail is bisected, so that the result is accurate in both tails.
    """
    _, mean, log_scale = (part.double() for part in mixture)
    reach = 9 * log_scale.exp()
    low, high = ((mean + side * reach).expand(*normal.shape, -1) for side in (-1, 1))
    low, high = low.amin(-1), high.amax(-1)
    side = torch.where(normal < 0, 1.0, -1.0).double()
    wanted = torch.special.ndtr(-normal.abs())
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        left = (_tail_probability(mixture, middle, side) < wanted) == (side > 0)
        low, high = torch.where(left, middle, low), torch.where(left, high, middle)
    return (low + high) / 2


class MixtureHead(nn.Module):
    """Affine map of an autoregressive Gaussian mixture, with parameters that depend on the context.

    Args:
        n_context: length of the context.
        n_dims: number of dimensions of the density.
        n_components: components of each one-dimensional mixture.
        n_hidden: hidden units of each conditioner.

    Example:
        >>> posterior = MixtureSettings().build(8, 4)(torch.zeros(1, 8))
        >>> samples = posterior.sample(1000)
        >>> samples.shape, posterior.log_prob(samples).shape
        (torch.Size([1000, 1, 4]), torch.Size([1000, 1]))
    """

    def __init__(self, n_context: int, n_dims: int, *, n_components: int, n_hidden: int) -> None:
        super().__init__()
        self.n_dims, self.n_shears = n_dims, n_dims * (n_dims - 1) // 2
        self.affine = nn.Linear(n_context, 2 * n_dims + self.n_shears)
        self.hidden = nn.Linear(n_context, n_dims * n_hidden)
        self.before = nn.ModuleList(nn.Linear(i, n_hidden) for i in range(1, n_dims))
        self.mixtures = nn.ModuleList(nn.Linear(n_hidden, 3 * n_components) for _ in range(n_dims))
        self.register_buffer("centres", torch.linspace(-2.0, 2.0, n_components))
        nn.init.zeros_(self.affine.weight)
        nn.init.zeros_(self.affine.bias)

    def forward(self, context: Float[Tensor, "batch n_context"]) -> AutoregressiveMixture:
        """Compute the distribution given each context."""
        return AutoregressiveMixture(self, context)
