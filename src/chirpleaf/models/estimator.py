"""Estimator: canonical input -> root -> head -> posterior over the intrinsic parameters.

The density works in the support-aware coordinates z of the parameters as seen from the best template
(`representation.anchoring`). Template and unit are functions of the data, so it is an exact density of the parameters.

Now and then noise makes another template the best, and the truth lies where the network gives it a density of nothing.
A small share b of the posterior is therefore kept for the whole support,

    q(z | d) = (1 - b) q_network(z | d) + b N(z; 0, 1),

which bounds both the loss of an example and the weight of a draw (defensive importance sampling,
doi:10.1080/00401706.1995.10484303).
"""

import math

import torch
from torch import Tensor, nn

from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.representation.anchoring import Anchoring
from chirpleaf.representation.canonical import Canonical, CanonicalInput
from chirpleaf.representation.coordinates import SupportMap

PARAMETERS = ("chirp_mass", "mass_ratio", "chi_1", "chi_2")
"""What the posterior is over, in order."""


class Estimator(nn.Module):
    """An amortised posterior over `PARAMETERS`.

    Args:
        canonical: the preprocessing, with its templates.
        support: coordinates of the parameters.
        anchoring: these coordinates as seen from a template.
        density: features to a distribution over the anchored coordinates.
        background: share b of the posterior that is spread over the whole support.
    """

    def __init__(
        self,
        canonical: CanonicalInput,
        support: SupportMap,
        anchoring: Anchoring,
        density: ConditionalDensity,
        background: float = 0.0,
    ) -> None:
        super().__init__()
        self.canonical, self.support, self.anchoring, self.density = canonical, support, anchoring, density
        self.background = background

    @property
    def network(self) -> ConditionalDensity:
        """What is trained."""
        return self.density

    def use_bfloat16(self, pays: bool) -> None:
        """Whether search and root multiply matrices in bfloat16, as training may."""
        self.canonical.in_bfloat16 = self.density.in_bfloat16 = pays

    def see(self, data: Tensor, weights: Tensor, generator: torch.Generator | None = None) -> Canonical:
        """The canonical input of whitened data.

        Args:
            data: whitened data on the grid, shape (batch, detector, n_bins).
            weights: whitening weights over the reference weights, same shape.
            generator: not used, for nothing here is random.
        """
        canonical: Canonical = self.canonical(data, weights)
        return canonical

    def target(self, theta: Tensor, canonical: Canonical) -> tuple[Tensor, Tensor, Tensor]:
        """What the density is taught.

        Args:
            theta: `PARAMETERS`, shape (batch, 4), chirp mass in solar masses.
            canonical: canonical input of the batch.

        Returns:
            Anchored coordinates, shape (batch, 4); ln of the unit of the first; and ln of the background's density,
            its share included, both of shape (batch,).
        """
        coordinates = self.support(theta)
        anchored = self.anchoring(coordinates, canonical.template)
        return anchored, self.anchoring.log_unit(canonical.template), self._broad(coordinates).float()

    def log_prob(self, theta: Tensor, canonical: Canonical) -> Tensor:
        """ln q(theta | data).

        Args:
            theta: `PARAMETERS`, shape (..., batch, 4), chirp mass in solar masses.
            canonical: canonical input of the batch.

        Returns:
            Log density per unit of the parameters, shape (..., batch).
        """
        coordinates = self.support(theta)
        anchored = self.anchoring(coordinates, canonical.template)
        log_prob = self.density(canonical.features).log_prob(anchored) - self.anchoring.log_unit(canonical.template)
        return self._whole(log_prob, coordinates) + self.support.log_abs_det_jacobian(theta, coordinates)

    @torch.no_grad()
    def sample(self, canonical: Canonical, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draws from the posterior, with its density.

        Args:
            canonical: canonical input of a batch of data.
            n: number of draws for each.
            generator: source of randomness.

        Returns:
            `PARAMETERS` (chirp mass in solar masses), float64, shape (n, batch, 4); and ln of the density per unit of
            them, shape (n, batch).
        """
        distribution = self.density(canonical.features)
        anchored = distribution.sample(n, generator)
        coordinates = self.anchoring.inv(anchored, canonical.template)
        if self.background:
            anywhere = torch.randn(coordinates.shape, generator=generator, dtype=coordinates.dtype)
            chosen = torch.rand(coordinates.shape[:-1], generator=generator)[..., None] < self.background
            coordinates = torch.where(chosen, anywhere, coordinates)
            anchored = torch.where(chosen, self.anchoring(coordinates, canonical.template), anchored)
        log_prob = distribution.log_prob(anchored) - self.anchoring.log_unit(canonical.template)
        theta = self.support.inv(coordinates)
        return theta, self._whole(log_prob, coordinates) + self.support.log_abs_det_jacobian(theta, coordinates)

    def _whole(self, log_prob: Tensor, coordinates: Tensor) -> Tensor:
        """ln q of support-aware coordinates, by that of the network."""
        return torch.logaddexp(log_prob.double() + math.log1p(-self.background), self._broad(coordinates))

    def _broad(self, coordinates: Tensor) -> Tensor:
        """ln of the background's density at support-aware coordinates (..., 4), its share included."""
        if not self.background:
            return coordinates.new_full(coordinates.shape[:-1], -torch.inf)
        normal = -0.5 * coordinates.square() - 0.5 * math.log(2 * math.pi)
        return normal.sum(-1) + math.log(self.background)
