"""Fractional deviations between the remnant of the inspiral and that of the post-inspiral.

Final mass M and final spin chi follow from both parts of a signal, I and P, alone. The fractional deviations are

    dM / Mbar = 2 (M_I - M_P) / (M_I + M_P),        dchi / chibar = 2 (chi_I - chi_P) / (chi_I + chi_P)

(arXiv:1602.02453, arXiv:1704.06784). General relativity predicts zero for both. The prior of
each part is flat in (M, chi) (`flat_prior`), so that it is flat in the deviations at every mean.
The quantile of general relativity is the probability of the region in which the joint density is higher than at zero:
small where both parts agree, and uniform over many events if general relativity holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from chirpleaf.inference.relativity.flat_prior import REMNANT
from chirpleaf.inference.relativity.settings import DEFAULT_RELATIVITY, RelativitySettings
from chirpleaf.physics.derived import Samples
from chirpleaf.plots.density import Axis, estimate_density_2d
from chirpleaf.result.weights import weighted_quantiles

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Deviation:
    """Joint posterior of both fractional deviations, under the flat prior.

    Attributes:
        mass: dM / Mbar of each pair of samples, shape (n,).
        spin: dchi / chibar, shape (n,).
        quantile: quantile of general relativity, from 0 to 1.
        centres: centres of the cells of the density along the mass and along the spin, each of shape (bin,).
        density: probability of each cell, shape (bin of the spin, bin of the mass).
    """

    mass: Float64[np.ndarray, " n"]
    spin: Float64[np.ndarray, " n"]
    quantile: float
    centres: tuple[Float64[np.ndarray, " bin"], Float64[np.ndarray, " bin"]]
    density: Float64[np.ndarray, "bin bin"]

    def quantiles(self, probabilities: Sequence[float]) -> tuple[Array, Array]:
        """Quantiles of the deviations of mass and spin.

        Args:
            probabilities: from 0 to 1.

        Returns:
            Two arrays of the length of `probabilities`.
        """
        return weighted_quantiles(self.mass, probabilities), weighted_quantiles(self.spin, probabilities)


def compare_remnants(
    inspiral: Samples,
    post_inspiral: Samples,
    settings: RelativitySettings = DEFAULT_RELATIVITY,
    *,
    seed: int = 0,
) -> Deviation:
    """Pairs samples of both parts, and finds the quantile of general relativity.

    Args:
        inspiral: final_mass (solar masses) and final_spin, samples of equal weight, each of shape (n,).
        post_inspiral: the same of the other part, each of shape (m,).
        settings: number of pairs and cells.
        seed: seed of the pairs.

    Returns:
        The deviations.
    """
    rng = np.random.default_rng([seed, 7])
    first, second = (rng.integers(len(part["final_mass"]), size=settings.pairs) for part in (inspiral, post_inspiral))
    mass, spin = (find_deviation(inspiral[name][first], post_inspiral[name][second]) for name in REMNANT)
    kept = (np.abs(mass) <= settings.reach) & (np.abs(spin) <= settings.reach)
    mass, spin = mass[kept], spin[kept]
    equal, bins = np.full(len(mass), 1 / len(mass)), settings.bins + 1 - settings.bins % 2
    reach = [_choose_reach(values, settings.reach) for values in (mass, spin)]
    x, y = (Axis(values, equal, (-r, r), bins) for values, r in zip((mass, spin), reach, strict=True))
    density = estimate_density_2d(x, y)
    at_zero = density[bins // 2, bins // 2]  # the number of cells is odd, so zero is the centre of one
    quantile = float(density[density > at_zero].sum())
    return Deviation(mass, spin, quantile, (x.centres, y.centres), density)


def find_deviation(inspiral: Array, post_inspiral: Array) -> Array:
    """Difference over mean.

    Args:
        inspiral: values of the inspiral, shape (n,).
        post_inspiral: values of the post-inspiral, shape (n,).

    Returns:
        Shape (n,); infinite where the mean is zero.

    Example:
        >>> find_deviation(np.array([63.0]), np.array([57.0])).tolist()
        [0.1]
    """
    mean = (inspiral + post_inspiral) / 2
    return np.divide(inspiral - post_inspiral, mean, out=np.full_like(mean, np.inf), where=mean != 0)


def _choose_reach(values: Array, most: float) -> float:
    """Half width of an interval about zero that holds nearly all of some deviations."""
    return float(min(most, 1.25 * np.quantile(np.abs(values), 0.995)))
