"""Proposals: a mixture has the density that it returns, and several proposals together are unbiased."""

import copy
from typing import cast

import numpy as np
import pytest
import torch

from chirpleaf.inference.certify.importance import ImportanceDiagnostics
from chirpleaf.inference.certify.mixture import MixtureProposal, fit_correction
from chirpleaf.inference.certify.mixture_settings import MixtureFitSettings
from chirpleaf.inference.certify.proposals import mix_log_prob
from chirpleaf.inference.observation import Observation
from chirpleaf.models import Model
from chirpleaf.models.normal import normal_coordinates
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import aligned_space, precessing_space
from chirpleaf.strain.segment import Segment

PRIOR = IntrinsicPrior(chirp_mass_min=20.0, chirp_mass_max=40.0)
SPACE = aligned_space(PRIOR)
SUPPORT = SPACE.bijection
CENTRE, SPREAD = np.array([0.2, 0.4, -0.3, 0.1]), np.array([0.2, 0.4, 0.3, 0.8])


def fit(theta: Samples, log_weight: np.ndarray) -> MixtureProposal:
    return MixtureProposal.fit(SPACE, SUPPORT, theta, log_weight, MixtureFitSettings(), seed=0)


def in_parameters(z: np.ndarray) -> Samples:
    return SPACE.unstack(SUPPORT.inv(torch.from_numpy(z)))


