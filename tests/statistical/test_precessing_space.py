"""Coordinates of precessing spins: the prior is standard normal, and a density across the seam loses nothing."""

import numpy as np
import torch
from scipy.stats import kstest

from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.spaces import precessing_space

SPACE = precessing_space(PrecessingPrior())
AZIMUTHS = [place for place, periodic in enumerate(SPACE.periodic) if periodic]


def coordinates(n: int) -> torch.Tensor:
    return SPACE.bijection(torch.from_numpy(SPACE.stack(SPACE.prior.sample(n, np.random.default_rng(0)))))


def test_azimuths_alone_are_periodic() -> None:
    assert [SPACE.names[place] for place in AZIMUTHS] == ["azimuth_1", "azimuth_2"]


def test_the_prior_of_spins_and_inclination_is_standard_normal() -> None:
    z = coordinates(20_000)[:, 2:]
    for column in z.T:
        assert kstest(column.numpy(), "norm").pvalue > 1e-3
    assert (torch.corrcoef(z.T) - torch.eye(7)).abs().max() < 0.03


def test_the_first_spin_coordinate_follows_the_effective_spin() -> None:
    theta = SPACE.prior.sample(5000, np.random.default_rng(0))
    z = coordinates(5000)
    chi_eff = (theta["chi_1"] + theta["mass_ratio"] * theta["chi_2"]) / (1 + theta["mass_ratio"])
    assert np.corrcoef(z[:, 2].numpy(), chi_eff)[0, 1] > 0.9
    assert abs(np.corrcoef(z[:, 3].numpy(), chi_eff)[0, 1]) < 0.3


def test_every_turn_of_an_azimuth_is_one_point() -> None:
    theta = torch.from_numpy(SPACE.stack(SPACE.prior.sample(100, np.random.default_rng(1))))
    turned = theta.clone()
    turned[:, AZIMUTHS] += 2 * torch.pi
    torch.testing.assert_close(SPACE.bijection(turned), SPACE.bijection(theta))


def test_a_density_across_the_seam_keeps_all_its_probability() -> None:
    """A normal density in the coordinates whose azimuth lies at the seam, integrated in the parameters.

    Half of its draws are below 2 pi and half above 0; its density in the parameters, integrated over a grid of one turn
    of the azimuth at given values of all else, is that at given values of all else in the plane.
    """
    middle = SPACE.stack({name: values[:1] for name, values in SPACE.prior.sample(1, np.random.default_rng(2)).items()})
    radius, azimuth = SPACE.names.index("chi_1_in_plane"), SPACE.names.index("azimuth_1")
    middle[:, [radius, azimuth]] = 0.5, 0.0
    centre = SPACE.bijection(torch.from_numpy(middle))[0]
    density = torch.distributions.Normal(centre, 0.2)
    torch.manual_seed(0)
    draws = SPACE.bijection.inv(density.sample((4000,)))[:, azimuth]
    below = float((draws > torch.pi).double().mean())
    assert 0.4 < below < 0.6
    assert float(torch.minimum(draws, 2 * torch.pi - draws).max()) < 1.5
    # All parameters but these two as in the middle; a grid over both.
    n = 400
    lengths = torch.linspace(0.0, 0.95, n + 1, dtype=torch.float64)[1:] - 0.475 / n
    turns = (torch.arange(n, dtype=torch.float64) + 0.5) * 2 * torch.pi / n
    grid = torch.from_numpy(middle).repeat(n * n, 1)
    grid[:, radius], grid[:, azimuth] = lengths.repeat_interleave(n), turns.repeat(n)
    z = SPACE.bijection(grid)
    log_density = density.log_prob(z).sum(-1) + SPACE.bijection.log_abs_det_jacobian(grid, z)
    total = float(log_density.exp().sum() * (0.95 / n) * (2 * torch.pi / n))
    others = [place for place in range(len(SPACE)) if place not in (radius, azimuth)]
    # The Jacobian of all other coordinates, which the two do not change.
    rest = SPACE.bijection.log_abs_det_jacobian(grid, z)[0] - plane_jacobian(middle, lengths[0])
    expected = float((density.log_prob(centre)[others].sum() + rest).exp())
    assert abs(total / expected - 1) < 1e-3


def plane_jacobian(middle: np.ndarray, length: torch.Tensor) -> torch.Tensor:
    """ln |d(x, y) / d(r, azimuth)| of the first spin, by the formula for the prior: density over standard normal."""
    chi, radius = abs(float(middle[0, 2])), float(length)
    share = 0.5 * np.log1p((radius / chi) ** 2) / np.log(0.99 / chi)
    slope = radius / (chi**2 + radius**2) / np.log(0.99 / chi)
    return torch.tensor(np.log(slope / (1 - share)))
