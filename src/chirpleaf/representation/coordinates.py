"""Support-aware coordinates: the prior's support mapped onto all of R^4.

A density learnt in these coordinates cannot leak outside the prior. With u_i in (0, 1),

    u_1 = place of ln(chirp_mass) in its range,
    u_2 = place of mass_ratio in its range at that chirp mass,
    u_3 = place of chi_eff in (-chi_max, chi_max),
    u_4 = place of chi_2 in its range at that (mass_ratio, chi_eff),

and z_i = sqrt(2) erfinv(2 u_i - 1), the standard normal quantile (probit).
"""

import math

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.distributions.transforms import Transform

from chirpleaf.physics.priors import IntrinsicPrior

_EDGE = 1e-7
"""Least distance of u from 0 and 1: z stays within about 5.2."""


class SupportMap(Transform):
    """Bijection from (chirp_mass, mass_ratio, chi_1, chi_2) to R^4.

    Follows `torch.distributions`: `map(theta)`, `map.inv(z)`, `map.log_abs_det_jacobian(theta, z)`. It computes in
    float64. The range of mass_ratio at a chirp mass is a constant to autograd: differentiate by finite differences.

    Args:
        prior: the prior whose support is mapped.

    Example:
        >>> support = SupportMap(IntrinsicPrior())
        >>> theta = torch.tensor([[30.0, 0.8, 0.1, -0.3]], dtype=torch.float64)
        >>> bool(torch.allclose(support.inv(support(theta)), theta))
        True
    """

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True

    def __init__(self, prior: IntrinsicPrior) -> None:
        super().__init__(cache_size=0)
        self.prior = prior
        lowest, highest = prior.chirp_mass_range
        self._log_lowest, self._log_extent = math.log(lowest), math.log(highest / lowest)

    def _call(self, x: Tensor) -> Tensor:
        chirp_mass, mass_ratio, chi_1, chi_2 = x.double().unbind(-1)
        lowest_q = self._lowest_mass_ratio(chirp_mass)
        chi_eff = (chi_1 + mass_ratio * chi_2) / (1 + mass_ratio)
        low, high = self._chi_2_range(mass_ratio, chi_eff)
        spin = self.prior.spin_max
        places = [
            (chirp_mass.log() - self._log_lowest) / self._log_extent,
            (mass_ratio - lowest_q) / (1 - lowest_q),
            (chi_eff + spin) / (2 * spin),
            (chi_2 - low) / (high - low),
        ]
        return torch.special.ndtri(torch.stack(places, dim=-1).clamp(_EDGE, 1 - _EDGE))

    def _inverse(self, y: Tensor) -> Tensor:
        u = torch.special.ndtr(y.double()).clamp(_EDGE, 1 - _EDGE)
        chirp_mass = (self._log_lowest + self._log_extent * u[..., 0]).exp()
        lowest_q = self._lowest_mass_ratio(chirp_mass)
        mass_ratio = lowest_q + (1 - lowest_q) * u[..., 1]
        spin = self.prior.spin_max
        chi_eff = spin * (2 * u[..., 2] - 1)
        low, high = self._chi_2_range(mass_ratio, chi_eff)
        chi_2 = low + (high - low) * u[..., 3]
        chi_1 = (1 + mass_ratio) * chi_eff - mass_ratio * chi_2
        return torch.stack([chirp_mass, mass_ratio, chi_1.clamp(-spin, spin), chi_2], dim=-1)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """ln |dz / d theta|, shape of the batch."""
        chirp_mass, mass_ratio, chi_1, chi_2 = x.double().unbind(-1)
        chi_eff = (chi_1 + mass_ratio * chi_2) / (1 + mass_ratio)
        low, high = self._chi_2_range(mass_ratio, chi_eff)
        slopes = (
            -(chirp_mass * self._log_extent).log()
            - (1 - self._lowest_mass_ratio(chirp_mass)).log()
            - (2 * self.prior.spin_max * (1 + mass_ratio)).log()
            - (high - low).clamp_min(1e-300).log()
        )
        return slopes + (0.5 * y.double().square() + 0.5 * math.log(2 * math.pi)).sum(-1)

    def log_mass_coordinate(self, chirp_mass: Tensor) -> Tensor:
        """The first coordinate z_1 of a chirp mass (solar masses), same shape."""
        place = (chirp_mass.double().log() - self._log_lowest) / self._log_extent
        return torch.special.ndtri(place.clamp(_EDGE, 1 - _EDGE))

    def _lowest_mass_ratio(self, chirp_mass: Tensor) -> Tensor:
        lowest = self.prior.mass_ratio_lower(chirp_mass.detach().cpu().numpy())
        return torch.as_tensor(lowest, dtype=torch.float64).clamp_max(1 - 1e-9)

    def _chi_2_range(self, mass_ratio: Tensor, chi_eff: Tensor) -> tuple[Tensor, Tensor]:
        """Least and greatest chi_2 that keep chi_1 inside the prior."""
        spin = self.prior.spin_max
        middle = (1 + mass_ratio) * chi_eff / mass_ratio
        low = (middle - spin / mass_ratio).clamp_min(-spin)
        high = (middle + spin / mass_ratio).clamp_max(spin)
        return low, high
