"""Widths: how wide the Gaussians of Bayesian leaves must be for their intervals to hold as many truths as they say.

A Gaussian of the right mean and variance is not the posterior of a mass: where that has bounds or a long tail, the
Gaussian's 90 % hold more than 90 % of the truths. A factor on the scale of each leaf's likelihood, fitted after the
training to examples that the training never saw, makes up for what one number can. With u the probability of the
central interval that ends at the truth,

    u = erf(|y - m| / sqrt(2 (f^2 a^2 + e^2))),

of mean m, aleatoric scale a and epistemic scale e, the factor f is that for which u is distributed most evenly over
(0, 1): it minimises the Cramer-von Mises distance, in which all intervals count alike.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import erf
from scipy.stats import cramervonmises

from chirpleaf.models.leaves import LeafEstimator
from chirpleaf.networks.bayesian import Predictive
from chirpleaf.networks.leaves import BayesianLeaf
from chirpleaf.tokens import concatenate_tokens
from chirpleaf.training.batch import Batch

_WEIGHTS = 256
"""Draws of the weights for each example."""
_GREATEST = np.log(3.0)
"""ln of the greatest factor that is tried; the least is one over it."""


@torch.no_grad()
def settle_widths(estimator: LeafEstimator, batches: Sequence[Batch], seed: int = 0) -> dict[str, float]:
    """Fits the factors of an estimator's Bayesian leaves, in place.

    Args:
        estimator: trained, in evaluation mode.
        batches: examples of the prior, all of weight one.
        seed: of the draws of weights.

    Returns:
        By leaf, what its scale was multiplied by.
    """
    assert all((batch.weight == 1).all() for batch in batches)
    generator = torch.Generator().manual_seed(seed)
    features = concatenate_tokens([batch.features for batch in batches])
    truth = torch.cat([batch.target for batch in batches])
    factors = {}
    for place, (name, predictive) in enumerate(estimator.network.predictive(features, _WEIGHTS, generator).items()):
        leaf = estimator.network.leaves[name]
        assert isinstance(leaf, BayesianLeaf)
        factors[name] = evenest(predictive, truth[:, place])
        leaf.width *= factors[name]
    return factors


def evenest(predictive: Predictive, truth: torch.Tensor) -> float:
    """The factor on the aleatoric scale by which central intervals hold what they say, most evenly.

    Args:
        predictive: of a batch.
        truth: shape (batch,).

    Example:
        >>> generator = torch.Generator().manual_seed(1)
        >>> truth = torch.randn(4000, generator=generator)
        >>> twice_too_wide = Predictive(torch.zeros(1, 4000), torch.full((1, 4000), 2.0))
        >>> round(evenest(twice_too_wide, truth), 1)
        0.5
    """
    distance = (truth - predictive.mean).abs().double().numpy()
    aleatoric, epistemic = predictive.aleatoric.double().numpy(), predictive.epistemic.double().numpy()

    def unevenness(log_factor: float) -> float:
        held: NDArray[np.float64] = erf(distance / np.sqrt(2) / np.hypot(np.exp(log_factor) * aleatoric, epistemic))
        return float(cramervonmises(held, "uniform").statistic)

    return float(np.exp(minimize_scalar(unevenness, bounds=(-_GREATEST, _GREATEST), method="bounded").x))
