"""Leaves: small networks on a shared root, one for each quantity (arXiv:1903.01998).

A leaf has three dense layers. The second has no non-linearity, so that more neurons pass their gradient on to the last
one. In a `BayesianLeaf` the weights of the last two are distributions; every leaf is a probabilistic model of its own,
and the root a deterministic feature extractor.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chirpleaf.networks.bayesian import BayesianLinear, Predictive
from chirpleaf.networks.subnetwork import FilterLayer
from chirpleaf.system.constraints import FORBID_EXTRA, Fraction, PositiveFloat, PositiveInt
from chirpleaf.tokens import Tokens

_LOWEST, _HIGHEST = -6.0, 3.0
"""Of ln(scale): what a Gaussian likelihood may be, in units of the target."""


@dataclass(frozen=True)
class LeafSettings:
    """Leaves that estimate one quantity each.

    Attributes:
        kind: name of these settings in presets and model files.
        names: the quantities.
        width: neurons of the first two layers: more fit better and run slower.
        dropout: share of them that training leaves out: more keeps from overfitting and slows learning.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    names: tuple[str, ...]
    kind: Literal["leaves"] = "leaves"
    width: PositiveInt = 128
    dropout: Fraction = 0.1

    def build(self, n_inputs: int) -> "Leaf":
        """A leaf with fresh weights on a root of `n_inputs` features."""
        return Leaf(n_inputs, width=self.width, dropout=self.dropout)


@dataclass(frozen=True)
class BayesianLeafSettings:
    """Leaves with random weights in their last two layers, a Gaussian for each quantity.

    Attributes:
        kind: name of these settings in presets and model files.
        names: the quantities.
        width: as of `LeafSettings`.
        dropout: as of `LeafSettings`, in the first layer.
        scale: "sample" where the Gaussian's scale is learnt for each sample, "leaf" where all samples share it.
        prior_scale: standard deviation of the weights' prior: a small one regularises more.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    names: tuple[str, ...]
    kind: Literal["bayesian-leaves"] = "bayesian-leaves"
    width: PositiveInt = 128
    dropout: Fraction = 0.1
    scale: Literal["sample", "leaf"] = "sample"
    prior_scale: PositiveFloat = 1.0

    def build(self, n_inputs: int) -> "BayesianLeaf":
        """A leaf with fresh weights on a root of `n_inputs` features."""
        return BayesianLeaf(
            n_inputs, width=self.width, dropout=self.dropout, scale=self.scale, prior_scale=self.prior_scale
        )


class Leaf(nn.Module):
    """A point estimate.

    Args:
        n_inputs: length of the root's features.
        width: neurons of the first two layers.
        dropout: share of them that training leaves out.

    Example:
        >>> LeafSettings(("mass_1",)).build(64)(torch.zeros(5, 64)).shape
        torch.Size([5])
    """

    def __init__(self, n_inputs: int, *, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_inputs, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.Dropout(dropout),
            nn.Linear(width, 1),
        )

    def forward(self, features: Float[Tensor, "batch n_inputs"]) -> Float[Tensor, " batch"]:
        """The estimate for each row of features."""
        return self.layers(features)[:, 0]

    def estimate(self, features: Float[Tensor, "batch n_inputs"]) -> Float[Tensor, " batch"]:
        """The estimate, by the name that Bayesian leaves have for theirs."""
        estimate: Tensor = self(features)
        return estimate

    @property
    def entrance(self) -> nn.Module:
        """The layer that takes the features."""
        return self.layers[0]


class BayesianLeaf(nn.Module):
    """A Gaussian whose mean, and with `scale="sample"` whose scale, come from layers of random weights.

    Args:
        n_inputs: length of the root's features.
        width: neurons of the first two layers.
        dropout: share of the first layer's that training leaves out.
        scale: "sample" where the Gaussian's scale is learnt for each sample, "leaf" where all samples share it.
        prior_scale: see `BayesianLinear`.

    Attributes:
        width: factor on the Gaussian's scale, which no gradient moves; 1 until it is settled by coverage
            (`training.widths`).

    Example:
        >>> leaf = BayesianLeafSettings(("mass_1",)).build(64).eval()
        >>> leaf.predictive(torch.zeros(5, 64), 1000).epistemic.shape
        torch.Size([5])
    """

    width: Tensor

    def __init__(
        self,
        n_inputs: int,
        *,
        width: int,
        dropout: float,
        scale: Literal["sample", "leaf"],
        prior_scale: float,
    ) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(n_inputs, width), nn.ReLU(), nn.Dropout(dropout))
        self.second = BayesianLinear(width, width, prior_scale=prior_scale)
        self.last = BayesianLinear(width, 2 if scale == "sample" else 1, prior_scale=prior_scale)
        self.log_scale = nn.Parameter(torch.zeros(())) if scale == "leaf" else None
        self.register_buffer("width", torch.ones(()))

    def forward(self, features: Float[Tensor, "batch n_inputs"]) -> torch.distributions.Normal:
        """The distribution of each row, by weights drawn anew for it."""
        return torch.distributions.Normal(*self._parts(self.second(self.first(features)), None))

    def predictive(
        self, features: Float[Tensor, "batch n_inputs"], n: int, generator: torch.Generator | None = None
    ) -> Predictive:
        """The posterior predictive by `n` draws of the weights."""
        hidden = self.second.sample(self.first(features), n, generator)
        return Predictive(*self._parts(hidden, generator))

    def estimate(self, features: Float[Tensor, "batch n_inputs"]) -> Float[Tensor, " batch"]:
        """Mean of the predictive: exact by the mean weights, for both random layers are linear."""
        return self.last.expected(self.second.expected(self.first(features)))[:, 0]

    @property
    def entrance(self) -> nn.Module:
        """The layer that takes the features."""
        return self.first[0]

    def kl(self) -> Float[Tensor, ""]:
        """KL of all random weights from their prior, nats."""
        return self.second.kl() + self.last.kl()

    def _parts(self, hidden: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Mean and scale, both of the shape of `hidden` but for its last dimension."""
        out = self.last(hidden, generator)
        log_scale = self.log_scale.expand(out.shape[:-1]) if self.log_scale is not None else out[..., 1]
        return out[..., 0], log_scale.clamp(_LOWEST, _HIGHEST).exp() * self.width

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        """Takes also what was kept before widths were settled."""
        state_dict.setdefault(f"{prefix}width", torch.ones(()))
        super()._load_from_state_dict(state_dict, prefix, *others)


