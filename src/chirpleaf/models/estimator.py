"""The interface of estimators: preprocessing, training targets and kind of answer.

An estimator turns whitened data into an answer. There are two kinds of answers: draws from a joint posterior together
with their density, which the exact likelihood can correct (`can_propose`), and estimates of single quantities.
"""

from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from chirpleaf.representation.canonical import Canonical, CanonicalInput

EstimatorKind = Literal["posterior", "leaves", "bayesian-leaves"]


@runtime_checkable
class Estimator(Protocol):
    """The trained part of a model with its preprocessing.

    Attributes:
        canonical: the preprocessing, with its templates.
    """

    canonical: CanonicalInput

    @property
    def kind(self) -> EstimatorKind:
        """The kind of answer."""
        ...

    @property
    def can_propose(self) -> bool:
        """Whether it draws from a joint posterior and knows the density of its draws."""
        ...

    @property
    def has_interval_widths(self) -> bool:
        """Whether its intervals have widths that are calibrated after training."""
        ...

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of the parameters it answers for."""
        ...

    @property
    def network(self) -> nn.Module:
        """The part that is trained."""
        ...

    def eval(self) -> "Estimator":
        """Puts the networks into evaluation mode."""
        ...

    def use_bfloat16(self, enabled: bool) -> None:
        """Sets whether matrices are multiplied in bfloat16, as training may do."""
        ...

    def preprocess(
        self, data: Tensor, weights: Tensor, present: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Canonical:
        """The network's input for whitened data.

        Args:
            data: whitened data on the grid, shape (batch, detector, n_bins).
            weights: whitening weights over the reference weights, same shape.
            present: whether each detector is present, shape (batch, detector); all are when None.
            generator: source of the random shifts that training makes, where the estimator has any.
        """
        ...

    def training_target(self, theta: Tensor, canonical: Canonical) -> tuple[Tensor, Tensor, Tensor]:
        """Targets of the training loss.

        Args:
            theta: parameters of the space, shape (batch, d).
            canonical: the network's input.

        Returns:
            Targets, shape (batch, n_targets); ln of the scale that a density of them is to be divided by; and ln of the
            background component's density, its share included; the last two of shape (batch,).
        """
        ...
