"""Every registered parameter space, and the tiny one: names in the table, round trips, Jacobians, density by volume."""

import pickle

import numpy as np
import pytest
import torch
from tiny import PRIOR, tiny_space

from chirpleaf.errors import InputError
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import SPACES, ParameterSpace, make_space

OWN_PRIORS = {"aligned": IntrinsicPrior(), "precessing": PrecessingPrior()}
ALL = {**{name: make(OWN_PRIORS[name]) for name, make in SPACES.items()}, "tiny": tiny_space(PRIOR)}
spaces = pytest.mark.parametrize("space", ALL.values(), ids=ALL.keys())


@spaces
def test_names_are_in_the_table_and_sizes_agree(space: ParameterSpace) -> None:
    assert set(space.names) <= set(PARAMETERS)
    assert len(space) == len(space.names) == len(space.periodic)


@spaces
def test_prior_draws_the_parameters_and_unstacks_what_it_stacks(space: ParameterSpace) -> None:
    samples = space.prior.sample(100, np.random.default_rng(0))
    assert set(samples) == set(space.names)
    theta = space.stack({**samples, "further": np.zeros(100)})
    assert theta.shape == (100, len(space))
    for found in (space.unstack(theta), space.unstack(torch.from_numpy(theta))):
        assert all(np.array_equal(found[name], samples[name]) for name in space.names)
    assert space.stack({name: values[0] for name, values in samples.items()}).shape == (len(space),)
    assert all(len(values) == 3 for values in space.select(samples, slice(3)).values())


@spaces
def test_round_trip_and_jacobian(space: ParameterSpace) -> None:
    theta = torch.from_numpy(space.stack(space.prior.sample(300, np.random.default_rng(1))))
    z = space.bijection(theta)
    inner = (z.abs() < 2.5).all(-1)
    theta, z = theta[inner], z[inner]
    torch.testing.assert_close(space.bijection.inv(z), theta, rtol=1e-6, atol=1e-6)
    steps = 1e-6 * theta.abs().amax(0).clamp_min(1.0).diag()
    columns = [(space.bijection(theta + step) - space.bijection(theta - step)) / (2 * step.sum()) for step in steps]
    expected = torch.linalg.slogdet(torch.stack(columns, dim=-1)).logabsdet
    assert (space.bijection.log_abs_det_jacobian(theta, z) - expected).abs().median() < 1e-6


@spaces
def test_prior_density_is_normalised_in_unconstrained_coordinates(space: ParameterSpace) -> None:
    """The integral of the prior over the coordinates, by draws of a normal density that is a little wider."""
    generator = torch.Generator().manual_seed(2)
    z = 1.2 * torch.randn(100_000, len(space), generator=generator, dtype=torch.float64)
    proposal = torch.distributions.Normal(0.0, 1.2).log_prob(z).sum(-1)
    theta = space.bijection.inv(z)
    log_prior = torch.from_numpy(space.prior.log_prob(space.unstack(theta)))
    weight = (log_prior - space.bijection.log_abs_det_jacobian(theta, z) - proposal).exp()
    error = float(weight.std() / len(weight) ** 0.5)
    assert error < 0.02
    assert abs(float(weight.mean()) - 1) < 5 * error


@spaces
def test_spaces_travel_to_other_processes(space: ParameterSpace) -> None:
    theta = torch.from_numpy(space.stack(space.prior.sample(5, np.random.default_rng(3))))
    assert torch.equal(pickle.loads(pickle.dumps(space)).bijection(theta), space.bijection(theta))


def test_an_unknown_space_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected a parameter space among aligned.*; got 'flat'"):
        make_space(IntrinsicPrior(), "flat")
