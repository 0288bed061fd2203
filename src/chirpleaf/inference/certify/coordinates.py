"""Coordinates of the target: each free parameter is mapped so that its own prior is standard normal.

    z_i = Phi^-1(F_i(theta_i)),        ln |dz_i / dtheta_i| = ln p_i(theta_i) + z_i^2 / 2 + ln(2 pi) / 2

with F_i the distribution function of the prior of parameter i and p_i its density. A Gaussian mixture in these
coordinates follows a target whose spins are narrow, peaked or fixed, where the network's own coordinates cannot.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from chirpleaf.inference.certify.magnitudes_and_tilts import MagnitudesAndTilts, SpinColumns, name_tilt
from chirpleaf.inference.certify.target import Target
from chirpleaf.physics.bijections import Bijection, Chain
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.distributions import Marginal, PowerLaw, Uniform
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import ParameterSpace

Array = NDArray[np.float64]

_EDGE = 1e-12
"""Least distance of a probability from 0 and 1: coordinates stay within about 7."""


@dataclass(eq=False)
class MarginalCoordinates(Bijection):
    """The bijection from parameters to coordinates in which their marginal priors are standard normal.

    Args:
        marginals: prior of each parameter, in order.
    """

    marginals: Sequence[Marginal]

    def _call(self, x: Tensor) -> Tensor:
        columns = [one.cumulative(values) for one, values in zip(self.marginals, x.double().numpy().T, strict=True)]
        return torch.special.ndtri(torch.from_numpy(np.stack(columns, axis=-1)).clamp(_EDGE, 1 - _EDGE))

    def _inverse(self, y: Tensor) -> Tensor:
        levels = torch.special.ndtr(y.double()).clamp(_EDGE, 1 - _EDGE).numpy()
        columns = [one.quantile(level) for one, level in zip(self.marginals, levels.T, strict=True)]
        return torch.from_numpy(np.stack(columns, axis=-1))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """ln |dy / dx|, shape (n,); minus infinity outside the priors."""
        columns = [one.log_prob(values) for one, values in zip(self.marginals, x.double().numpy().T, strict=True)]
        normal = 0.5 * y.double().square() + 0.5 * math.log(2 * math.pi)
        return torch.from_numpy(np.sum(columns, axis=0)) + normal.sum(-1)


@dataclass(frozen=True, eq=False)
class FreeParameters:
    """The parameters of a space that a target does not fix.

    Attributes:
        names: their names, in the order of the space.
        fixed: values of the other parameters by name.
    """

    names: tuple[str, ...]
    fixed: Mapping[str, float]

    @classmethod
    def of(cls, space: ParameterSpace, target: Target) -> "FreeParameters":
        """The free parameters of a target.

        Args:
            space: all parameters.
            target: prior, some of whose parameters may be fixed.
        """
        fixed = {name: target.fixed[name] for name in space.names if name in target.fixed}
        return cls(tuple(name for name in space.names if name not in fixed), fixed)

    def stack(self, samples: Mapping[str, ArrayLike]) -> Array:
        """The free parameters as columns, shape (n, d).

        Args:
            samples: parameter name to values (n,); further keys are ignored.
        """
        return np.stack([np.asarray(samples[name], dtype=np.float64) for name in self.names], axis=-1)

    def unstack(self, theta: Array | Tensor) -> Samples:
        """All parameters by name, with the fixed ones.

        Args:
            theta: free parameters, shape (n, d).
        """
        values = theta.numpy() if isinstance(theta, Tensor) else theta
        free = {name: values[:, index] for index, name in enumerate(self.names)}
        return {**free, **{name: np.full(len(values), value) for name, value in self.fixed.items()}}


def make_target_coordinates(
    network: IntrinsicPrior | PrecessingPrior, target: Target, free: FreeParameters
) -> Bijection:
    """The bijection of the free parameters of a target.

    Args:
        network: prior of the network, whose bounds are those of the masses, and of spins whose own prior is unknown.
        target: the target. Spins that precess are mapped by magnitude and tilt.
        free: its free parameters.
    """
    marginals: dict[str, Marginal] = {
        "chirp_mass": PowerLaw(-1.0, *network.chirp_mass_range),
        "mass_ratio": Uniform(network.mass_ratio_min, 1.0),
    }
    if isinstance(network, IntrinsicPrior):
        spin = Uniform(-network.spin_max, network.spin_max)
        marginals |= {"chi_1": spin, "chi_2": spin, **target.spins}
        return MarginalCoordinates([marginals[name] for name in free.names])
    spins = []
    for body in (1, 2):
        tilt, along, in_plane = name_tilt(target.spins, body), f"chi_{body}", f"chi_{body}_in_plane"
        marginals[along] = target.spins.get(f"a_{body}", Uniform(0.0, network.spin_max))
        marginals[in_plane] = Uniform(-1.0, 1.0) if tilt is None else target.spins[tilt]
        marginals[f"azimuth_{body}"] = Uniform(0.0, 2 * np.pi)
        cosine = tilt is None or tilt.startswith("cos")
        spins.append(SpinColumns(free.names.index(along), free.names.index(in_plane), cosine))
    marginals["cos_iota"] = Uniform(-1.0, 1.0)
    return Chain([MagnitudesAndTilts(spins), MarginalCoordinates([marginals[name] for name in free.names])])
