"""Estimator: canonical input -> root -> head -> posterior over the intrinsic parameters.

The density works in the support-aware coordinates of the parameters as seen from the best template
(`representation.anchoring`). Template and unit are functions of the data, so it is an exact density of the parameters.
"""

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
    """

    def __init__(
        self, canonical: CanonicalInput, support: SupportMap, anchoring: Anchoring, density: ConditionalDensity
    ) -> None:
        super().__init__()
        self.canonical, self.support, self.anchoring, self.density = canonical, support, anchoring, density

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
        return log_prob.double() + self.support.log_abs_det_jacobian(theta, coordinates)

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
        log_prob = distribution.log_prob(anchored) - self.anchoring.log_unit(canonical.template)
        coordinates = self.anchoring.inv(anchored, canonical.template)
        theta = self.support.inv(coordinates)
        return theta, log_prob.double() + self.support.log_abs_det_jacobian(theta, coordinates)
