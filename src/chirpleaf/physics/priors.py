"""Prior distributions of the intrinsic parameters of binaries with aligned spins.

The masses are those of `mass_prior`: uniform in detector-frame component masses (see arXiv:2104.09508).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.physics.distributions import ProjectedSpin, Uniform
from chirpleaf.physics.edges import Edge
from chirpleaf.physics.mass_prior import ComponentMassPrior

Array: TypeAlias = NDArray[np.float64]


@runtime_checkable
class IntrinsicDensity(Protocol):
    """A prior density of masses and aligned spins."""

    def log_prob(self, samples: Mapping[str, ArrayLike], /) -> Array:
        """Normalised log density (n,) per d(chirp_mass) d(mass_ratio) d(chi_1) d(chi_2), minus infinity outside."""
        ...


@dataclass(frozen=True)
class IntrinsicPrior(ComponentMassPrior):
    """Uniform in detector-frame component masses and in aligned spins.

    Attributes:
        mass_min: smallest component mass, solar masses.
        mass_max: largest component mass, solar masses.
        mass_ratio_min: smallest mass ratio m_2 / m_1.
        spin_max: largest magnitude of either aligned spin.
        chirp_mass_min: smallest chirp mass, solar masses; None leaves it to the component masses.
        chirp_mass_max: largest chirp mass, likewise.

    Raises:
        InputError: when the bounds are not in order or leave no binary at all.

    Example:
        >>> prior = IntrinsicPrior(mass_min=10.0, mass_max=80.0)
        >>> samples = prior.sample(3, np.random.default_rng(0))
        >>> sorted(samples), prior.log_prob(samples).shape
        (['chi_1', 'chi_2', 'chirp_mass', 'mass_ratio'], (3,))
    """

    @property
    def spin(self) -> Uniform | ProjectedSpin:
        """Prior of either aligned spin."""
        return Uniform(-self.spin_max, self.spin_max)

    def sample(self, n: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draw binaries.

        Args:
            n: how many.
            rng: source of randomness.

        Returns:
            `chirp_mass` (solar masses), `mass_ratio`, `chi_1`, `chi_2`, each (n,).
        """
        chirp_mass, mass_ratio = self.sample_masses(n, rng)
        return {
            "chirp_mass": chirp_mass,
            "mass_ratio": mass_ratio,
            "chi_1": self.spin.sample(n, rng),
            "chi_2": self.spin.sample(n, rng),
        }

    def log_prob(self, samples: Mapping[str, ArrayLike]) -> Array:
        """Normalised log density per d(chirp_mass) d(mass_ratio) d(chi_1) d(chi_2).

        Args:
            samples: the four parameters, each (n,), chirp mass in solar masses; further keys are ignored.

        Returns:
            Natural logarithm (n,), minus infinity outside the region.
        """
        masses = self.log_prob_masses(samples)
        return masses + self.spin.log_prob(samples["chi_1"]) + self.spin.log_prob(samples["chi_2"])

    def edges(self) -> tuple[Edge, ...]:
        """The edges of the support, except equal masses, where the support of every prior ends."""
        return (
            *self.edges_of_masses(),
            *(edge for name in ("chi_1", "chi_2") for edge in Edge.both(name, -self.spin_max, self.spin_max)),
        )


@dataclass(frozen=True)
class IsotropicSpinPrior(IntrinsicPrior):
    """Uniform in detector-frame component masses; aligned spins are projections of isotropic ones.

    The magnitudes are uniform up to `spin_max`: the prior of aligned spins in the published catalogues.

    Example:
        >>> prior = IsotropicSpinPrior(mass_min=10.0, mass_max=80.0)
        >>> spins = np.abs(prior.sample(20_000, np.random.default_rng(0))["chi_1"])
        >>> bool(0.24 < spins.mean() < 0.255)
        True
    """

    @property
    def spin(self) -> ProjectedSpin:
        """Prior of either aligned spin."""
        return ProjectedSpin(self.spin_max)
