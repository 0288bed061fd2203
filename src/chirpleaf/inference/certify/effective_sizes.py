"""Effective numbers of extrinsic points, and of pairs of a draw and a point.

Each draw i is paired with all points j of its round (`marginal`). The weights W_ij of the pairs, whose sum over the
points is the importance weight W_i of the draw, give

    draws = W^2 / sum_i W_i^2,    points = W^2 / sum_j (sum_i W_ij)^2,    pairs = W^2 / sum W_ij^2,    W = sum_i W_i,

with points of different rounds counted apart. Many pairs may come from a handful of draws or of points, and are then no
posterior: every one of the three must be large.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from chirpleaf.inference.certify.draws import EvaluatedDraws
from chirpleaf.result.weights import relative_weights


class EffectiveSizes(NamedTuple):
    """Effective numbers; zero if every weight is zero.

    Attributes:
        points: extrinsic points.
        pairs: pairs of a draw and a point.
    """

    points: float
    pairs: float


def count_effective_sizes(draws: EvaluatedDraws, log_weight: Float64[np.ndarray, " n"]) -> EffectiveSizes:
    """Counts effective points and pairs.

    Args:
        draws: draws with the error of their likelihood and the weights of the points of their rounds.
        log_weight: ln of the importance weights of the draws, shape (n,).

    Returns:
        The sizes. Within a round, the draws have the weights of their own proposal; the rounds have those of
        `log_weight`.
    """
    weight = relative_weights(log_weight)
    total = weight.sum()
    if not total:
        return EffectiveSizes(0.0, 0.0)
    rounds, place = np.unique(draws.rounds, return_inverse=True)
    share = np.bincount(place, weight / total, minlength=len(rounds))
    sky_weight = draws.directions[:, 2].reshape(len(rounds), -1)
    top = sky_weight.max(axis=1, keepdims=True)
    own = np.exp(sky_weight - np.where(np.isfinite(top), top, 0.0))
    squares = np.square(own / np.maximum(own.sum(axis=1, keepdims=True), np.finfo(float).tiny)).sum(axis=1)
    # The error of ln L is the scatter of the weights of a draw's points.
    points = sky_weight.shape[1]
    of_draw = (1 + np.square(draws.error) * (points - 1)) / points
    live = weight > 0
    pairs = np.square(weight[live] / total) @ of_draw[live]
    return EffectiveSizes(float(1 / (np.square(share) @ squares)), float(1 / pairs))
