"""Leaf estimator: canonical input or time series -> root -> leaves -> one quantity each (arXiv:1903.01998)."""

import torch
from torch import Tensor, nn

from chirpleaf.errors import InputError
from chirpleaf.models.targets import LeafTargets
from chirpleaf.networks.bayesian import Predictive
from chirpleaf.networks.leaves import BayesianLeaf, RootLeaves
from chirpleaf.representation.canonical import Canonical, CanonicalInput
from chirpleaf.representation.series import SeriesInput


class LeafEstimator(nn.Module):
    """Estimates of single quantities.

    The canonical search is made in any case: it says when and how loud the signal is. What the root sees of the data is
    the canonical input or, with `series`, the whitened time series.

    Args:
        canonical: the preprocessing, with its templates.
        targets: the quantities and their scales.
        network: root and leaves.
        series: time series that the root sees in place of the canonical input.
    """

    def __init__(
        self,
        canonical: CanonicalInput,
        targets: LeafTargets,
        network: RootLeaves,
        series: SeriesInput | None = None,
    ) -> None:
        super().__init__()
        self.canonical, self.targets, self.network, self.series = canonical, targets, network, series

    def place(self, leaf: str) -> int:
        """Which of the leaves a name is of.

        Raises:
            InputError: none.
        """
        if leaf not in self.targets.names:
            raise InputError(f"expected a leaf of {', '.join(self.targets.names)}; got {leaf}: name one of them")
        return self.targets.names.index(leaf)

    @property
    def bayesian(self) -> bool:
        """Whether the leaves' weights are distributions."""
        return any(isinstance(leaf, BayesianLeaf) for leaf in self.network.leaves.values())

    def use_bfloat16(self, pays: bool) -> None:
        """Whether the search multiplies matrices in bfloat16, as training may; roots of leaves gain nothing by it."""
        self.canonical.in_bfloat16 = pays

    def see(self, data: Tensor, weights: Tensor, generator: torch.Generator | None = None) -> Canonical:
        """What the network sees of whitened data.

        Args:
            data: whitened data on the grid, shape (batch, detector, n_bins).
            weights: whitening weights over the reference weights, same shape.
            generator: moves time series at random, as training does (`SeriesInput`).
        """
        canonical: Canonical = self.canonical(data, weights)
        return canonical if self.series is None else canonical._replace(features=self.series(data, generator))

    def target(self, theta: Tensor, canonical: Canonical) -> tuple[Tensor, Tensor, Tensor]:
        """What the leaves are taught.

        Args:
            theta: chirp_mass (solar masses), mass_ratio, chi_1, chi_2, shape (batch, 4).
            canonical: what the network sees of the batch.

        Returns:
            Scaled targets, shape (batch, leaf); zeros and -inf, both of shape (batch,): they have no unit of their own
            and no background.
        """
        return self.targets(theta), torch.zeros(len(theta)), torch.full((len(theta),), -torch.inf)

    @torch.no_grad()
    def estimate(self, canonical: Canonical) -> dict[str, Tensor]:
        """Point estimates: name to values, shape (batch,), in the quantities' units."""
        return self.targets.inv(torch.stack(list(self.network.estimate(canonical.features).values()), dim=-1))

    @torch.no_grad()
    def predictive(
        self, canonical: Canonical, n_weights: int, generator: torch.Generator | None = None
    ) -> dict[str, Predictive]:
        """Posterior predictives of Bayesian leaves, in scaled coordinates.

        Args:
            canonical: what the network sees of a batch.
            n_weights: draws of the weights.
            generator: source of randomness.
        """
        return self.network.predictive(canonical.features, n_weights, generator)
