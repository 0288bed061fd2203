"""Coordinates of a target whose spins precess: by magnitude and tilt, in which its prior is standard normal."""

import numpy as np
import pytest
import torch
from scipy import stats

from chirpleaf.inference.certify.coordinates import FreeParameters, make_target_coordinates
from chirpleaf.inference.certify.magnitudes_and_tilts import draw_spins
from chirpleaf.inference.certify.target import Target
from chirpleaf.physics.distributions import Marginal, Uniform
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.spaces import precessing_space

NETWORK = PrecessingPrior(mass_min=10.0, mass_max=80.0, chirp_mass_min=15.0, chirp_mass_max=60.0)
SPACE = precessing_space(NETWORK)
NARROW: dict[str, Marginal] = {"a_1": Uniform(0.60, 0.61), "tilt_1": Uniform(1.0, 1.1)}
SPINS = {
    "tilts": NARROW | {"a_2": Uniform(0.0, 0.1), "tilt_2": Uniform(0.2, 3.0)},
    "a cosine": NARROW | {"a_2": Uniform(0.0, 0.1), "cos_tilt_2": Uniform(-0.5, 1.0)},
    "one spin": NARROW,
}
spins = pytest.mark.parametrize("priors", SPINS.values(), ids=SPINS)


@spins
@pytest.mark.parametrize("fixed", [{}, {"chirp_mass": 30.0, "mass_ratio": 0.8}], ids=["free", "fixed masses"])
def test_round_trip_and_jacobian(priors: dict[str, Marginal], fixed: dict[str, float]) -> None:
    target = Target(NETWORK, spins=priors, fixed=fixed)
    free = FreeParameters.of(SPACE, target)
    coordinates = make_target_coordinates(NETWORK, target, free)
    z = torch.from_numpy(np.random.default_rng(0).standard_normal((50, len(free.names))))
    theta = coordinates.inv(z)
    np.testing.assert_allclose(coordinates(theta), z, atol=1e-6)
    step = 1e-6
    slopes = torch.stack(
        [
            (coordinates.inv(z + step * unit) - coordinates.inv(z - step * unit)) / (2 * step)
            for unit in torch.eye(len(free.names), dtype=torch.float64)
        ],
        dim=-1,
    )
    np.testing.assert_allclose(coordinates.log_abs_det_jacobian(theta, z), -slopes.det().abs().log(), atol=1e-3)


@spins
def test_normal_draws_have_the_spins_of_the_prior(priors: dict[str, Marginal]) -> None:
    target = Target(NETWORK, spins=priors)
    free = FreeParameters.of(SPACE, target)
    z = torch.from_numpy(np.random.default_rng(1).standard_normal((4000, len(free.names))))
    drawn = draw_spins(priors, 4000, np.random.default_rng(2))
    for samples in (free.unstack(make_target_coordinates(NETWORK, target, free).inv(z)), drawn):
        for name, marginal in priors.items():
            along, radius = (samples[f"chi_{name[-1]}{part}"] for part in ("", "_in_plane"))
            found = {"a": np.hypot(along, radius), "t": np.arctan2(radius, along), "c": along / np.hypot(along, radius)}
            assert stats.kstest(found[name[0]], marginal.cumulative).pvalue > 1e-3
    assert set(drawn) == {f"chi_{name[-1]}{part}" for name in priors for part in ("", "_in_plane")}
