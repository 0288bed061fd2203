"""Prior distribution of the extrinsic parameters: sky position, orientation, phase and distance."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.distributions import Cosine, Distribution, PowerLaw, Sine, Uniform
from chirpleaf.system.checks import check_settings

Array: TypeAlias = NDArray[np.float64]

ISOTROPIC: Mapping[str, Distribution] = {
    "ra": Uniform(0.0, 2.0 * np.pi),
    "dec": Cosine(),
    "theta_jn": Sine(),
    "psi": Uniform(0.0, np.pi),
    "phase": Uniform(0.0, 2.0 * np.pi),
}
"""Priors of position on the sky, orientation and phase, rad."""


@dataclass(frozen=True)
class ExtrinsicPrior:
    """Isotropic sky, orientation and phase; distance as in a static Euclidean universe.

    The arrival time is not part of this prior: each analysis has its own.

    Attributes:
        distance_min: smallest luminosity distance, Mpc.
        distance_max: largest luminosity distance, Mpc.

    Raises:
        InputError: when the distances are not in order.

    Example:
        >>> samples = ExtrinsicPrior().sample(2, np.random.default_rng(0))
        >>> sorted(samples)
        ['dec', 'luminosity_distance', 'phase', 'psi', 'ra', 'theta_jn']
    """

    distance_min: float = 100.0
    distance_max: float = 3000.0
    distributions: Mapping[str, Distribution] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_settings(self)
        if not 0.0 <= self.distance_min < self.distance_max < np.inf:
            raise InputError(
                f"expected 0 <= distance_min < distance_max; got {self.distance_min}, {self.distance_max}:"
                " put the nearer one first, in Mpc"
            )
        distance = PowerLaw(2.0, self.distance_min, self.distance_max)
        object.__setattr__(self, "distributions", {**ISOTROPIC, "luminosity_distance": distance})

    def sample(self, n: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draw `n` values of each parameter: angles in rad, distance in Mpc, each (n,)."""
        return {name: distribution.sample(n, rng) for name, distribution in self.distributions.items()}

    def log_prob(self, samples: Mapping[str, ArrayLike]) -> Array:
        """Normalised log density (n,) of the six parameters, minus infinity outside; further keys are ignored."""
        terms = [distribution.log_prob(samples[name]) for name, distribution in self.distributions.items()]
        return np.asarray(sum(terms))
