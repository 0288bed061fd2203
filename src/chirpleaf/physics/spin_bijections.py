"""Bijections of precessing spins to coordinates in which their isotropic prior is standard normal, without a seam.

An azimuth is periodic: a density over it as a number in [0, 2 pi) would lose the probability that crosses the seam. So
in-plane length and azimuth of a spin go together to the plane. With A the largest magnitude, chi the component along
the orbital angular momentum and a^2 = chi^2 + r^2,

    u = ln(a / |chi|) / ln(A / |chi|),        R = sqrt(-2 ln(1 - u)),        (x, y) = R (cos azimuth, sin azimuth):

under the prior, u is uniform in [0, 1] given chi, hence (x, y) standard normal (Box and Muller 1958). All turns of the
azimuth are one point, and the origin is a spin along the orbital angular momentum, whose azimuth means nothing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from chirpleaf.physics.bijections import Bijection, replace_columns
from chirpleaf.physics.distributions import ProjectedSpin

_TINY = 1e-300
"""Least magnitude of a component along the orbital angular momentum over A, where its density is infinite."""
_LEAST = 1e-12
"""Least |chi|, in-plane length and distance of u from 1: coordinates stay within about 7.5."""


@dataclass(eq=False)
class ProjectedSpinShare(Bijection):
    """y_i = F(x_i), F being the distribution function of `distributions.ProjectedSpin`: uniform in [0, 1] under it.

    Args:
        dim: index i of the component of a spin along the orbital angular momentum.
        spin_max: largest magnitude A.
    """

    dim: int
    spin_max: float

    def _call(self, x: Tensor) -> Tensor:
        place = x[..., self.dim].double() / self.spin_max
        size = place.abs().clamp(_TINY, 1.0)
        return replace_columns(x, {self.dim: 0.5 + 0.5 * place.sign() * size * (1 - size.log())})

    def _inverse(self, y: Tensor) -> Tensor:
        share = y[..., self.dim].detach().double().cpu().numpy()
        values = ProjectedSpin(self.spin_max).quantile(share)
        return replace_columns(y, {self.dim: torch.as_tensor(values, dtype=torch.float64)})

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """ln(ln(A / |x_i|) / (2 A)), shape (...)."""
        size = (x[..., self.dim].double() / self.spin_max).abs().clamp(_TINY, 1.0)
        return (-size.log()).log() - math.log(2 * self.spin_max)


@dataclass(eq=False)
class InPlaneSpin(Bijection):
    """In-plane length and azimuth of a spin to the plane (equations of the module).

    Args:
        along: index of chi, the component along the orbital angular momentum, which stays as it is.
        radius: index of the in-plane length, where x goes.
        azimuth: index of the azimuth (rad), where y goes; the inverse gives it in [0, 2 pi).
        spin_max: largest magnitude A.

    Example:
        >>> plane = InPlaneSpin(0, 1, 2, spin_max=1.0)
        >>> below, above = torch.tensor([[0.2, 0.4, 6.28318], [0.2, 0.4, 0.00001]], dtype=torch.float64)
        >>> bool((plane(below) - plane(above)).abs().max() < 1e-4)
        True
    """

    along: int
    radius: int
    azimuth: int
    spin_max: float

    def _call(self, x: Tensor) -> Tensor:
        chi, depth = self._depth(x)
        distance = (-2 * torch.log1p(-self._share(x, chi, depth))).sqrt()
        azimuth = x[..., self.azimuth].double()
        return replace_columns(x, {self.radius: distance * azimuth.cos(), self.azimuth: distance * azimuth.sin()})

    def _inverse(self, y: Tensor) -> Tensor:
        first, second = y[..., self.radius].double(), y[..., self.azimuth].double()
        chi, depth = self._depth(y)
        share = -torch.expm1(-0.5 * (first.square() + second.square()))
        radius = chi * torch.expm1(2 * share * depth).sqrt()
        azimuth = torch.remainder(torch.atan2(second, first), 2 * math.pi)
        return replace_columns(y, {self.radius: radius, self.azimuth: azimuth})

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """ln(r / a^2) - ln ln(A / |chi|) - ln(1 - u), shape (...)."""
        chi, depth = self._depth(x)
        radius = x[..., self.radius].double().clamp_min(_LEAST)
        share = self._share(x, chi, depth)
        return radius.log() - (chi.square() + radius.square()).log() - depth.log() - torch.log1p(-share)

    def _depth(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """|chi| and ln(A / |chi|), away from their ends."""
        chi = x[..., self.along].double().abs().clamp(_LEAST, self.spin_max * (1 - _LEAST))
        return chi, (self.spin_max / chi).log()

    def _share(self, x: Tensor, chi: Tensor, depth: Tensor) -> Tensor:
        """u."""
        radius = x[..., self.radius].double().clamp_min(_LEAST)
        return (0.5 * torch.log1p((radius / chi).square()) / depth).clamp_max(1 - _LEAST)


@dataclass(eq=False)
class Rotation(Bijection):
    """Rotates two coordinates by an angle that depends on others: standard normal ones remain so.

    Args:
        first: index of the first coordinate.
        second: index of the second one.
        angle: gives the angle (rad), shape (...), from all coordinates (..., d); it must not read the two.
    """

    first: int
    second: int
    angle: Callable[[Tensor], Tensor] = field(repr=False)

    def _call(self, x: Tensor) -> Tensor:
        return self._turn(x, 1.0)

    def _inverse(self, y: Tensor) -> Tensor:
        return self._turn(y, -1.0)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Zero, shape (...)."""
        return x.new_zeros(x.shape[:-1], dtype=torch.float64)

    def _turn(self, x: Tensor, sign: float) -> Tensor:
        x = x.double()
        angle = sign * self.angle(x)
        first, second, cosine, sine = x[..., self.first], x[..., self.second], angle.cos(), angle.sin()
        return replace_columns(
            x, {self.first: cosine * first + sine * second, self.second: cosine * second - sine * first}
        )
