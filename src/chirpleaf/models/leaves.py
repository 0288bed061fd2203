"""Leaf estimator: canonical input or time series -> root -> leaves -> one quantity each (arXiv:1903.01998)."""

import torch
from torch import Tensor, nn

from chirpleaf.errors import InputError
from chirpleaf.models.estimator import EstimatorKind
from chirpleaf.models.targets import LeafTargets
from chirpleaf.networks.bayesian import Predictive
from chirpleaf.networks.leaves import BayesianLeaf, RootLeaves
from chirpleaf.networks.series import SeriesRoot
from chirpleaf.representation.canonical import Canonical, CanonicalInput
from chirpleaf.representation.compressed import CompressedSeries
from chirpleaf.representation.series import SeriesInput, make_tokens


class LeafEstimator(nn.Module):
    """Estimates of single quantities; implements `models.estimator.Estimator`.

    The template search is always made: it gives the arrival time and the signal-to-noise ratio. The input of the root
    is the canonical input or, with `series`, the whitened time series.

    Args:
        canonical: the preprocessing, with its templates.
        targets: the quantities and their scales.
        network: root and leaves.
        series: time series that the root takes in place of the canonical input.
    """

    can_propose = False

    def __init__(
        self,
        canonical: CanonicalInput,
        targets: LeafTargets,
        network: RootLeaves,
        series: SeriesInput | CompressedSeries | None = None,
    ) -> None:
        super().__init__()
        self.canonical, self.targets, self.network, self.series = canonical, targets, network, series
        self.has_interval_widths = any(isinstance(leaf, BayesianLeaf) for leaf in network.leaves.values())
        self.kind: EstimatorKind = "bayesian-leaves" if self.has_interval_widths else "leaves"

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of the leaves, in order."""
        return self.targets.names

    def check_leaf(self, leaf: str) -> None:
        """Checks that a leaf exists.

        Raises:
            InputError: the model has no such leaf.
        """
        if leaf not in self.targets.names:
            raise InputError(f"expected a leaf of {', '.join(self.targets.names)}; got {leaf}: name one of them")

    def use_bfloat16(self, enabled: bool) -> None:
        """Sets whether the template search, and convolutions that may, multiply in bfloat16.

        A residual root does not, as it gains nothing.
        """
        self.canonical.in_bfloat16 = enabled
        if isinstance(self.network.root, SeriesRoot):
            self.network.root.use_bfloat16(enabled)

    def preprocess(
        self, data: Tensor, weights: Tensor, present: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Canonical:
        """The network's input for whitened data; see `Estimator.preprocess`.

        Args:
            data: whitened data on the grid, shape (batch, detector, n_bins).
            weights: whitening weights over the reference weights, same shape.
            present: whether each detector is present, shape (batch, detector); all are when None.
            generator: shifts time series by random times, as training does (`SeriesSettings.arrival`).
        """
        canonical: Canonical = self.canonical(data, weights, present)
        if self.series is None:
            return canonical
        if isinstance(self.series, CompressedSeries):
            series = self.series(canonical, generator)
        else:
            series = self.series(data, generator, canonical)
        return canonical._replace(tokens=make_tokens(series, canonical, self.series.settings, self.canonical.n_bands))

    def training_target(self, theta: Tensor, canonical: Canonical) -> tuple[Tensor, Tensor, Tensor]:
        """Targets of the leaves.

        Args:
            theta: parameters of the space, shape (batch, d).
            canonical: the network's input.

        Returns:
            Scaled targets, shape (batch, leaf); zeros and minus infinity, both of shape (batch,): leaves have no
            further scale and no background component.
        """
        return self.targets(theta), torch.zeros(len(theta)), torch.full((len(theta),), -torch.inf)

    @torch.no_grad()
    def estimate(self, canonical: Canonical) -> dict[str, Tensor]:
        """Point estimates: name to values, shape (batch,), in the quantities' units."""
        return self.targets.inv(torch.stack(list(self.network.estimate(canonical.tokens).values()), dim=-1))

    @torch.no_grad()
    def predictive(
        self, canonical: Canonical, n_weights: int, generator: torch.Generator | None = None
    ) -> dict[str, Predictive]:
        """Posterior predictives of Bayesian leaves, in scaled coordinates.

        Args:
            canonical: the network's input.
            n_weights: draws of the weights.
            generator: source of randomness.
        """
        return self.network.predictive(canonical.tokens, n_weights, generator)
