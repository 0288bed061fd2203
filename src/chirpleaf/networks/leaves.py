"""Leaves: small networks on a shared root, one for each quantity (arXiv:1903.01998).

A leaf has three dense layers. The second layer has no activation function, so that gradients reach more neurons. In a
`BayesianLeaf` the weights of the last two layers are random variables. Each leaf is a separate probabilistic model; the
root is a deterministic feature extractor.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from chirpleaf.networks.bayesian import BayesianLinear, Predictive
from chirpleaf.networks.filters import FilterLayer
from chirpleaf.system.constraints import FORBID_EXTRA, Fraction, PositiveFloat, Width
from chirpleaf.tokens import Tokens

_LOWEST, _HIGHEST = -6.0, 3.0
"""Bounds of ln(standard deviation) of the Gaussian likelihood, in units of the target."""


@dataclass(frozen=True)
class LeafSettings:
    """Settings of deterministic leaves.

    Attributes:
        kind: name of these settings in presets and model files.
        names: quantities, one leaf each.
        width: neurons of the first two layers. A larger width fits better and runs slower.
        dropout: dropout probability in these layers. A larger value reduces overfitting and slows learning.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    names: tuple[str, ...]
    kind: Literal["leaves"] = "leaves"
    width: Width = 128
    dropout: Fraction = 0.1

    def build(self, n_inputs: int) -> "Leaf":
        """Make a leaf with initial weights on a root with `n_inputs` features."""
        return Leaf(n_inputs, width=self.width, dropout=self.dropout)


@dataclass(frozen=True)
class BayesianLeafSettings:
    """Settings of Bayesian leaves, with random weights in the last two layers and a Gaussian likelihood.

    Attributes:
        kind: name of these settings in presets and model files.
        names: quantities, one leaf each.
        width: as for `LeafSettings`.
        dropout: dropout probability in the first layer, as for `LeafSettings`.
        scale: "sample" to predict the standard deviation of the likelihood for each example, "leaf" to learn one value.
        prior_scale: standard deviation of the prior of the weights. A smaller value regularises more.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    names: tuple[str, ...]
    kind: Literal["bayesian-leaves"] = "bayesian-leaves"
    width: Width = 128
    dropout: Fraction = 0.1
    scale: Literal["sample", "leaf"] = "sample"
    prior_scale: PositiveFloat = 1.0

    def build(self, n_inputs: int) -> "BayesianLeaf":
        """Make a leaf with initial weights on a root with `n_inputs` features."""
        return BayesianLeaf(
            n_inputs, width=self.width, dropout=self.dropout, scale=self.scale, prior_scale=self.prior_scale
        )


class Leaf(nn.Module):
    """Deterministic leaf: a point estimate of one quantity.

    Args:
        n_inputs: number of features of the root.
        width: neurons of the first two layers.
        dropout: dropout probability in these layers.

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
        """Estimate the quantity for each row of features."""
        return self.layers(features)[:, 0]

    def estimate(self, features: Float[Tensor, "batch n_inputs"]) -> Float[Tensor, " batch"]:
        """Estimate the quantity for each row of features without dropout; the common interface with Bayesian leaves."""
        for layer in self.layers:
            if not isinstance(layer, nn.Dropout):
                features = layer(features)
        return features[:, 0]

    @property
    def input_layer(self) -> nn.Module:
        """The first layer."""
        return self.layers[0]


