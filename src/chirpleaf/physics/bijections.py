"""Bijections from the parameters of a prior to unconstrained coordinates, composed of small steps.

A density that is learnt in unconstrained coordinates is zero outside the prior's support. Each step is a
`torch.distributions` transform on the last dimension, computes in float64 and changes one coordinate; `Chain` composes
them. A coordinate's range may depend on coordinates that the step leaves as they are, so that every step has a
triangular Jacobian matrix.

`bijection_examples.BIJECTIONS` holds an example of each kind; the tests check round trips and Jacobians over it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.distributions.transforms import Transform

from chirpleaf.errors import InputError

_EDGE = 1e-7
"""Least distance of a probability from 0 and 1: unconstrained coordinates stay within about 5.2."""

Bounds = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From all coordinates, shape (..., d), to the lower and upper bound of one of them, both (...)."""


class Bijection(Transform):
    """A bijection of R^d or of a part of it, on the last dimension."""

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True

    def __post_init__(self) -> None:
        super().__init__(cache_size=0)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """ln |dy / dx|.

        Args:
            x: shape (..., d).
            y: the bijection of `x`, same shape.

        Returns:
            float64, shape (...).
        """
        raise NotImplementedError


@dataclass(eq=False)
class Chain(Bijection):
    """Bijections one after the other.

    Args:
        steps: the first is applied first.

    Example:
        >>> chain = Chain([Logarithm(0), Interval(0, 0.0, 4.0), Probit([0])])
        >>> x = torch.tensor([[2.0]], dtype=torch.float64)
        >>> bool(torch.allclose(chain.inv(chain(x)), x))
        True
    """

    steps: Sequence[Transform]

    def _call(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = step(x)
        return x

    def _inverse(self, y: Tensor) -> Tensor:
        for step in reversed(self.steps):
            y = step.inv(y)
        return y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """ln |dy / dx|, shape (...): the sum over the steps."""
        *first, last = self.steps
        before, total = transform(Chain(first), x)
        found: Tensor = total + last.log_abs_det_jacobian(before, y)
        return found


def transform(bijection: Transform, x: Tensor) -> tuple[Tensor, Tensor]:
    """A bijection with its Jacobian; the steps of a chain are computed once for both.

    Args:
        bijection: of the last dimension.
        x: shape (..., d).

    Returns:
        y, shape (..., d), and ln |dy / dx|, shape (...).
    """
    if not isinstance(bijection, Chain):
        y = bijection(x)
        return y, bijection.log_abs_det_jacobian(x, y)
    total = x.new_zeros(x.shape[:-1], dtype=torch.float64)
    for step in bijection.steps:
        x, log_jacobian = transform(step, x)
        total = total + log_jacobian
    return x, total


@dataclass(eq=False)
class Logarithm(Bijection):
    """y_i = ln x_i.

    Args:
        dim: index i of the coordinate.
    """

    dim: int

    def _call(self, x: Tensor) -> Tensor:
        return _replace(x, self.dim, x[..., self.dim].double().log())

    def _inverse(self, y: Tensor) -> Tensor:
        return _replace(y, self.dim, y[..., self.dim].double().exp())

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """-ln x_i, shape (...)."""
        return -x[..., self.dim].double().log()


@dataclass(eq=False)
class Interval(Bijection):
    """y_i = (x_i - low) / (high - low): a coordinate's place between two constant bounds.

    Args:
        dim: index i of the coordinate.
        low: lower bound.
        high: upper bound.

    Raises:
        InputError: the bounds are not finite and in order.
    """

    dim: int
    low: float
    high: float

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise InputError(f"expected finite bounds in order; got {self.low:g} and {self.high:g}: widen the interval")
        super().__post_init__()

    def _call(self, x: Tensor) -> Tensor:
        return _replace(x, self.dim, (x[..., self.dim].double() - self.low) / (self.high - self.low))

    def _inverse(self, y: Tensor) -> Tensor:
        return _replace(y, self.dim, self.low + (self.high - self.low) * y[..., self.dim].double())

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """-ln(high - low), shape (...)."""
        return x.new_full(x.shape[:-1], -math.log(self.high - self.low), dtype=torch.float64)


@dataclass(eq=False)
class ConditionalInterval(Bijection):
    """y_i = (x_i - low) / (high - low), with bounds that depend on other coordinates.

    Args:
        dim: index i of the coordinate.
        bounds: gives the bounds from all coordinates; it must not read coordinate i.
    """

    dim: int
    bounds: Bounds = field(repr=False)

    def _call(self, x: Tensor) -> Tensor:
        low, high = self.bounds(x.double())
        return _replace(x, self.dim, (x[..., self.dim].double() - low) / (high - low))

    def _inverse(self, y: Tensor) -> Tensor:
        low, high = self.bounds(y.double())
        return _replace(y, self.dim, low + (high - low) * y[..., self.dim].double())

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """-ln(high - low), shape (...)."""
        low, high = self.bounds(x.double())
        return -(high - low).clamp_min(1e-300).log()


@dataclass(eq=False)
class ConditionalAffine(Bijection):
    """y_i = (x_i - shift) / scale, with a shift that depends on other coordinates.

    Args:
        dim: index i of the coordinate.
        shift: gives the shift, shape (...), from all coordinates (..., d); it must not read coordinate i.
        scale: positive, broadcasts with (...).
    """

    dim: int
    shift: Callable[[Tensor], Tensor] = field(repr=False)
    scale: Tensor

    def _call(self, x: Tensor) -> Tensor:
        x = x.double()
        return _replace(x, self.dim, (x[..., self.dim] - self.shift(x)) / self.scale)

    def _inverse(self, y: Tensor) -> Tensor:
        y = y.double()
        return _replace(y, self.dim, y[..., self.dim] * self.scale + self.shift(y))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """-ln(scale), shape (...)."""
        return -self.scale.double().log().expand(x.shape[:-1])


@dataclass(eq=False)
class EffectiveSpin(Bijection):
    """From (q, chi_1, chi_2) to (q, chi_eff, chi_2), chi_eff = (chi_1 + q chi_2) / (1 + q) (arXiv:0909.2867).

    Args:
        mass_ratio: index of q.
        chi_1: index of chi_1, where chi_eff goes.
        chi_2: index of chi_2.
        spin_max: largest magnitude of chi_1, which the inverse does not exceed by rounding.
    """

    mass_ratio: int
    chi_1: int
    chi_2: int
    spin_max: float = 1.0

    def _call(self, x: Tensor) -> Tensor:
        q, chi_1, chi_2 = (x[..., i].double() for i in (self.mass_ratio, self.chi_1, self.chi_2))
        return _replace(x, self.chi_1, (chi_1 + q * chi_2) / (1 + q))

    def _inverse(self, y: Tensor) -> Tensor:
        q, chi_eff, chi_2 = (y[..., i].double() for i in (self.mass_ratio, self.chi_1, self.chi_2))
        chi_1 = (1 + q) * chi_eff - q * chi_2
        return _replace(y, self.chi_1, chi_1.clamp(-self.spin_max, self.spin_max))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """-ln(1 + q), shape (...)."""
        return -(1 + x[..., self.mass_ratio].double()).log()


@dataclass(eq=False)
class Probit(Bijection):
    """The standard normal quantile of coordinates in (0, 1), y_i = sqrt(2) erfinv(2 x_i - 1).

    A uniform coordinate becomes standard normal. Coordinates closer than 1e-7 to an end are set to that distance.

    Args:
        dims: indices of the coordinates.
    """

    dims: Sequence[int]

    def _call(self, x: Tensor) -> Tensor:
        return self._map(x, lambda u: torch.special.ndtri(u.clamp(_EDGE, 1 - _EDGE)))

    def _inverse(self, y: Tensor) -> Tensor:
        return self._map(y, lambda z: torch.special.ndtr(z).clamp(_EDGE, 1 - _EDGE))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Sum over the coordinates of ln sqrt(2 pi) + y_i^2 / 2, shape (...)."""
        changed = y[..., list(self.dims)].double()
        return (0.5 * changed.square() + 0.5 * math.log(2 * math.pi)).sum(-1)

    def _map(self, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        x = x.double()
        if len(self.dims) == x.shape[-1]:
            return function(x)
        x = x.clone()
        x[..., list(self.dims)] = function(x[..., list(self.dims)])
        return x


def replace_columns(x: Tensor, values: Mapping[int, Tensor]) -> Tensor:
    """Coordinates in float64, some of them replaced.

    Args:
        x: shape (..., d).
        values: index of a coordinate to its new values, shape (...).

    Returns:
        Shape (..., d).
    """
    columns = list(x.double().unbind(-1))
    for dim, column in values.items():
        columns[dim] = column
    return torch.stack(columns, dim=-1)


def _replace(x: Tensor, dim: int, values: Tensor) -> Tensor:
    """The coordinates in float64, one of them replaced."""
    return replace_columns(x, {dim: values})
