"""Proposal: weighted draws, with the density they were drawn from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirpleaf.physics.derived import Samples
from chirpleaf.result.frozen import freeze_array, freeze_samples, is_same
from chirpleaf.result.validation import check_densities, check_samples
from chirpleaf.result.weights import effective_sample_size, relative_weights, resample_systematically
from chirpleaf.system.checks import check_integer

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Proposal:
    """Weighted draws of a proposal density. The arrays are read-only; two proposals are equal if their arrays are.

    Attributes:
        samples: parameter name to the values of all draws, each of shape (n,), in the units of `physics.parameters`.
        log_prob: ln of the density they were drawn from, per unit of the intrinsic parameters, shape (n,).
        log_weight: ln of their importance weights, shape (n,); zeros if they were not weighed, minus infinity for draws
            that are impossible.

    Raises:
        InputError: the arrays have different lengths, a sample is not finite, or a density or weight is NaN or plus
            infinity.
    """

    samples: Mapping[str, Array]
    log_prob: Array
    log_weight: Array

    def __post_init__(self) -> None:
        samples = freeze_samples(self.samples)
        log_prob, log_weight = freeze_array(self.log_prob), freeze_array(self.log_weight)
        check_samples(samples, check_densities(log_prob, log_weight))
        for name, value in (("samples", samples), ("log_prob", log_prob), ("log_weight", log_weight)):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.log_prob)

    def __repr__(self) -> str:
        return f"Proposal({len(self)} draws of {len(self.samples)} parameters)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Proposal):
            return NotImplemented
        names = ("samples", "log_prob", "log_weight")
        return all(is_same(getattr(self, name), getattr(other, name)) for name in names)

    def __hash__(self) -> int:
        return hash((Proposal, len(self)))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Proposal, (self.samples, self.log_prob, self.log_weight)  # unpickled arrays are read-only again

    @property
    def impossible(self) -> bool:
        """Whether every weight is zero: the draws say nothing about the posterior."""
        return bool(np.isneginf(self.log_weight).all())

    @property
    def weights(self) -> Array:
        """Weights divided by the largest of them, shape (n,); all one if every weight is zero (`impossible`)."""
        return np.ones(len(self)) if self.impossible else relative_weights(self.log_weight)

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

        Raises:
            InputError: `n` is no positive whole number, or `seed` is negative.
        """
        n, seed = check_integer("n", n, 1), check_integer("seed", seed, 0)
        chosen = resample_systematically(self.weights, n, seed)
        return {name: values[chosen] for name, values in self.samples.items()}
