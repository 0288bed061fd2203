"""Draws with their target density: intrinsic parameters, and one extrinsic point for each."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy.typing import NDArray

from chirpleaf.physics.derived import Samples

Array = NDArray[np.float64]


class EvaluatedDraws(NamedTuple):
    """Draws with their target density.

    Attributes:
        samples: intrinsic and extrinsic parameters, each of shape (n,).
        log_target: ln of marginal likelihood times prior, shape (n,); minus infinity where the waveform fails.
        error: standard error of `log_target` from the finite number of extrinsic points, shape (n,).
        directions: right ascension (rad), declination (rad) and ln of the sky weight of every extrinsic point, summed
            over the draws, shape (m, 3).
        failed: whether the waveform cannot be computed, shape (n,).
        rounds: number of the round of each draw, shape (n,). Draws of a round share extrinsic points, of which every
            round has as many; rounds and points are in the same order.
    """

    samples: Samples
    log_target: Float64[np.ndarray, " n"]
    error: Float64[np.ndarray, " n"]
    directions: Float64[np.ndarray, "m 3"]
    failed: Bool[np.ndarray, " n"]
    rounds: Int64[np.ndarray, " n"]

    @classmethod
    def concatenate(cls, batches: Sequence["EvaluatedDraws"]) -> "EvaluatedDraws":
        """Joins batches, in their order.

        Args:
            batches: at least one, all of the same parameters.
        """
        samples = {name: np.concatenate([batch.samples[name] for batch in batches]) for name in batches[0].samples}
        rest = (np.concatenate(columns) for columns in zip(*(batch[1:] for batch in batches), strict=True))
        return cls(samples, *rest)
