"""Normal coordinates: those in which the posterior that a network gives an event is a standard normal distribution.

Where the network is right, the posterior under the exact likelihood is standard normal in them too, and where it is
nearly right, something simpler than in any coordinates of the parameters' own: a correction is fitted best there.
"""

import math

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.distributions.transforms import Transform

from chirpleaf.models.estimator import Estimator
from chirpleaf.representation.canonical import Canonical


class NormalMap(Transform):
    """Bijection from (chirp_mass, mass_ratio, chi_1, chi_2) to R^4, of one event; float64.

    As `representation.coordinates.SupportMap` in use. The background of the posterior is left out. Single precision of
    the network limits a round trip to about 1e-5, where the density is not next to nothing.

    Args:
        estimator: the network with its preprocessing.
        canonical: the event, a batch of one.
    """

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True

    @torch.no_grad()
    def __init__(self, estimator: Estimator, canonical: Canonical) -> None:
        super().__init__(cache_size=0)
        self._estimator, self._template = estimator, canonical.template
        self._distribution = estimator.density(canonical.features)

    @torch.no_grad()
    def _call(self, x: Tensor) -> Tensor:
        return self._distribution.to_normal(self._anchored(x))[..., 0, :]

    @torch.no_grad()
    def _inverse(self, y: Tensor) -> Tensor:
        anchored = self._distribution.from_normal(y[..., None, :])
        return self._estimator.support.inv(self._estimator.anchoring.inv(anchored, self._template))[..., 0, :]

    @torch.no_grad()
    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """ln |dz / d theta|, shape of the batch: the network's density over the normal one."""
        support, anchoring = self._estimator.support, self._estimator.anchoring
        log_prob = self._distribution.log_prob(self._anchored(x)).double() - anchoring.log_unit(self._template)
        normal = -0.5 * y.double().square() - 0.5 * math.log(2 * math.pi)
        return log_prob[..., 0] + support.log_abs_det_jacobian(x, support(x)) - normal.sum(-1)

    def _anchored(self, theta: Tensor) -> Tensor:
        """Anchored coordinates, shape (..., 1, 4)."""
        return self._estimator.anchoring(self._estimator.support(theta)[..., None, :], self._template)
