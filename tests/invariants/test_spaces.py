"""Parameter spaces: round trips, Jacobians, and samples that never leave the prior."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import aligned_space

PRIORS = {
    "default": IntrinsicPrior(),
    "bbh": IntrinsicPrior(chirp_mass_min=12.0),
    "bbh-long": IntrinsicPrior(chirp_mass_max=16.0),
    "slow spins": IntrinsicPrior(mass_min=10.0, mass_max=60.0, spin_max=0.3),
    "mass ratio never binds": IntrinsicPrior(mass_min=30.0, mass_max=60.0),
}
priors = pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS.keys())
coordinate = st.floats(-5.0, 5.0)
FARTHEST = -float(torch.special.ndtri(torch.tensor(1e-7, dtype=torch.float64)))
NAMES = ("chirp_mass", "mass_ratio", "chi_1", "chi_2")


def draws(prior: IntrinsicPrior, n: int, seed: int = 0) -> Tensor:
    samples = prior.sample(n, np.random.default_rng(seed))
    return torch.from_numpy(np.stack([samples[name] for name in NAMES], axis=1))


@priors
def test_round_trip_from_parameters(prior: IntrinsicPrior) -> None:
    support, theta = aligned_space(prior).bijection, draws(prior, 2000)
    torch.testing.assert_close(support.inv(support(theta)), theta, rtol=1e-6, atol=2e-6)


@priors
def test_round_trip_from_coordinates(prior: IntrinsicPrior) -> None:
    support = aligned_space(prior).bijection
    z = 1.5 * torch.randn(2000, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(support(support.inv(z)), z.clamp(-FARTHEST, FARTHEST), rtol=1e-4, atol=1e-4)


@priors
def test_jacobian_against_finite_differences(prior: IntrinsicPrior) -> None:
    support, theta = aligned_space(prior).bijection, draws(prior, 200, seed=1)
    z = support(theta)
    theta = theta[(z.abs() < 2.5).all(-1)]
    steps = 1e-6 * torch.tensor([theta[:, 0].min(), 1.0, 1.0, 1.0], dtype=torch.float64).diag()
    columns = [(support(theta + step) - support(theta - step)) / (2 * step.sum()) for step in steps]
    expected = torch.linalg.slogdet(torch.stack(columns, dim=-1)).logabsdet
    found = support.log_abs_det_jacobian(theta, support(theta))
    # Where a bound of the prior takes over, its range of mass ratios has a kink.
    error = (found - expected).abs()
    assert error.median() < 1e-6
    assert (error < 1e-4).float().mean() > 0.98
    assert len(theta) > 100


@priors
def test_jacobian_of_the_inverse_is_the_negative(prior: IntrinsicPrior) -> None:
    support = aligned_space(prior).bijection
    z = torch.randn(50, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    theta = support.inv(z)
    found, expected = support.inv.log_abs_det_jacobian(z, theta), -support.log_abs_det_jacobian(theta, z)
    torch.testing.assert_close(found, expected)


@given(st.sampled_from(sorted(PRIORS)), coordinate, coordinate, coordinate, coordinate)
@settings(max_examples=200, deadline=None)
def test_every_point_lies_inside_the_prior(name: str, a: float, b: float, c: float, d: float) -> None:
    prior = PRIORS[name]
    theta = aligned_space(prior).bijection.inv(torch.tensor([a, b, c, d], dtype=torch.float64))
    values = {key: np.array([float(value)]) for key, value in zip(NAMES, theta, strict=True)}
    assert np.isfinite(prior.log_prob(values))
    assert torch.isfinite(aligned_space(prior).bijection(theta)).all()


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
@settings(max_examples=100, deadline=None)
def test_far_points_land_on_the_edge_and_not_beyond(a: float, b: float, c: float, d: float) -> None:
    prior = PRIORS["default"]
    chirp_mass, mass_ratio, *spins = (
        aligned_space(prior).bijection.inv(torch.tensor([a, b, c, d], dtype=torch.float64)).tolist()
    )
    lowest, highest = prior.chirp_mass_range
    assert lowest <= chirp_mass <= highest
    assert prior.mass_ratio_lower(chirp_mass) * (1 - 1e-9) <= mass_ratio <= 1
    assert all(-0.99 <= spin <= 0.99 for spin in spins)


@priors
def test_the_whole_support_is_reached(prior: IntrinsicPrior) -> None:
    z = aligned_space(prior).bijection(draws(prior, 4000, seed=3))
    assert torch.isfinite(z).all()
    assert (z.amax(0) > 2.0).all()
    assert (z.amin(0) < -1.5).all()


@priors
def test_prior_edges_are_the_ends_of_the_coordinates(prior: IntrinsicPrior) -> None:
    support, (lowest, highest) = aligned_space(prior).bijection, prior.chirp_mass_range
    middle = (lowest * highest) ** 0.5
    least = float(prior.mass_ratio_lower(middle))
    spin = prior.spin_max
    edges = torch.tensor([[lowest, 1, 0, 0], [highest, 1, 0, 0], [middle, least, 0, 0], [middle, 1, 0, 0],
                          [middle, 1, -spin, -spin], [middle, 1, spin, spin], [middle, 0.9, 0, -spin],
                          [middle, 0.9, 0, spin]], dtype=torch.float64)  # fmt: skip
    z = support(edges)
    ends = z[torch.arange(8), torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])]
    assert (ends[:6].abs() > 5.1).all()
    assert torch.equal(ends.sign(), torch.tensor([-1.0, 1.0] * 4, dtype=torch.float64))


def test_batch_equals_loop() -> None:
    support, theta = aligned_space(PRIORS["bbh"]).bijection, draws(PRIORS["bbh"], 6)
    shaped = theta.reshape(2, 3, 4)
    z = support(shaped)
    assert z.shape == (2, 3, 4)
    assert support.log_abs_det_jacobian(shaped, z).shape == (2, 3)
    for one, row in zip(theta, z.reshape(6, 4), strict=True):
        torch.testing.assert_close(support(one), row)
