"""Edges of the network's prior that the posterior reaches.

The network proposes only within its own prior. If the target extends beyond an edge of this prior, the draws cover the
posterior only if it is negligible there.
"""

import numpy as np
from numpy.typing import NDArray

from chirpleaf.inference.certify.settings import DEFAULTS, PriorSettings
from chirpleaf.inference.certify.target import Target
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.edges import Edge
from chirpleaf.physics.priors import IntrinsicDensity
from chirpleaf.physics.spaces import ParameterSpace
from chirpleaf.result.weights import relative_weights

Array = NDArray[np.float64]

_NEGLIGIBLE = 1e-9
"""Weight outside of the heaviest draw below which the draws have no spread."""


def find_reached_edges(
    samples: Samples,
    log_weight: Array,
    space: ParameterSpace,
    target: Target,
    settings: PriorSettings = DEFAULTS.prior,
) -> tuple[str, ...]:
    """Finds the edges beyond which too much of the posterior may lie.

    The density of the samples in a narrow strip along an edge is extrapolated beyond the edge in proportion to the
    target, over one standard deviation of the parameter. The estimate is too high if the likelihood decreases there.

    Args:
        samples: draws of the network, of shape (n,).
        log_weight: ln of their weights towards the target, shape (n,), of any scale.
        space: parameters of the network, with the prior that it proposes within.
        target: target prior of the weights.
        settings: settings of the estimate.

    Returns:
        A sentence for each edge that the posterior reaches.
    """
    finite = np.isfinite(log_weight)
    if target.intrinsic == space.prior or not finite.any():
        return ()
    theta = {name: np.asarray(samples[name])[finite] for name in space.names}
    weight = relative_weights(log_weight[finite])
    weight /= weight.sum()
    losses = ((edge, _estimate_loss(edge, theta, weight, target.intrinsic, settings)) for edge in space.prior.edges())
    return tuple(
        f"about {100 * loss:.0f} % of the posterior may lie beyond {edge.description}, where the network's prior ends "
        f"and {target.prior} goes on: choose another --model or a narrower --prior"
        for edge, loss in losses
        if loss > settings.largest_loss
    )


def _estimate_loss(
    edge: Edge, theta: Samples, weight: Array, intrinsic: IntrinsicDensity, settings: PriorSettings
) -> float:
    """Share of the posterior beyond an edge, over the part within."""
    x, place = theta[edge.name], edge.value(theta)
    free = 1.0 - float(weight @ weight)  # none is left where one draw has all the weight
    spread = float(np.sqrt(weight @ (x - weight @ x) ** 2 / free)) if free > _NEGLIGIBLE else 0.0
    strip = min(settings.strip * edge.width, spread / 2)
    near = np.flatnonzero((np.abs(x - place) <= strip) & (weight > 0))
    if strip == 0 or len(near) == 0:
        return 0.0
    some = {name: values[near] for name, values in theta.items()}
    within = intrinsic.log_prob(some)
    beyond = np.zeros(len(near))
    for step in (np.arange(settings.probes) + 0.5) / settings.probes:
        log_prob = intrinsic.log_prob({**some, edge.name: place[near] + edge.outward * step * spread})
        beyond += np.exp(log_prob - within) / settings.probes
    return float(np.sum(weight[near] * beyond) * spread / strip)
