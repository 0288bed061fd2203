"""The amortised posterior: canonical input -> root -> head -> density of the parameters of a space.

The density works in anchored coordinates (`representation.anchoring`): the unconstrained coordinates of the parameter
space relative to the best template. Template and scale are functions of the data, so it is an exact density of the
parameters. A defensive mixture (`networks.defensive`) gives the whole support a small share of the density.
"""

import torch
from torch import Tensor, nn

from chirpleaf.models.estimator import EstimatorKind
from chirpleaf.networks.defensive import DefensiveMixture
from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.networks.heads import ConditionalDistribution
from chirpleaf.physics.bijections import Bijection
from chirpleaf.physics.spaces import ParameterSpace
from chirpleaf.representation.anchoring import Anchoring
from chirpleaf.representation.canonical import Canonical, CanonicalInput


class PosteriorEstimator(nn.Module):
    """An amortised posterior over the parameters of a space; implements `models.estimator.Estimator`.

    Args:
        canonical: the preprocessing, with its templates.
        space: the parameters and their coordinates.
        anchoring: unconstrained coordinates relative to a template.
        density: tokens to a distribution over the anchored coordinates.
        background: share of the standard normal component of the defensive mixture.
    """

    kind: EstimatorKind = "posterior"
    can_propose = True
    has_interval_widths = False

    def __init__(
        self,
        canonical: CanonicalInput,
        space: ParameterSpace,
        anchoring: Anchoring,
        density: ConditionalDensity,
        background: float = 0.0,
    ) -> None:
        super().__init__()
        self.canonical, self.space, self.anchoring, self.density = canonical, space, anchoring, density
        self.mixture = DefensiveMixture(background)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return self.space.names

    @property
    def network(self) -> ConditionalDensity:
        """The part that is trained."""
        return self.density

    def use_bfloat16(self, enabled: bool) -> None:
        """Sets whether template search and root multiply matrices in bfloat16, as training may do."""
        self.canonical.in_bfloat16 = self.density.in_bfloat16 = enabled

    def preprocess(
        self, data: Tensor, weights: Tensor, present: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Canonical:
        """The canonical input of whitened data; see `Estimator.preprocess`. Nothing in it is random.

        Args:
            data: whitened data on the grid, shape (batch, detector, n_bins).
            weights: whitening weights over the reference weights, same shape.
            present: whether each detector is present, shape (batch, detector); all are when None.
            generator: not used.
        """
        canonical: Canonical = self.canonical(data, weights, present)
        return canonical

    def training_target(self, theta: Tensor, canonical: Canonical) -> tuple[Tensor, Tensor, Tensor]:
        """Targets of the density.

        Args:
            theta: parameters of the space, shape (batch, d).
            canonical: canonical input of the batch.

        Returns:
            Anchored coordinates, shape (batch, d), float32; ln of the scale of the anchored one; and ln of the
            background component's density, its share included; both of shape (batch,), float32.
        """
        z = self.space.bijection(theta)
        anchor = self.anchoring.at(canonical.template)
        log_scale = -anchor.log_abs_det_jacobian(z, z)
        return anchor(z).float(), log_scale.float(), self.mixture.log_background(z).float()

    def log_prob(self, theta: Tensor, canonical: Canonical) -> Tensor:
        """ln q(theta | data).

        Args:
            theta: parameters of the space, shape (..., batch, d), in the units of `physics.parameters`.
            canonical: canonical input of the batch.

        Returns:
            Log density per unit of the parameters, float64, shape (..., batch).
        """
        z = self.space.bijection(theta)
        log_prob = self._log_prob(z, self.density(canonical.tokens), self.anchoring.at(canonical.template))
        return log_prob + self.space.bijection.log_abs_det_jacobian(theta, z)

    @torch.no_grad()
    def sample(self, canonical: Canonical, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draws from the posterior, with their density.

        Args:
            canonical: canonical input of a batch of data.
            n: number of draws for each.
            generator: source of randomness.

        Returns:
            Parameters, float64, shape (n, batch, d), in the units of `physics.parameters`; and ln of the density per
            unit of them, shape (n, batch).
        """
        distribution, anchor = self.density(canonical.tokens), self.anchoring.at(canonical.template)
        z = self.mixture.sample(anchor.inv(distribution.sample(n, generator)), generator)
        theta = self.space.bijection.inv(z)
        log_prob = self._log_prob(z, distribution, anchor)
        return theta, log_prob + self.space.bijection.log_abs_det_jacobian(theta, z)

    def _log_prob(self, z: Tensor, distribution: ConditionalDistribution, anchor: Bijection) -> Tensor:
        """ln q at unconstrained coordinates (..., batch, d); the network's part in the network's single precision."""
        log_prob = distribution.log_prob(anchor(z).float()) + anchor.log_abs_det_jacobian(z, z).float()
        return self.mixture.log_prob(log_prob.double(), self.mixture.log_background(z))
