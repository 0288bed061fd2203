"""Prior of precessing binaries: masses uniform, spins isotropic with uniform magnitudes, seen from anywhere.

The parameters are the nine numbers of `spin_angles`. With A the largest magnitude, a magnitude a uniform in [0, A] and
an isotropic direction are, in the component chi along the orbital angular momentum, the in-plane length r and azimuth,

    p(chi, r, azimuth) = r / (4 pi A a^2),        a^2 = chi^2 + r^2 <= A^2,

so that chi alone has the density ln(A / |chi|) / (2 A) (`distributions.ProjectedSpin`), and a is log-uniform in
[|chi|, A] given chi. The cosine of the inclination is uniform.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.physics.distributions import ProjectedSpin
from chirpleaf.physics.edges import Edge
from chirpleaf.physics.mass_prior import ComponentMassPrior

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class PrecessingPrior(ComponentMassPrior):
    """Uniform in detector-frame component masses and spin magnitudes; directions of spins and observer isotropic.

    Attributes:
        mass_min: smallest component mass, solar masses.
        mass_max: largest component mass, solar masses.
        mass_ratio_min: smallest mass ratio m_2 / m_1.
        spin_max: largest magnitude of either spin.
        chirp_mass_min: smallest chirp mass, solar masses; None leaves it to the component masses.
        chirp_mass_max: largest chirp mass, likewise.

    Raises:
        InputError: when the bounds are not in order or leave no binary at all.

    Example:
        >>> prior = PrecessingPrior(mass_min=10.0, mass_max=80.0)
        >>> samples = prior.sample(3, np.random.default_rng(0))
        >>> len(samples), prior.log_prob(samples).shape
        (9, (3,))
    """

    @property
    def spin(self) -> ProjectedSpin:
        """Prior of either spin's component along the orbital angular momentum."""
        return ProjectedSpin(self.spin_max)

    def sample(self, n: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draws binaries.

        Args:
            n: how many.
            rng: source of randomness.

        Returns:
            The nine numbers by name (`spin_angles.PRECESSING`), each (n,).
        """
        chirp_mass, mass_ratio = self.sample_masses(n, rng)
        spins = [self._sample_spin(n, rng) for _ in range(2)]
        return {
            "chirp_mass": chirp_mass,
            "mass_ratio": mass_ratio,
            **{f"chi_{body}": along for body, (along, _, _) in enumerate(spins, start=1)},
            **{f"chi_{body}_in_plane": radius for body, (_, radius, _) in enumerate(spins, start=1)},
            **{f"azimuth_{body}": azimuth for body, (_, _, azimuth) in enumerate(spins, start=1)},
            "cos_iota": rng.uniform(-1.0, 1.0, n),
        }

    def log_prob(self, samples: Mapping[str, ArrayLike], /) -> Array:
        """Normalised log density per product of the differentials of the nine numbers.

        Args:
            samples: the nine numbers by name, each (n,); azimuths of any turn. Further keys are ignored.

        Returns:
            Natural logarithm (n,), minus infinity outside the region.
        """
        inside = np.abs(np.asarray(samples["cos_iota"], dtype=np.float64)) <= 1.0
        inclination = np.where(inside, -np.log(2.0), -np.inf)
        spins = [self._log_prob_spin(samples[f"chi_{body}"], samples[f"chi_{body}_in_plane"]) for body in (1, 2)]
        return self.log_prob_masses(samples) + spins[0] + spins[1] + inclination

    def edges(self) -> tuple[Edge, ...]:
        """The edges of the masses, and the largest magnitude of each spin as an edge of its in-plane part."""
        return (*self.edges_of_masses(), *(self._edge(body) for body in (1, 2)))

    def _edge(self, body: int) -> Edge:
        def largest(samples: Mapping[str, Array]) -> Array:
            return np.sqrt(np.maximum(self.spin_max**2 - np.square(samples[f"chi_{body}"]), 0.0))

        return Edge(f"chi_{body}_in_plane", f"a_{body} {self.spin_max:.4g}", largest, 1, self.spin_max)

    def _sample_spin(self, n: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Component along the orbital angular momentum, in-plane length and azimuth, each (n,)."""
        magnitude, cosine = rng.uniform(0.0, self.spin_max, n), rng.uniform(-1.0, 1.0, n)
        return magnitude * cosine, magnitude * np.sqrt(1 - cosine**2), rng.uniform(0.0, 2 * np.pi, n)

    def _log_prob_spin(self, along: ArrayLike, radius: ArrayLike) -> Array:
        """Log density of one spin (n,)."""
        along, radius = np.asarray(along, dtype=np.float64), np.asarray(radius, dtype=np.float64)
        squared = along**2 + radius**2
        inside = (radius > 0.0) & (squared <= self.spin_max**2)
        safe_radius, safe_squared = np.where(inside, radius, 1.0), np.where(inside, squared, 1.0)
        norm = np.log(4 * np.pi * self.spin_max)
        return np.where(inside, np.log(safe_radius) - np.log(safe_squared) - norm, -np.inf)