class RootLeaves(nn.Module):
    """A root and the leaves that share it: `network(tokens)` has one entry for each leaf.

    Args:
        root: encoded tokens to features.
        names: of the leaves.
        leaf: makes a leaf.
        encoder: tokens to the root's input; without one, the root takes what the network is given.

    Example:
        >>> from chirpleaf.networks.residual import ResidualNetwork
        >>> leaf = LeafSettings(("mass_1", "mass_2"), width=4)
        >>> network = RootLeaves(ResidualNetwork(10, 8, width=16, hidden=[16]), leaf.names, lambda: leaf.build(8))
        >>> {name: estimate.shape for name, estimate in network(torch.zeros(3, 10)).items()}
        {'mass_1': torch.Size([3]), 'mass_2': torch.Size([3])}
    """

    def __init__(
        self,
        root: nn.Module,
        names: Sequence[str],
        leaf: Callable[[], nn.Module],
        encoder: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder or nn.Identity()
        self.root, self.leaves = root, nn.ModuleDict({name: leaf() for name in names})

    @property
    def layers(self) -> list[FilterLayer]:
        """The root's filters, layer by layer."""
        return self.root.layers  # type: ignore[return-value]

    def entrance(self, name: str) -> nn.Linear:
        """The layer of a leaf that takes the features."""
        return self.leaves[name].entrance  # type: ignore[return-value]

    def forward(self, tokens: Tokens | Tensor) -> dict[str, Tensor | torch.distributions.Normal]:
        """The output of each leaf, by name."""
        features = self.root(self.encoder(tokens))
        return {name: leaf(features) for name, leaf in self.leaves.items()}

    def estimate(self, tokens: Tokens | Tensor) -> dict[str, Tensor]:
        """The point estimate of each leaf, by name, each of shape (batch,)."""
        features = self.root(self.encoder(tokens))
        return {name: leaf.estimate(features) for name, leaf in self.leaves.items()}  # type: ignore[operator]

    def predictive(
        self, tokens: Tokens | Tensor, n: int, generator: torch.Generator | None = None
    ) -> dict[str, Predictive]:
        """Posterior predictives of Bayesian leaves by `n` draws of the weights, by name."""
        features = self.root(self.encoder(tokens))
        leaves = self.leaves.items()
        return {name: leaf.predictive(features, n, generator) for name, leaf in leaves}  # type: ignore[operator]