def log_normal(theta: Samples, centre: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Density of independent normal coordinates, per unit of the parameters."""
    values = torch.from_numpy(SPACE.stack(theta))
    z = SUPPORT(values)
    log_density = -0.5 * (((z.numpy() - centre) / spread) ** 2 + np.log(2 * np.pi * spread**2)).sum(axis=-1)
    return np.asarray(log_density + SUPPORT.log_abs_det_jacobian(values, z).numpy())


def drawn(n: int, seed: int, centre: np.ndarray, spread: np.ndarray) -> Samples:
    return in_parameters(centre + spread * np.random.default_rng(seed).standard_normal((n, 4)))


@pytest.fixture(scope="module")
def first() -> tuple[Samples, np.ndarray]:
    """Draws of a poor proposal, and ln of their weights towards the target."""
    theta = drawn(4000, 0, CENTRE + 0.5, 3 * SPREAD)
    return theta, log_normal(theta, CENTRE, SPREAD) - log_normal(theta, CENTRE + 0.5, 3 * SPREAD)


@pytest.fixture(scope="module")
def mixture(first: tuple[Samples, np.ndarray]) -> MixtureProposal:
    return fit(*first)


def test_a_mixture_is_better_than_what_it_was_fitted_to(
    first: tuple[Samples, np.ndarray], mixture: MixtureProposal
) -> None:
    theta = mixture.sample(4000, 1)
    after = ImportanceDiagnostics.from_log_weights(log_normal(theta, CENTRE, SPREAD) - mixture.log_prob(theta))
    assert ImportanceDiagnostics.from_log_weights(first[1]).efficiency < 0.05
    assert after.efficiency > 0.35
    # The target is a density: its integral is one.
    assert abs(after.log_evidence) < 4 * after.error


def test_a_mixture_integrates_to_one_over_the_prior(mixture: MixtureProposal) -> None:
    prior = PRIOR.sample(200_000, np.random.default_rng(3))
    ratio = np.exp(mixture.log_prob(prior) - PRIOR.log_prob(prior))
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / len(ratio) ** 0.5
    assert ratio.std() / len(ratio) ** 0.5 < 0.02


def test_all_draws_count_with_the_density_of_all_proposals(
    first: tuple[Samples, np.ndarray], mixture: MixtureProposal
) -> None:
    poor, more = first[0], mixture.sample(1000, 2)
    theta = {name: np.concatenate([poor[name], more[name]]) for name in SPACE.names}
    densities = np.stack([log_normal(theta, CENTRE + 0.5, 3 * SPREAD), mixture.log_prob(theta)])
    both = ImportanceDiagnostics.from_log_weights(
        log_normal(theta, CENTRE, SPREAD) - mix_log_prob(densities, [4000, 1000])
    )
    assert abs(both.log_evidence) < 4 * both.error
    assert both.effective_samples > ImportanceDiagnostics.from_log_weights(first[1]).effective_samples + 400
    # With the wrong shares it is no density, and the evidence shows it.
    wrong = ImportanceDiagnostics.from_log_weights(
        log_normal(theta, CENTRE, SPREAD) - mix_log_prob(densities, [1000, 4000])
    )
    assert abs(wrong.log_evidence) > 6 * wrong.error


def test_few_effective_draws_are_flattened_before_the_fit() -> None:
    theta = drawn(500, 5, CENTRE + 2.0, SPREAD)
    log_weight = log_normal(theta, CENTRE, 0.3 * SPREAD) - log_normal(theta, CENTRE + 2.0, SPREAD)
    assert ImportanceDiagnostics.from_log_weights(log_weight).effective_samples < 5
    mixture = fit(theta, log_weight)
    assert np.isfinite(mixture.log_prob(drawn(100, 6, CENTRE, SPREAD))).all()


@pytest.mark.parametrize(("shrinkage", "good"), [(MixtureFitSettings().shrinkage_per_number, True), (0.0, False)])
def test_covariances_of_nine_numbers_are_not_fitted_to_few_draws(shrinkage: float, good: bool) -> None:
    """400 draws do not determine 8 x 45 numbers: without shrinkage, the components follow the draws."""
    space = precessing_space(PrecessingPrior(chirp_mass_min=20.0, chirp_mass_max=40.0))
    drawn = 0.4 * np.random.default_rng(1).standard_normal((400, 9))
    settings = MixtureFitSettings(shrinkage_per_number=shrinkage)
    theta = space.unstack(space.bijection.inv(torch.from_numpy(drawn)))
    mixture = MixtureProposal.fit(space, space.bijection, theta, np.zeros(400), settings, seed=0)
    theta = mixture.sample(4000, 1)
    values = torch.from_numpy(space.stack(theta))
    z = space.bijection(values)
    normal = -0.5 * (z / 0.4).square().sum(-1) + space.bijection.log_abs_det_jacobian(values, z)
    efficiency = ImportanceDiagnostics.from_log_weights(normal.numpy() - mixture.log_prob(theta)).efficiency
    assert (efficiency > 0.4) == good


def test_a_posterior_at_the_edge_of_the_prior_is_fitted_too() -> None:
    theta = drawn(500, 5, np.array([0.0, 5.15, 0.0, 0.0]), np.array([0.1, 0.01, 0.1, 0.1]))
    mixture = fit(theta, np.zeros(500))
    assert np.isfinite(mixture.log_prob(theta)).all()


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize(("shift", "corrects"), [(0.3, True), (40.0, False)])
def test_a_correction_is_fitted_where_the_network_says_something(model: Model, shift: float, corrects: bool) -> None:
    estimator = model.posterior
    shape = (1, 2, estimator.canonical.grid.n_bins)
    noise = torch.view_as_complex(torch.randn(*shape, 2, generator=torch.Generator().manual_seed(0)))
    with torch.no_grad():
        canonical = estimator.canonical(4 * noise, torch.ones(shape))
        normal = normal_coordinates(estimator, canonical)
        z = torch.randn(2000, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        theta = SPACE.unstack(normal.inv(z))
        log_weight = -0.5 * (((z - 0.5) / 0.7).square() - z.square()).sum(-1).numpy()
        other = copy.deepcopy(model)
        other.posterior.density.head.affine.bias[2] += shift
    observation = Observation(other, cast("Segment", None), canonical, {})
    fitted = fit_correction(observation, theta, log_weight, MixtureFitSettings(), seed=0)
    assert (fitted.coordinates is not other.architecture.space.bijection) == corrects
    more = fitted.sample(2000, 1)
    values = torch.from_numpy(SPACE.stack(more))
    there = normal(values)
    target = -0.5 * (((there - 0.5) / 0.7).square() + np.log(2 * np.pi * 0.49)).sum(-1)
    found = ImportanceDiagnostics.from_log_weights(
        (target + normal.log_abs_det_jacobian(values, there)).numpy() - fitted.log_prob(more)
    )
    assert found.efficiency > 2 * ImportanceDiagnostics.from_log_weights(log_weight).efficiency
    assert abs(found.log_evidence) < 4 * found.error


def test_uniform_numbers_become_draws_of_the_mixture(mixture: MixtureProposal) -> None:
    gaussians = mixture.gaussians
    by_uniforms = gaussians.transform(np.random.default_rng(1).random((40_000, 4)))
    by_normals = gaussians.sample(40_000, 1)
    np.testing.assert_allclose(by_uniforms.mean(axis=0), by_normals.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(np.cov(by_uniforms.T), np.cov(by_normals.T), atol=0.03)
    assert gaussians.log_prob(by_uniforms).mean() == pytest.approx(gaussians.log_prob(by_normals).mean(), abs=0.03)
