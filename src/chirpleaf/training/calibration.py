"""Calibration of Bayesian leaves: a factor on each Gaussian's width that makes its central intervals hold.

A Gaussian with the right mean and variance is not the posterior of a mass: where the posterior has bounds or a long
tail, the Gaussian's 90 % interval contains more than 90 % of the true values. A factor on the scale of each leaf's
likelihood, fitted after training to examples outside the training set, corrects this as far as one number can. The
central interval that ends at the truth has the probability

    u = erf(|y - m| / sqrt(2 (f^2 a^2 + e^2)))

for mean m, aleatoric scale a and epistemic scale e. The factor f minimises the Cramer-von Mises distance of the
distribution of u from the uniform one on (0, 1), which weighs all intervals equally.
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

_WEIGHT_DRAWS = 256
"""Draws of the network's weights for each example: more resolve the epistemic scale better, and take longer."""
_GREATEST_LOG_FACTOR = np.log(3.0)
"""Bound on |ln f| in the search for the factor."""


@torch.no_grad()
def calibrate_intervals(estimator: LeafEstimator, batches: Sequence[Batch], *, seed: int = 0) -> dict[str, float]:
    """Fits the width factors of an estimator's Bayesian leaves, and applies them in place.

    Args:
        estimator: trained estimator in evaluation mode.
        batches: examples drawn from the prior, all of weight one.
        seed: seed of the draws of the network's weights.

    Returns:
        Name of each leaf to the factor that its scale was multiplied by.
    """
    assert all((batch.weight == 1).all() for batch in batches)
    generator = torch.Generator().manual_seed(seed)
    tokens = concatenate_tokens([batch.tokens for batch in batches])
    truth = torch.cat([batch.target for batch in batches])
    factors = {}
    predictives = estimator.network.predictive(tokens, _WEIGHT_DRAWS, generator)
    for place, (name, predictive) in enumerate(predictives.items()):
        leaf = estimator.network.leaves[name]
        assert isinstance(leaf, BayesianLeaf)
        factors[name] = fit_width_factor(predictive, truth[:, place])
        leaf.interval_scale *= factors[name]
    return factors


def fit_width_factor(predictive: Predictive, truth: torch.Tensor) -> float:
    """Fits the factor on the aleatoric scale that makes central intervals hold.

    Args:
        predictive: predictive distributions of a batch.
        truth: true values in the same units, shape (batch,).

    Returns:
        The factor, between 1/3 and 3.

    Example:
        >>> generator = torch.Generator().manual_seed(1)
        >>> truth = torch.randn(4000, generator=generator)
        >>> twice_too_wide = Predictive(torch.zeros(1, 4000), torch.full((1, 4000), 2.0))
        >>> round(fit_width_factor(twice_too_wide, truth), 1)
        0.5
    """
    distance = (truth - predictive.mean).abs().double().numpy()
    aleatoric, epistemic = predictive.aleatoric.double().numpy(), predictive.epistemic.double().numpy()

    def distance_from_uniform(log_factor: float) -> float:
        scale = np.hypot(np.exp(log_factor) * aleatoric, epistemic)
        probability: NDArray[np.float64] = erf(distance / np.sqrt(2) / scale)
        return float(cramervonmises(probability, "uniform").statistic)

    bounds = (-_GREATEST_LOG_FACTOR, _GREATEST_LOG_FACTOR)
    return float(np.exp(minimize_scalar(distance_from_uniform, bounds=bounds, method="bounded").x))
