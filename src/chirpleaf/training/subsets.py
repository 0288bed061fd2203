"""Subsets of detectors: which detectors are present in a training example."""

from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from chirpleaf.errors import InputError
from chirpleaf.system.constraints import FORBID_EXTRA, NonNegativeFloat, PositiveFloat


@dataclass(frozen=True)
class SubsetSettings:
    """Probabilities of the subsets of the detectors.

    The number of present detectors is drawn first, then a subset of that size with a probability proportional to the
    product of its detectors' weights. Subsets that are drawn more often are learnt better, at the cost of the others.

    Attributes:
        sizes: relative probability of 1, 2, ... present detectors; as many as there are detectors.
        weights: relative weight of each detector, in their order.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    sizes: tuple[NonNegativeFloat, ...]
    weights: tuple[PositiveFloat, ...]

    def probabilities(self, n_detectors: int) -> tuple[Bool[np.ndarray, "subset detector"], np.ndarray]:
        """All subsets with their probabilities.

        Args:
            n_detectors: number of detectors.

        Returns:
            Who is present, shape (2^n - 1, n), and the probabilities, shape (2^n - 1,).

        Raises:
            InputError: the settings are of another number of detectors, or every size has the probability zero.

        Example:
            >>> subsets, p = SubsetSettings(sizes=(0.0, 1.0), weights=(1.0, 1.0)).probabilities(2)
            >>> subsets[p > 0].tolist()
            [[True, True]]
        """
        if not len(self.sizes) == len(self.weights) == n_detectors:
            raise InputError(
                f"expected subsets.sizes and subsets.weights for {n_detectors} detectors; got {len(self.sizes)} and "
                f"{len(self.weights)} numbers: give one for each"
            )
        if not sum(self.sizes) > 0:
            raise InputError("expected subsets.sizes with a positive number; got none: give (0, ..., 1) for all")
        subsets = np.array(list(product((False, True), repeat=n_detectors))[1:])
        size = subsets.sum(1) - 1
        products = np.prod(np.where(subsets, self.weights, 1.0), axis=1)
        share = products / np.bincount(size, products)[size]
        return subsets, share * np.asarray(self.sizes)[size] / sum(self.sizes)


def sample_present(
    n: int, n_detectors: int, settings: SubsetSettings | None, generator: torch.Generator
) -> Bool[Tensor, "batch detector"]:
    """Draws which detectors are present in each example.

    Args:
        n: number of examples.
        n_detectors: number of detectors.
        settings: probabilities of the subsets; all detectors are always present when None.
        generator: source of randomness; not used when `settings` is None.

    Returns:
        Shape (n, n_detectors), with at least one detector in each row.

    Raises:
        InputError: the settings are of another number of detectors.
    """
    if settings is None:
        return torch.ones(n, n_detectors, dtype=torch.bool)
    subsets, probabilities = settings.probabilities(n_detectors)
    chosen = torch.multinomial(torch.from_numpy(probabilities), n, replacement=True, generator=generator)
    return torch.from_numpy(subsets)[chosen]
