"""Objectives: what training lowers, for each kind of network."""

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from chirpleaf.models.targets import LeafTargets
from chirpleaf.networks.defensive import DefensiveMixture
from chirpleaf.training.batch import Batch


class Objective(Protocol):
    """What the engine asks of an objective."""

    def loss(self, network: nn.Module, batch: Batch, step: int | None = None) -> Tensor:
        """What is lowered, a mean over the batch; at a step of the training, or as it is validated when None."""
        ...

    def error(self, network: nn.Module, batch: Batch) -> Tensor | None:
        """Mean relative error of the network's estimates; None where it makes none."""
        ...


@dataclass(frozen=True)
class LogScore:
    """-E[w ln q(theta | d)], whose minimum is the exact posterior (arXiv:1605.06376); nats.

    An example that the network gives next to nothing is left to the background (see `models.estimator`). A network that
    has learnt nothing yet would leave it all of them, so for the first batches it must do without.

    Attributes:
        mixture: the defensive mixture.
        alone: batches for which the network does without it.
    """

    mixture: DefensiveMixture = field(default_factory=DefensiveMixture)
    alone: int = 0

    def loss(self, network: nn.Module, batch: Batch, step: int | None = None) -> Tensor:
        """Weighted negative log density in support-aware coordinates."""
        log_prob = network(batch.features).log_prob(batch.target) - batch.log_unit
        if step is None or step >= self.alone:
            log_prob = self.mixture.log_prob(log_prob, batch.broad)
        return -(batch.weight * log_prob).mean()

    def error(self, network: nn.Module, batch: Batch) -> None:
        """A density makes no estimate."""


@dataclass(frozen=True)
class SquaredError:
    """Mean squared error of scaled targets, summed over the leaves.

    Attributes:
        targets: their scales.
    """

    targets: LeafTargets

    def loss(self, network: nn.Module, batch: Batch, step: int | None = None) -> Tensor:
        """Weighted squared error."""
        return (batch.weight[:, None] * (_estimates(network, batch) - batch.target).square()).sum(-1).mean()

    def error(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean over examples and leaves of |estimate - truth| / |truth|."""
        return relative_error(self.targets, _estimates(network, batch), batch.target)


@dataclass(frozen=True)
class EvidenceBound:
    """The negative evidence lower bound of every leaf over the number of examples (arXiv:1505.05424), nats.

        -ELBO / N = -E_q[ln p(y | x, w)] / n + KL(q || p) / N,

    for a batch of n out of N examples: as there are N / n batches, each carries its part of the divergence.

    Attributes:
        targets: scales of the targets.
        examples: N.
    """

    targets: LeafTargets
    examples: int

    def loss(self, network: nn.Module, batch: Batch, step: int | None = None) -> Tensor:
        """Weighted negative log likelihood by one draw of the weights for each example, and the divergence."""
        found = network(batch.features)
        log_prob = torch.stack([one.log_prob(y) for one, y in zip(found.values(), batch.target.T, strict=True)])
        divergence = torch.stack([leaf.kl() for leaf in network.leaves.values()])  # type: ignore[operator]
        return -(batch.weight * log_prob).sum(0).mean() + divergence.sum() / self.examples

    def error(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean relative error of the predictives' means."""
        return relative_error(self.targets, _estimates(network, batch), batch.target)


def _estimates(network: nn.Module, batch: Batch) -> Tensor:
    """Scaled estimates of all leaves, shape (batch, leaf)."""
    return torch.stack(list(network.estimate(batch.features).values()), dim=-1)  # type: ignore[operator]


def relative_error(targets: LeafTargets, estimate: Tensor, truth: Tensor) -> Tensor:
    """Mean over examples and leaves of |estimate - truth| / |truth| in the quantities' units.

    Args:
        targets: scales.
        estimate: scaled, shape (batch, leaf).
        truth: scaled, shape (batch, leaf).
    """
    found, true = (torch.stack(list(targets.inv(scaled).values()), dim=-1) for scaled in (estimate, truth))
    return ((found - true) / true).abs().mean()
