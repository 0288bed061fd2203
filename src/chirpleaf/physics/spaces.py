"""Parameter spaces: names, prior and coordinates of the parameters of a posterior.

A `ParameterSpace` has the names of the parameters in order, their prior, a bijection to unconstrained coordinates and
the dimensions that are periodic. Its length is the number of dimensions everywhere: networks, banks, proposals and
files take names and dimensions from here, so that another space is another function in `SPACES`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.distributions.transforms import Transform

from chirpleaf.errors import InputError
from chirpleaf.physics.bijections import (
    Bijection,
    Chain,
    ConditionalInterval,
    EffectiveSpin,
    Interval,
    Logarithm,
    Probit,
)
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.mass_prior import ComponentMassPrior
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.prior_kinds import PriorDistribution
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spin_angles import PRECESSING
from chirpleaf.physics.spin_bijections import InPlaneSpin, ProjectedSpinShare, Rotation

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ParameterSpace:
    """Names, prior and coordinates of intrinsic parameters.

    Attributes:
        names: names of the parameters, in order (`physics.parameters` has their units).
        prior: their prior.
        bijection: bijection from the parameters (..., d) to unconstrained coordinates (..., d), float64. Under the
            prior, these are close to standard normal. It refuses another number of columns by an InputError.
        periodic: whether each dimension is periodic.

    Example:
        >>> space = aligned_space(IntrinsicPrior())
        >>> theta = torch.tensor([[30.0, 0.8, 0.1, -0.3]], dtype=torch.float64)
        >>> len(space), bool(torch.allclose(space.bijection.inv(space.bijection(theta)), theta))
        (4, True)
    """

    names: tuple[str, ...]
    prior: PriorDistribution
    bijection: Transform
    periodic: tuple[bool, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "bijection", _NamedColumns(self.bijection, self.names))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def has_inclination(self) -> bool:
        """Whether the inclination is among the parameters, as it is for precessing binaries."""
        return "cos_iota" in self.names

    def stack(self, samples: Mapping[str, ArrayLike]) -> Array:
        """The parameters as columns.

        Args:
            samples: parameter name to values (n,) or a float; further keys are ignored.

        Returns:
            (n, d) float64; (d,) for floats.
        """
        columns = (np.asarray(samples[name], dtype=np.float64) for name in self.names)
        return np.stack(np.broadcast_arrays(*columns), axis=-1)

    def unstack(self, theta: Array | Tensor) -> Samples:
        """The columns by parameter name.

        Args:
            theta: (..., d).

        Returns:
            Parameter name to values (...).

        Raises:
            InputError: the number of columns is not that of the parameters.
        """
        _check_columns(theta.shape, self.names)
        values = theta.numpy() if isinstance(theta, Tensor) else theta
        return {name: values[..., index] for index, name in enumerate(self.names)}

    def select(self, samples: Mapping[str, Array], rows: slice | NDArray[np.int64] | NDArray[np.bool_]) -> Samples:
        """Some rows of the parameters of this space; further keys are left out."""
        return {name: samples[name][rows] for name in self.names}


@dataclass(eq=False)
class _NamedColumns(Bijection):
    """A bijection of named parameters, which refuses another number of columns."""

    bijection: Transform
    names: tuple[str, ...]

    def _call(self, x: Tensor) -> Tensor:
        _check_columns(x.shape, self.names)
        y: Tensor = self.bijection(x)
        return y

    def _inverse(self, y: Tensor) -> Tensor:
        _check_columns(y.shape, self.names)
        x: Tensor = self.bijection.inv(y)
        return x

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """ln |dy / dx|, shape (...)."""
        _check_columns(x.shape, self.names)
        _check_columns(y.shape, self.names)
        found: Tensor = self.bijection.log_abs_det_jacobian(x, y)
        return found


def _check_columns(shape: tuple[int, ...], names: tuple[str, ...]) -> None:
    """Refuses an array (..., d) whose columns are not those of the names."""
    if not shape or shape[-1] != len(names):
        raise InputError(f"expected columns of {', '.join(names)}; got shape {tuple(shape)}: give {len(names)} columns")


def aligned_space(prior: PriorDistribution) -> ParameterSpace:
    """Chirp mass, mass ratio and two spins along the orbital angular momentum.

    The unconstrained coordinates are the standard normal quantiles (probits) of

        u_1 = place of ln(chirp_mass) in its range,
        u_2 = place of mass_ratio in its range at that chirp mass,
        u_3 = place of chi_eff in (-spin_max, spin_max),
        u_4 = place of chi_2 in its range at that (mass_ratio, chi_eff).

    The range of the mass ratio is a constant to automatic differentiation: differentiate by finite differences there.

    Args:
        prior: whose support is mapped: an `IntrinsicPrior`.

    Raises:
        InputError: the prior is of other parameters.
    """
    if not isinstance(prior, IntrinsicPrior):
        raise InputError(
            f"expected an IntrinsicPrior for aligned spins; got {type(prior).__name__}: change prior or parameter_space"
        )
    lowest, highest = prior.chirp_mass_range
    spin = prior.spin_max
    steps = [
        EffectiveSpin(mass_ratio=1, chi_1=2, chi_2=3, spin_max=spin),
        ConditionalInterval(3, SecondSpinBounds(spin)),
        Interval(2, -spin, spin),
        ConditionalInterval(1, _MassRatioBounds(prior)),
        Logarithm(0),
        Interval(0, math.log(lowest), math.log(highest)),
        Probit(range(4)),
    ]
    return ParameterSpace(("chirp_mass", "mass_ratio", "chi_1", "chi_2"), prior, Chain(steps), periodic=(False,) * 4)


@dataclass(frozen=True)
class _MassRatioBounds:
    """Bounds of the mass ratio, coordinate 1, given the chirp mass, coordinate 0."""

    prior: ComponentMassPrior

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        low = torch.as_tensor(self.prior.mass_ratio_lower(x[..., 0].detach().cpu().numpy()), dtype=torch.float64)
        return low.clamp_max(1 - 1e-9), torch.ones((), dtype=torch.float64)


@dataclass(frozen=True)
class SecondSpinBounds:
    """Bounds of chi_2, coordinate 3, that keep chi_1 inside the prior, given mass ratio and chi_eff.

    Attributes:
        spin_max: largest magnitude of either spin.
    """

    spin_max: float

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The lower and the upper bound, both of shape (...).

        Args:
            x: chirp mass, mass ratio, effective spin and chi_2, shape (..., 4); the first and the last are not read.
        """
        mass_ratio, chi_eff = x[..., 1], x[..., 2]
        middle, half_width = (1 + mass_ratio) * chi_eff / mass_ratio, self.spin_max / mass_ratio
        return (middle - half_width).clamp_min(-self.spin_max), (middle + half_width).clamp_max(self.spin_max)


