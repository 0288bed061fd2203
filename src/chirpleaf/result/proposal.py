"""Proposal: weighted draws, with the density they were drawn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chirpleaf.physics.derived import Samples
from chirpleaf.result.weights import effective_sample_size, relative_weights, resample_systematically

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Proposal:
    """Weighted draws of a proposal density.

    Attributes:
        samples: parameter name to the values of all draws, each of shape (n,), in the units of `physics.parameters`.
        log_prob: ln of the density they were drawn from, per unit of the intrinsic parameters, shape (n,).
        log_weight: ln of their importance weights, shape (n,); zeros if they were not weighed.
    """

    samples: Samples
    log_prob: Array
    log_weight: Array

    def __len__(self) -> int:
        return len(self.log_prob)

    @property
    def weights(self) -> Array:
        """Weights divided by the largest of them, shape (n,); all one if every weight is zero."""
        weight = relative_weights(self.log_weight)
        return weight if weight.any() else np.ones(len(self))

    @property
    def equally_weighted(self) -> bool:
        """Whether all draws have the same weight."""
        return not np.ptp(self.weights)

    @property
    def effective_sample_size(self) -> int:
        """Effective sample size, rounded down, at least one."""
        return max(int(effective_sample_size(self.weights)), 1)

    def resample(self, n: int, seed: int) -> Samples:
        """Draws samples of equal weight by systematic resampling.

        Args:
            n: number of samples.
            seed: seed of the resampling.

        Returns:
            Parameter name to values, each of shape (n,). Draws of large weight occur repeatedly.
        """
        chosen = resample_systematically(self.weights, n, seed)
        return {name: values[chosen] for name, values in self.samples.items()}
