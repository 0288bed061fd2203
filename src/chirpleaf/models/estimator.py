"""Estimator: canonical input -> root -> head -> posterior over the intrinsic parameters.

The density works in coordinates anchored at the best template: of the support-aware coordinates z of the parameters,
the first (ln chirp mass) is measured from the template's, in units of the spacing of the templates there,

    y_1 = (z_1 - z_1(M_c of template k)) / spacing_k,      y_i = z_i  otherwise,

so the network says how the data differ from a chirp it already knows. The spacing shrinks with the phase that a chirp
gathers; without it a light binary's chirp mass would need an output accurate to a thousandth of its range.
"""

import torch
from torch import Tensor, nn

from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.representation.canonical import Canonical, CanonicalInput
from chirpleaf.representation.coordinates import SupportMap

PARAMETERS = ("chirp_mass", "mass_ratio", "chi_1", "chi_2")
"""What the posterior is over, in order."""


class Estimator(nn.Module):
    """An amortised posterior over `PARAMETERS`.

    Args:
        canonical: the preprocessing, with its templates.
        support: coordinates of the parameters.
        density: features to a distribution over the anchored coordinates.
    """

    anchor: Tensor
    spacing: Tensor

    def __init__(self, canonical: CanonicalInput, support: SupportMap, density: ConditionalDensity) -> None:
        super().__init__()
        self.canonical, self.support, self.density = canonical, support, density
        rungs, place = canonical.chirp_mass.unique(return_inverse=True)
        anchors = support.log_mass_coordinate(rungs)
        (spacing,) = torch.gradient(anchors)
        self.register_buffer("anchor", anchors[place].float(), persistent=False)
        self.register_buffer("spacing", spacing[place].float(), persistent=False)

    def anchored(self, coordinates: Tensor, template: Tensor) -> Tensor:
        """Support-aware coordinates (..., batch, 4) seen from the templates (batch,)."""
        first = (coordinates[..., :1] - self.anchor[template][:, None]) / self.spacing[template][:, None]
        return torch.cat([first, coordinates[..., 1:]], dim=-1)

    def unanchored(self, anchored: Tensor, template: Tensor) -> Tensor:
        """Inverse of `anchored`."""
        first = self.anchor[template][:, None] + anchored[..., :1] * self.spacing[template][:, None]
        return torch.cat([first, anchored[..., 1:]], dim=-1)

    def log_prob(self, theta: Tensor, canonical: Canonical) -> Tensor:
        """ln q(theta | data).

        Args:
            theta: `PARAMETERS`, shape (..., batch, 4), chirp mass in solar masses.
            canonical: canonical input of the batch.

        Returns:
            Log density per unit of the parameters, shape (..., batch).
        """
        coordinates = self.support(theta)
        anchored = self.anchored(coordinates.float(), canonical.template)
        log_prob = self.density(canonical.features).log_prob(anchored) - self.spacing[canonical.template].log()
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
        log_prob = distribution.log_prob(anchored) - self.spacing[canonical.template].log()
        coordinates = self.unanchored(anchored, canonical.template)
        theta = self.support.inv(coordinates)
        return theta, log_prob.double() + self.support.log_abs_det_jacobian(theta, coordinates)
