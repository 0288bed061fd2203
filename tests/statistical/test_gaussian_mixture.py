"""The fit of a Gaussian mixture to more draws than it uses follows their weights."""

import numpy as np
import pytest

from chirpleaf.inference.certify.gaussian_mixture import GaussianMixture
from chirpleaf.inference.certify.mixture_settings import MixtureFitSettings


@pytest.mark.parametrize("most", [2_000, 1_000_000])
def test_weights_of_draws_are_followed(most: int) -> None:
    z = np.random.default_rng(0).normal(size=(40_000, 2))
    log_weight = 1.0 * z[:, 0] - 0.5  # moves the mean by one standard deviation
    settings = MixtureFitSettings(broadening=1.0, covariance_floor=0.0, most_draws=most)
    found = GaussianMixture.fit(z, log_weight, settings, seed=1).sample(20_000, seed=2)
    assert found.mean(axis=0) == pytest.approx([1.0, 0.0], abs=0.1)
    assert np.cov(found.T) == pytest.approx(np.eye(2), abs=0.15)
