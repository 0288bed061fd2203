"""Coordinates of a target: the prior is standard normal in them, fixed parameters are left out."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike
from scipy import stats

from chirpleaf.inference.certify.coordinates import FreeParameters, make_target_coordinates
from chirpleaf.inference.certify.target import Target
from chirpleaf.physics.distributions import PowerLaw, Uniform
from chirpleaf.physics.priors import IntrinsicPrior, IsotropicSpinPrior
from chirpleaf.physics.spaces import aligned_space

NETWORK = IntrinsicPrior(chirp_mass_min=10.0, chirp_mass_max=60.0)
SPACE = aligned_space(NETWORK)


class Density:
    """A density of a prior file."""

    def log_prob(self, samples: Mapping[str, ArrayLike], /) -> np.ndarray:
        return NETWORK.log_prob(samples)


TARGETS = {
    "narrow": Target(IntrinsicPrior(spin_max=0.05)),
    "isotropic": Target(IsotropicSpinPrior(spin_max=0.9)),
    "fixed": Target(Density(), spins={"chi_2": Uniform(-0.1, 0.3)}, fixed={"chi_1": 0.1, "mass_ratio": 0.8, "ra": 1.0}),
}
targets = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@targets
def test_round_trip_and_jacobian(target: Target) -> None:
    free = FreeParameters.of(SPACE, target)
    assert set(free.names) | set(free.fixed) == set(SPACE.names)
    coordinates = make_target_coordinates(NETWORK, target, free)
    z = torch.from_numpy(np.random.default_rng(0).standard_normal((200, len(free.names))))
    theta = coordinates.inv(z)
    np.testing.assert_allclose(coordinates(theta), z, atol=1e-6)
    step = 1e-6
    log_slopes = [
        np.log((coordinates.inv(z + step * unit) - coordinates.inv(z - step * unit))[:, i].numpy() / (2 * step))
        for i, unit in enumerate(torch.eye(len(free.names), dtype=torch.float64))
    ]
    np.testing.assert_allclose(coordinates.log_abs_det_jacobian(theta, z), -np.sum(log_slopes, axis=0), atol=1e-3)


@targets
def test_spins_follow_the_prior_and_fixed_parameters_are_fixed(target: Target) -> None:
    free = FreeParameters.of(SPACE, target)
    z = torch.from_numpy(np.random.default_rng(1).standard_normal((4000, len(free.names))))
    samples = free.unstack(make_target_coordinates(NETWORK, target, free).inv(z))
    np.testing.assert_allclose(free.stack(samples), make_target_coordinates(NETWORK, target, free).inv(z))
    assert set(samples) == set(SPACE.names)
    for name, marginal in target.spins.items():
        assert stats.kstest(samples[name], marginal.cumulative).pvalue > 1e-3
    for name, value in free.fixed.items():
        np.testing.assert_array_equal(samples[name], value)


@pytest.mark.parametrize("one", [Uniform(1.0, 3.0), PowerLaw(-1.0, 2.0, 9.0), PowerLaw(2.0, 2.0, 9.0)])
def test_distribution_function_inverts_the_quantiles(one: Uniform | PowerLaw) -> None:
    levels = np.linspace(0, 1, 50)
    np.testing.assert_allclose(one.cumulative(one.quantile(levels)), levels, atol=1e-12)
    np.testing.assert_array_equal(one.cumulative([one.minimum - 1, one.maximum + 1]), [0.0, 1.0])
