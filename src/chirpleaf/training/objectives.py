"""Objectives: the loss that training minimises, one for each kind of estimator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from chirpleaf.models.estimator import Estimator, EstimatorKind
from chirpleaf.models.leaves import LeafEstimator
from chirpleaf.models.posterior import PosteriorEstimator
from chirpleaf.models.targets import LeafTargets
from chirpleaf.networks.defensive import DefensiveMixture
from chirpleaf.training.batch import Batch
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulation import Simulation


@runtime_checkable
class Objective(Protocol):
    """Loss of a network on a batch, and the error of its estimates."""

    def loss(self, network: nn.Module, batch: Batch, step: int | None = None) -> Tensor:
        """Mean loss over a batch.

        Args:
            network: the network in training.
            batch: examples.
            step: number of the step in training; None in validation.

        Returns:
            A scalar.
        """
        ...

    def error(self, network: nn.Module, batch: Batch) -> Tensor | None:
        """Mean relative error of the estimates; None for a network without point estimates.

        Args:
            network: the network in training.
            batch: examples.

        Returns:
            A scalar, or None.
        """
        ...


@dataclass(frozen=True)
class LogScore:
    """Negative log density -E[w ln q(theta | d)] in nats, minimised by the exact posterior (arXiv:1605.06376).

    Examples to which the network assigns almost no density are explained by the background component (see
    `models.estimator`). An untrained network would leave all examples to it, so the first steps are made without it.

    Attributes:
        mixture: the network's density with its background component.
        foreground_steps: steps at the beginning of a training that are made without the background component.
    """

    mixture: DefensiveMixture = field(default_factory=DefensiveMixture)
    foreground_steps: int = 0

    def loss(self, network: nn.Module, batch: Batch, step: int | None = None) -> Tensor:
        """Weighted negative log density in support-aware coordinates; see `Objective.loss`."""
        log_prob = network(batch.tokens).log_prob(batch.target) - batch.log_scale
        if step is None or step >= self.foreground_steps:
            log_prob = self.mixture.log_prob(log_prob, batch.log_background)
        return -(batch.weight * log_prob).mean()

    def error(self, network: nn.Module, batch: Batch) -> None:
        """None, as a density makes no point estimate."""


@dataclass(frozen=True)
class SquaredError:
    """Mean squared error of the scaled targets, summed over the leaves.

    Attributes:
        targets: scales of the targets.
    """

    targets: LeafTargets

    def loss(self, network: nn.Module, batch: Batch, step: int | None = None) -> Tensor:
        """Weighted squared error; see `Objective.loss`."""
        return (batch.weight[:, None] * (_estimates(network, batch) - batch.target).square()).sum(-1).mean()

    def error(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean over examples and leaves of |estimate - truth| / |truth|."""
        return relative_error(self.targets, _estimates(network, batch), batch.target)


@dataclass(frozen=True)
class EvidenceBound:
    """Negative evidence lower bound of all leaves, divided by the number of examples (arXiv:1505.05424), in nats.

        -ELBO / N = -E_q[ln p(y | x, w)] / n + KL(q || p) / N

    for a batch of n out of N examples: each of the N / n batches contributes its share of the divergence.

    Attributes:
        targets: scales of the targets.
        examples: N.
    """

    targets: LeafTargets
    examples: int

    def loss(self, network: nn.Module, batch: Batch, step: int | None = None) -> Tensor:
        """Weighted negative log likelihood with one draw of the weights for each example, plus the divergence."""
        predictions = network(batch.tokens)
        log_prob = torch.stack([one.log_prob(y) for one, y in zip(predictions.values(), batch.target.T, strict=True)])
        divergence = torch.stack([leaf.kl() for leaf in network.leaves.values()])  # type: ignore[operator]
        return -(batch.weight * log_prob).sum(0).mean() + divergence.sum() / self.examples

    def error(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean relative error of the means of the predictive distributions."""
        return relative_error(self.targets, _estimates(network, batch), batch.target)


def _estimates(network: nn.Module, batch: Batch) -> Tensor:
    """Scaled estimates of all leaves, shape (batch, leaf)."""
    return torch.stack(list(network.estimate(batch.tokens).values()), dim=-1)  # type: ignore[operator]


def relative_error(targets: LeafTargets, estimate: Tensor, truth: Tensor) -> Tensor:
    """Mean over examples and leaves of |estimate - truth| / |truth|, in physical units.

    Args:
        targets: scales of the targets.
        estimate: scaled estimates, shape (batch, leaf).
        truth: scaled true values, shape (batch, leaf).

    Returns:
        A scalar.
    """
    estimated, true = (torch.stack(list(targets.inv(scaled).values()), dim=-1) for scaled in (estimate, truth))
    return ((estimated - true) / true).abs().mean()


def make_objective(estimator: Estimator, simulation: Simulation, schedule: Schedule) -> Objective:
    """Makes the objective of an estimator.

    Args:
        estimator: the estimator to train.
        simulation: settings of the data; Bayesian leaves count their examples by the waveforms.
        schedule: settings of the optimisation; a density is trained without background during the warm-up.

    Returns:
        The objective.
    """
    return OBJECTIVES[estimator.kind](estimator, simulation, schedule)


def _log_score(estimator: Estimator, simulation: Simulation, schedule: Schedule) -> Objective:
    return LogScore(cast(PosteriorEstimator, estimator).mixture, foreground_steps=schedule.warmup)


def _squared_error(estimator: Estimator, simulation: Simulation, schedule: Schedule) -> Objective:
    return SquaredError(cast(LeafEstimator, estimator).targets)


def _evidence_bound(estimator: Estimator, simulation: Simulation, schedule: Schedule) -> Objective:
    return EvidenceBound(cast(LeafEstimator, estimator).targets, simulation.waveforms)


OBJECTIVES: Mapping[EstimatorKind, Callable[[Estimator, Simulation, Schedule], Objective]] = {
    "posterior": _log_score,
    "leaves": _squared_error,
    "bayesian-leaves": _evidence_bound,
}
"""Function that makes the objective, for each kind of estimator."""
