"""Normal coordinates: coordinates in which the network's posterior of an event is standard normal.

If the network is exact, the posterior under the exact likelihood is standard normal as well. If it is nearly exact,
this posterior is nearly normal, so corrections to the network are fitted in these coordinates.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from chirpleaf.models.posterior import PosteriorEstimator
from chirpleaf.networks.heads import ConditionalDistribution
from chirpleaf.physics.bijections import Bijection, Chain
from chirpleaf.representation.canonical import Canonical


@dataclass(eq=False)
class NormalCoordinates(Bijection):
    """Bijection from anchored coordinates to coordinates in which a network's density is standard normal.

    Single precision of the network limits a round trip to about 1e-5, where the density is not negligible.

    Args:
        distribution: the network's density for one event.
    """

    distribution: ConditionalDistribution

    @torch.no_grad()
    def _call(self, x: Tensor) -> Tensor:
        return self.distribution.to_normal(x[..., None, :].float())[..., 0, :]

    @torch.no_grad()
    def _inverse(self, y: Tensor) -> Tensor:
        return self.distribution.from_normal(y[..., None, :])[..., 0, :].double()

    @torch.no_grad()
    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """ln |dy / dx|, shape (...): the network's log density less that of the normal distribution."""
        log_prob = self.distribution.log_prob(x[..., None, :].float())[..., 0].double()
        normal = -0.5 * y.double().square() - 0.5 * math.log(2 * math.pi)
        return log_prob - normal.sum(-1)


@torch.no_grad()
def normal_coordinates(estimator: PosteriorEstimator, canonical: Canonical) -> Chain:
    """The bijection from the parameters of an event to normal coordinates; the background component is left out.

    Args:
        estimator: the network with its preprocessing.
        canonical: the event, a batch of one.

    Returns:
        A bijection of (..., d), in float64.
    """
    distribution = estimator.density(canonical.tokens)
    anchor = estimator.anchoring.at(canonical.template[0])
    return Chain([estimator.space.bijection, anchor, NormalCoordinates(distribution)])