def precessing_space(prior: PriorDistribution) -> ParameterSpace:
    """The nine numbers of a precessing binary (`physics.spin_angles`).

    Under the prior the unconstrained coordinates of spins and inclination are standard normal:

        z_3, z_4 = the probits of chi_1 and chi_2, rotated by atan(mass_ratio), so that the first grows with chi_eff,
        z_5, z_6 = in-plane part of the first spin on the plane, without a seam in azimuth (`spin_bijections`),
        z_7, z_8 = the same of the second spin,
        z_9      = the probit of the place of cos_iota in (-1, 1);

    those of the masses are as in `aligned_space`.

    Args:
        prior: whose support is mapped: a `PrecessingPrior`.

    Raises:
        InputError: the prior is of other parameters.
    """
    if not isinstance(prior, PrecessingPrior):
        raise InputError(
            f"expected a PrecessingPrior for precessing spins; got {type(prior).__name__}: change prior or "
            "parameter_space"
        )
    index = {name: place for place, name in enumerate(PRECESSING)}
    lowest, highest = prior.chirp_mass_range
    steps = [
        *(
            InPlaneSpin(index[f"chi_{body}"], index[f"chi_{body}_in_plane"], index[f"azimuth_{body}"], prior.spin_max)
            for body in (1, 2)
        ),
        *(ProjectedSpinShare(index[name], prior.spin_max) for name in ("chi_1", "chi_2")),
        Probit((index["chi_1"], index["chi_2"])),
        Rotation(index["chi_1"], index["chi_2"], _mass_ratio_angle),
        ConditionalInterval(1, _MassRatioBounds(prior)),
        Logarithm(0),
        Interval(0, math.log(lowest), math.log(highest)),
        Interval(index["cos_iota"], -1.0, 1.0),
        Probit((0, 1, index["cos_iota"])),
    ]
    periodic = tuple(name.startswith("azimuth") for name in PRECESSING)
    return ParameterSpace(PRECESSING, prior, Chain(steps), periodic)


def _mass_ratio_angle(x: Tensor) -> Tensor:
    """atan(mass_ratio), the mass ratio being coordinate 1."""
    return x[..., 1].atan()


SPACES: dict[str, Callable[[PriorDistribution], ParameterSpace]] = {
    "aligned": aligned_space,
    "precessing": precessing_space,
}
"""Functions that make a parameter space from a prior, by their names in presets and model files."""


def make_space(prior: PriorDistribution, kind: str = "aligned") -> ParameterSpace:
    """The parameter space of a prior.

    Args:
        prior: prior of the parameters.
        kind: one of `SPACES`.

    Raises:
        InputError: the kind is unknown, or the prior is of other parameters.
    """
    if kind not in SPACES:
        known = ", ".join(SPACES)
        raise InputError(f"expected a parameter space among {known}; got {kind!r}: change it or update chirpleaf")
    return SPACES[kind](prior)