class BayesianLeaf(nn.Module):
    """Bayesian leaf: a Gaussian likelihood whose mean (and standard deviation) depend on random weights.

    Args:
        n_inputs: number of features of the root.
        width: neurons of the first two layers.
        dropout: dropout probability in the first layer.
        scale: "sample" to predict the standard deviation for each example, "leaf" to learn one value.
        prior_scale: see `BayesianLinear`.

    Attributes:
        interval_scale: factor on the standard deviation, a buffer that is not trained. It is 1 until the intervals are
            calibrated after training (`chirpleaf.training.calibration`).

    Example:
        >>> leaf = BayesianLeafSettings(("mass_1",)).build(64).eval()
        >>> leaf.predictive(torch.zeros(5, 64), 1000).epistemic.shape
        torch.Size([5])
    """

    interval_scale: Tensor

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
        self.register_buffer("interval_scale", torch.ones(()))

    def forward(self, features: Float[Tensor, "batch n_inputs"]) -> torch.distributions.Normal:
        """Compute the likelihood for each row, with independent random weights."""
        return torch.distributions.Normal(*self._mean_and_scale(self.last(self.second(self.first(features)))))

    def predictive(
        self, features: Float[Tensor, "batch n_inputs"], n: int, generator: torch.Generator | None = None
    ) -> Predictive:
        """Compute the posterior predictive distribution with `n` draws of the weights."""
        hidden = self.second.sample(self.first(features), n, generator)
        return Predictive(*self._mean_and_scale(self.last(hidden, generator)))

    def transform_noise(
        self,
        features: Float[Tensor, "batch n_inputs"],
        second: Float[Tensor, "n batch width"],
        last: Float[Tensor, "n batch n_outputs"],
    ) -> Predictive:
        """Compute `predictive` with standard normal numbers in place of random weights, one array for each layer."""
        hidden = self.second.transform_noise(self.first(features), second)
        return Predictive(*self._mean_and_scale(self.last.transform_noise(hidden, last)))

    def estimate(self, features: Float[Tensor, "batch n_inputs"]) -> Float[Tensor, " batch"]:
        """Compute the posterior predictive mean; the mean weights give it exactly, because the layers are linear."""
        return self.last.expected(self.second.expected(self.first(features)))[:, 0]

    @property
    def input_layer(self) -> nn.Module:
        """The first layer."""
        return self.first[0]

    def kl(self) -> Float[Tensor, ""]:
        """Compute the KL divergence of all random weights from their prior, in nats."""
        return self.second.kl() + self.last.kl()

    def _mean_and_scale(self, out: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation from the outputs (..., 1 or 2) of the last layer, each of shape (...)."""
        log_scale = self.log_scale.expand(out.shape[:-1]) if self.log_scale is not None else out[..., 1]
        return out[..., 0], log_scale.clamp(_LOWEST, _HIGHEST).exp() * self.interval_scale

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        """Load weights, also of former versions, which called the scale `width` or had none."""
        scale = state_dict.pop(f"{prefix}width", torch.ones(()))
        state_dict.setdefault(f"{prefix}interval_scale", scale)
        super()._load_from_state_dict(state_dict, prefix, *others)


class RootLeaves(nn.Module):
    """A root and the leaves that share it: `network(tokens)` has one entry per leaf.

    Args:
        root: maps encoded tokens to features.
        names: names of the leaves.
        leaf: function that makes a leaf.
        encoder: maps tokens to the input of the root; None if the root takes the input of the network.

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
        """Filters of the root, by layer."""
        return self.root.layers  # type: ignore[return-value]

    def input_layer(self, name: str) -> nn.Linear:
        """Get the first layer of a leaf."""
        return self.leaves[name].input_layer  # type: ignore[return-value]

    def forward(self, tokens: Tokens | Tensor) -> dict[str, Tensor | torch.distributions.Normal]:
        """Compute the output of each leaf, by name."""
        features = self.root(self.encoder(tokens))
        return {name: leaf(features) for name, leaf in self.leaves.items()}

    def estimate(self, tokens: Tokens | Tensor) -> dict[str, Tensor]:
        """Compute the point estimate of each leaf, by name, each of shape (batch,)."""
        features = self.root(self.encoder(tokens))
        return {name: leaf.estimate(features) for name, leaf in self.leaves.items()}  # type: ignore[operator]

    def predictive(
        self, tokens: Tokens | Tensor, n: int, generator: torch.Generator | None = None
    ) -> dict[str, Predictive]:
        """Compute the posterior predictive of each Bayesian leaf with `n` draws of the weights, by name."""
        features = self.root(self.encoder(tokens))
        leaves = self.leaves.items()
        return {name: leaf.predictive(features, n, generator) for name, leaf in leaves}  # type: ignore[operator]
