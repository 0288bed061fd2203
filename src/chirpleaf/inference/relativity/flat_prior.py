"""A prior under which final mass and final spin are uniform.

A prior that is uniform in component masses and spins is far from flat in mass M and spin chi of the remnant: most
remnants have a spin near 0.69. With p(M, chi) the density of the remnant under a prior pi of masses and spins, it is
flat under

    pi_flat(theta) = pi(theta) / p(M(theta), chi(theta)),

which keeps the distribution of everything else given the remnant (arXiv:1704.06784 divides p out of the posteriors). p
is estimated from draws of pi, and is not divided out below a part of its greatest value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.inference.certify import Target
from chirpleaf.inference.relativity.settings import DEFAULT_RELATIVITY, RelativitySettings
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.prior_kinds import PriorDistribution
from chirpleaf.physics.priors import IntrinsicDensity
from chirpleaf.physics.remnant import final_mass, final_spin
from chirpleaf.plots.density import Axis, estimate_density_2d
from chirpleaf.result.weights import relative_weights

Array = NDArray[np.float64]

REMNANT = ("final_mass", "final_spin")
"""The parameters of the remnant."""


def find_remnant(theta: Mapping[str, ArrayLike]) -> Samples:
    """Final mass and spin of aligned-spin binaries.

    Args:
        theta: chirp_mass (detector frame, solar masses), mass_ratio, chi_1 and chi_2, each of shape (n,).

    Returns:
        final_mass (solar masses) and final_spin, each of shape (n,).
    """
    chirp_mass, mass_ratio, *spins = (np.asarray(theta[n]) for n in ("chirp_mass", "mass_ratio", "chi_1", "chi_2"))
    masses = component_masses(chirp_mass, mass_ratio)
    return {"final_mass": final_mass(*masses, *spins), "final_spin": final_spin(*masses, *spins)}


@dataclass(frozen=True, eq=False)
class FlatRemnantPrior:
    """Prior of masses and spins under which final mass and final spin are uniform. Its density is not normalised.

    Attributes:
        original: prior of masses and spins.
        limits: least and greatest value of each parameter of the remnant; solar masses for the mass.
        density: density of the remnant under the original prior, over the greatest, in equal cells, shape (bin of the
            spin, bin of the mass).
        floor: least value of it that is divided out in full.
    """

    original: IntrinsicDensity
    limits: Mapping[str, tuple[float, float]]
    density: Float64[np.ndarray, "bin bin"]
    floor: float

    @classmethod
    def from_prior(
        cls,
        original: IntrinsicDensity,
        network: PriorDistribution,
        settings: RelativitySettings = DEFAULT_RELATIVITY,
        *,
        seed: int = 0,
    ) -> "FlatRemnantPrior":
        """Estimates the density of the remnant.

        Args:
            original: prior of masses and spins.
            network: prior of the network, within which all draws of a posterior lie.
            settings: number of draws, cells and floor.
            seed: seed of the draws.
        """
        draws = network.sample(settings.prior_samples, np.random.default_rng([seed, 8]))
        weight = relative_weights(original.log_prob(draws) - network.log_prob(draws))
        remnant = find_remnant(draws)
        limits = {name: (float(values.min()), float(values.max())) for name, values in remnant.items()}
        axes = [Axis(remnant[n], weight / weight.sum(), limits[n], settings.prior_bins) for n in REMNANT]
        density = estimate_density_2d(*axes)
        return cls(original, limits, density / density.max(), settings.floor)

    def correct(self, remnant: Mapping[str, ArrayLike]) -> Array:
        """ln of the flat prior over the original one, up to a constant.

        Args:
            remnant: final_mass and final_spin, each of shape (n,).

        Returns:
            Shape (n,), not negative.
        """
        row, column = (self._find_cells(np.asarray(remnant[name]), name) for name in reversed(REMNANT))
        return np.asarray(-np.log(np.maximum(self.density[row, column], self.floor)))

    def log_prob(self, samples: Mapping[str, ArrayLike]) -> Array:
        """ln of the density up to a constant, shape (n,); minus infinity where the original prior is zero.

        Args:
            samples: chirp_mass, mass_ratio, chi_1 and chi_2, each of shape (n,).
        """
        return self.original.log_prob(samples) + self.correct(find_remnant(samples))

    def _find_cells(self, values: Array, name: str) -> NDArray[np.int64]:
        """Indices of the cells of a parameter, shape (n,)."""
        low, high = self.limits[name]
        bins = len(self.density)
        return np.floor((values - low) / (high - low) * bins).astype(np.int64).clip(0, bins - 1)


def flatten_target(
    target: Target, network: PriorDistribution, settings: RelativitySettings = DEFAULT_RELATIVITY, *, seed: int = 0
) -> tuple[Target, FlatRemnantPrior]:
    """The target with the flat prior, and this prior.

    Args:
        target: prior and waveform model.
        network: prior of the network.
        settings: as for `FlatRemnantPrior.from_prior`.
        seed: seed of the draws that the density is estimated from.

    Raises:
        InputError: the target fixes a mass or a spin, so that the remnant has no density.
    """
    if fixed := sorted({"chirp_mass", "mass_ratio", "chi_1", "chi_2"} & set(target.fixed)):
        raise InputError(
            f"expected a prior under which masses and spins are free; got one that fixes {fixed[0]}: choose another "
            "--prior"
        )
    flat = FlatRemnantPrior.from_prior(target.intrinsic, network, settings, seed=seed)
    return replace(target, intrinsic=flat), flat
