"""Where training binaries are drawn, and the weights that leave the learnt posterior unbiased.

A prior uniform in component masses holds one binary in sixty below a chirp mass of 14: a network trained on plain draws
would hardly see them. Binaries are therefore drawn evenly over strata of ln(chirp mass), within each stratum from the
prior, and weighted by w = pi / p. A loss -w ln q(theta | d) / g(d) is minimised by the posterior under the prior pi
whatever the positive function g of the data. The best one would be the mean of w given d, so that no data outweigh
others; with M the chirp mass of the best template and rho its signal-to-noise,

    g(d) = (1 - a) w(M) + a,        a = exp(-(rho / 8)^2),

a being about how often noise has chosen the template. Without it, a light or heavy template chosen by noise, where w(M)
is next to nothing, would give its example the weight of a thousand others.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.physics.priors import IntrinsicPrior

_QUIET = 8.0
"""Signal-to-noise below which noise may well have chosen the template."""


@dataclass(frozen=True)
class StratifiedProposal:
    """Draws evenly over equal strata of ln(chirp mass).

    Args:
        prior: the prior within the strata.
        n_strata: number of strata.

    Example:
        >>> proposal = StratifiedProposal(IntrinsicPrior(), n_strata=8)
        >>> binaries = proposal.sample(80, np.random.default_rng(1))
        >>> binaries["chirp_mass"].shape
        (80,)
    """

    prior: IntrinsicPrior
    n_strata: int = 64

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """Edges of the strata, shape (n_strata + 1,), solar masses."""
        return np.geomspace(*self.prior.chirp_mass_range, self.n_strata + 1)

    @cached_property
    def _strata(self) -> list[IntrinsicPrior]:
        limits = zip(self.edges[:-1], self.edges[1:], strict=True)
        return [replace(self.prior, chirp_mass_min=low, chirp_mass_max=high) for low, high in limits]

    @cached_property
    def _log_weights(self) -> NDArray[np.float64]:
        areas = np.array([stratum.area for stratum in self._strata])
        return np.log(areas / areas.sum() * self.n_strata)

    def sample(self, n: int, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Draws binaries in random order.

        Args:
            n: how many, at least one.
            rng: source of randomness.

        Returns:
            `chirp_mass` (solar masses), `mass_ratio`, `chi_1`, `chi_2`, each of shape (n,).
        """
        counts = np.bincount(rng.integers(self.n_strata, size=n), minlength=self.n_strata)
        draws = [self._strata[index].sample(int(counts[index]), rng) for index in np.flatnonzero(counts)]
        order = rng.permutation(n)
        return {name: np.concatenate([draw[name] for draw in draws])[order] for name in draws[0]}

    def log_weight(self, chirp_mass: ArrayLike) -> NDArray[np.float64]:
        """ln(pi / p), prior over proposal.

        Args:
            chirp_mass: any shape, solar masses.

        Returns:
            Log weights, same shape.
        """
        stratum = np.searchsorted(self.edges, np.asarray(chirp_mass), side="right") - 1
        return self._log_weights[np.clip(stratum, 0, self.n_strata - 1)]

    def log_norm(self, found: ArrayLike, snr: ArrayLike) -> NDArray[np.float64]:
        """ln g of data.

        Args:
            found: chirp masses of their best templates, any shape, solar masses.
            snr: network signal-to-noises of these, same shape.

        Returns:
            Same shape.
        """
        chance = np.exp(-((np.asarray(snr) / _QUIET) ** 2))
        return np.asarray(np.log((1 - chance) * np.exp(self.log_weight(found)) + chance))
