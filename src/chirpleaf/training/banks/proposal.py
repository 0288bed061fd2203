"""Proposal of the training binaries, and importance weights that keep the learnt posterior unbiased.

A prior uniform in component masses has one binary in sixty below a chirp mass of 14 solar masses, so a network trained
on draws from it would hardly see such binaries. They are therefore drawn in equal numbers from strata of ln(chirp
mass), from the prior within each stratum, with the importance weight w = pi / p. A loss -w ln q(theta | d) / g(d) is
minimised by the posterior under the prior pi for any positive function g of the data. The best choice is the mean of w
given d, so that no data outweigh others. With the chirp mass M of the best template and its signal-to-noise ratio rho,

    g(d) = (1 - a) w(M) + a,        a = exp(-(rho / 8)^2),

where a is about the probability that noise has chosen the template. Without a, an example whose template noise has
chosen near an end of the range, where w(M) is almost zero, would have the weight of a thousand others.

Where the inclination is one of the parameters, its prior alone would teach the network too few binaries seen face-on:
training sets the distance by the signal-to-noise ratio, whereas sources uniform in volume of amplitude A are seen at a
given ratio in proportion to A^3. The inclination of the training binaries is therefore drawn from its prior times

    A^3 = (((1 + cos^2 iota) / 2)^2 + cos^2 iota)^(3/2),

the amplitude of the quadrupole averaged over the polarisation. What this neglects is left to the importance weights of
certification, as the distance's prior of each analysis is.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.physics.prior_kinds import PriorDistribution

_QUIET_SNR = 8.0
"""Signal-to-noise ratio below which noise has probably chosen the template."""


_INCLINATIONS = 4096
"""Cells of the inclination's distribution function."""


@dataclass(frozen=True)
class StratifiedProposal:
    """Distribution with the same probability for each of equal strata of ln(chirp mass).

    Args:
        prior: prior of the binaries, from which they are drawn within a stratum.
        n_strata: number of strata; 1 gives the prior.

    Example:
        >>> from chirpleaf.physics.priors import IntrinsicPrior
        >>> proposal = StratifiedProposal(IntrinsicPrior(), n_strata=8)
        >>> binaries = proposal.sample(80, np.random.default_rng(1))
        >>> binaries["chirp_mass"].shape
        (80,)
    """

    prior: PriorDistribution
    n_strata: int = 64

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """Edges of the strata in chirp mass, shape (n_strata + 1,), solar masses."""
        return np.geomspace(*self.prior.chirp_mass_range, self.n_strata + 1)

    @cached_property
    def _strata(self) -> list[PriorDistribution]:
        return [self.prior.restrict(low, high) for low, high in pairwise(self.edges)]

    @cached_property
    def _log_weights(self) -> NDArray[np.float64]:
        shares = np.array([stratum.normalisation for stratum in self._strata])
        return np.log(shares / shares.sum() * self.n_strata)

    def sample(self, n: int, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Draws binaries in random order.

        Args:
            n: number of binaries, at least one.
            rng: source of randomness.

        Returns:
            Parameter name to values, each of shape (n,), as from the prior; the inclination as it is detected.
        """
        counts = np.bincount(rng.integers(self.n_strata, size=n), minlength=self.n_strata)
        draws = [self._strata[index].sample(int(counts[index]), rng) for index in np.flatnonzero(counts)]
        order = rng.permutation(n)
        binaries = {name: np.concatenate([draw[name] for draw in draws])[order] for name in draws[0]}
        if "cos_iota" in binaries:
            binaries["cos_iota"] = _sample_inclinations(n, rng)
        return binaries

    def log_weight(self, chirp_mass: ArrayLike) -> NDArray[np.float64]:
        """Logarithm of the importance weight, ln(pi / p).

        Args:
            chirp_mass: chirp masses of any shape, solar masses.

        Returns:
            Log weights, same shape.
        """
        stratum = np.searchsorted(self.edges, np.asarray(chirp_mass), side="right") - 1
        return self._log_weights[np.clip(stratum, 0, self.n_strata - 1)]

    def log_normalisation(self, template_mass: ArrayLike, snr: ArrayLike) -> NDArray[np.float64]:
        """Logarithm of the function g of the data, by which weights are divided.

        Args:
            template_mass: chirp masses of the best templates, any shape, solar masses.
            snr: signal-to-noise ratios of these templates in all detectors together, same shape.

        Returns:
            ln g, same shape.
        """
        chance = np.exp(-((np.asarray(snr) / _QUIET_SNR) ** 2))
        return np.asarray(np.log((1 - chance) * np.exp(self.log_weight(template_mass)) + chance))


def _sample_inclinations(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Cosines of the inclination, by the inverse of their distribution function on a fine grid, shape (n,)."""
    edges = np.linspace(-1.0, 1.0, _INCLINATIONS + 1)
    cosine = 0.5 * (edges[1:] + edges[:-1])
    mass = ((0.5 * (1 + cosine**2)) ** 2 + cosine**2) ** 1.5
    below = np.concatenate([[0.0], mass.cumsum() / mass.sum()])
    return np.asarray(np.interp(rng.random(n), below, edges))
