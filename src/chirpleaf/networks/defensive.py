"""Defensive mixture: the network's density plus a small standard normal component in unconstrained coordinates.

If noise selects the wrong template, the density of the network at the true parameters is almost zero. The mixture

    q(z | d) = (1 - b) q_network(z | d) + b N(z; 0, 1)

bounds both the loss of an example and the importance weight of a draw (defensive importance sampling,
doi:10.1080/00401706.1995.10484303).
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class DefensiveMixture:
    """Mixture of the network's density and a standard normal component.

    Attributes:
        share: weight b of the standard normal component, in [0, 1).

    Example:
        >>> mixture = DefensiveMixture(0.01)
        >>> z = torch.zeros(1, 2)
        >>> round(mixture.log_prob(torch.tensor([-100.0]), mixture.log_background(z)).item(), 3)
        -6.443
    """

    share: float = 0.0

    def log_background(self, z: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """Compute ln of b N(z; 0, 1), float64; minus infinity if the weight is zero.

        Args:
            z: unconstrained coordinates, shape (..., d).
        """
        if not self.share:
            return z.new_full(z.shape[:-1], -torch.inf)
        normal = -0.5 * z.double().square() - 0.5 * math.log(2 * math.pi)
        return normal.sum(-1) + math.log(self.share)

    def log_prob(
        self, log_network: Float[Tensor, "*batch"], log_background: Float[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch"]:
        """Compute ln q of the mixture.

        Args:
            log_network: ln of the network's density, shape (...).
            log_background: `log_background` at the same points, shape (...).
        """
        return torch.logaddexp(log_network + math.log1p(-self.share), log_background)

    def sample(
        self, z: Float[Tensor, "*batch d"], generator: torch.Generator | None = None
    ) -> Float[Tensor, "*batch d"]:
        """Replace draws of the network by draws of the standard normal component, each with probability b.

        Args:
            z: draws of the network in unconstrained coordinates, shape (..., d).
            generator: source of randomness.
        """
        if not self.share:
            return z
        background = torch.randn(z.shape, generator=generator, dtype=z.dtype)
        chosen = torch.rand(z.shape[:-1], generator=generator)[..., None] < self.share
        return torch.where(chosen, background, z)
