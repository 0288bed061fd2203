"""Targets of leaves: round trips and range."""

import numpy as np
import pytest
import torch

from chirpleaf.errors import InputError
from chirpleaf.models.targets import LeafTargets
from chirpleaf.physics.derived import derived
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import aligned_space, make_space

NAMES = ("mass_1", "mass_2", "final_spin", "omega_r", "omega_i")
PRIOR = IntrinsicPrior()


@pytest.fixture(scope="module")
def theta() -> torch.Tensor:
    samples = PRIOR.sample(5000, np.random.default_rng(0))
    return torch.from_numpy(aligned_space(PRIOR).stack(samples))


def test_there_and_back(theta: torch.Tensor) -> None:
    targets, expected = (
        LeafTargets(NAMES, aligned_space(PRIOR)),
        derived(make_space(PRIOR).unstack(theta)),
    )
    for name, found in targets.inv(targets(theta)).items():
        np.testing.assert_allclose(found.numpy(), expected[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_targets_spread_alike(theta: torch.Tensor) -> None:
    scaled = LeafTargets(NAMES, aligned_space(PRIOR))(theta)
    assert scaled.shape == (5000, 5)
    assert scaled.abs().quantile(0.99) < 1.05
    spread = scaled.std(0)
    assert spread.max() < 3 * spread.min()


def test_equal_steps_of_a_mass_are_equal_ratios() -> None:
    steps = LeafTargets(("mass_1",), aligned_space(PRIOR)).inv(torch.linspace(-1, 1, 5)[:, None])["mass_1"]
    torch.testing.assert_close(steps[1:] / steps[:-1], (steps[1] / steps[0]).expand(4))
    assert [steps[0].item(), steps[-1].item()] == pytest.approx([PRIOR.mass_min, PRIOR.mass_max])


@pytest.mark.parametrize("names", [(), ("mass_1", "luminosity_distance")])
def test_other_quantities_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"expected leaves of mass_1, .*; got .*: mend the preset"):
        LeafTargets(names, aligned_space(PRIOR))
