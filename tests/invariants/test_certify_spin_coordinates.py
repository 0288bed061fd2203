"""Coordinates of a target with other spins: exact bijections in which its prior of the spins is standard normal."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from scipy import stats

from chirpleaf.inference.certify.settings import SpinCoordinateSettings
from chirpleaf.inference.certify.spin_coordinates import SecondSpinTransport
from chirpleaf.physics.distributions import Marginal, ProjectedSpin, Uniform
from chirpleaf.physics.priors import IntrinsicPrior, IsotropicSpinPrior
from chirpleaf.physics.spaces import aligned_space

NETWORK = IntrinsicPrior(chirp_mass_min=20.0, chirp_mass_max=40.0)
SPACE = aligned_space(NETWORK)
DEFAULT, EXACT = SpinCoordinateSettings(), SpinCoordinateSettings(cells=256, background=1e-6)
SPINS: Mapping[str, tuple[Marginal, Marginal]] = {
    "isotropic": (ProjectedSpin(0.99), ProjectedSpin(0.99)),
    "one narrow": (Uniform(-0.99, 0.99), Uniform(-0.1, 0.05)),
}
spins = pytest.mark.parametrize("name", SPINS)


def transport(name: str, settings: SpinCoordinateSettings = DEFAULT) -> SecondSpinTransport:
    return SecondSpinTransport(SPACE.bijection, NETWORK.spin_max, *SPINS[name], settings)


@spins
def test_round_trip_and_jacobian(name: str) -> None:
    bijection = transport(name)
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((500, 4)))
    y = bijection(x)
    torch.testing.assert_close(y[:, :3], x[:, :3])
    torch.testing.assert_close(bijection.inv(y), x, rtol=0, atol=1e-6)
    step = torch.tensor([0.0, 0.0, 0.0, 1e-7], dtype=torch.float64)
    slope = (bijection(x + step) - bijection(x - step))[:, 3] / 2e-7
    found = bijection.log_abs_det_jacobian(x, y)
    # The slope jumps at the edges of the cells.
    assert (torch.isclose(found, slope.log(), rtol=0, atol=1e-4)).double().mean() > 0.99


def test_projections_of_isotropic_spins_become_standard_normal() -> None:
    prior = IsotropicSpinPrior(chirp_mass_min=20.0, chirp_mass_max=40.0)
    x = SPACE.bijection(torch.from_numpy(SPACE.stack(prior.sample(4000, np.random.default_rng(1)))))
    last = transport("isotropic", EXACT)(x)[:, 3].numpy()
    assert stats.kstest(last, "norm").pvalue > 1e-3
    assert stats.kstest(x[:, 3].numpy(), "norm").pvalue < 1e-12
    # The coordinate is independent of the others: the prior of chi_2 is conditional on mass ratio and effective spin.
    for other in range(3):
        assert abs(stats.spearmanr(last, x[:, other].numpy()).statistic) < 4 / 4000**0.5


def test_draws_avoid_spins_that_the_target_excludes() -> None:
    normal = torch.from_numpy(np.random.default_rng(2).standard_normal((4000, 4)))
    share = 0.1
    bijection = transport("one narrow", SpinCoordinateSettings(cells=256, background=share))
    chi_2 = SPACE.bijection.inv(bijection.inv(normal))[:, 3].numpy()
    # Binaries whose mass ratio and effective spin exclude the range are left as they are.
    outside = np.mean((chi_2 < -0.11) | (chi_2 > 0.06))
    untouched = SPACE.bijection.inv(normal)[:, 3].numpy()
    assert outside < 0.5 < np.mean((untouched < -0.11) | (untouched > 0.06))
    assert np.isfinite(bijection.log_abs_det_jacobian(normal, bijection(normal)).numpy()).all()
