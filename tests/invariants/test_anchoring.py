"""Anchoring: round trips, Jacobians, and similar signals have similar anchored coordinates."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from chirpleaf.models import Architecture, PosteriorEstimator
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.representation.anchoring import Along
from chirpleaf.representation.templates import TemplateSettings

MASS_RATIO = 0.7


@pytest.fixture(scope="module", params=["chirp_mass", "phase"])
def along(request: pytest.FixtureRequest) -> Along:
    return request.param


@pytest.fixture(scope="module")
def light(architecture: Architecture) -> Architecture:
    return replace(
        architecture,
        duration=16.0,
        prior=IntrinsicPrior(chirp_mass_min=8.0, chirp_mass_max=12.0),
        templates=TemplateSettings(phase_step=40.0, mass_ratio=MASS_RATIO),
    )


@pytest.fixture(scope="module")
def estimator(light: Architecture, along: Along) -> PosteriorEstimator:
    return build(replace(light, along=along))


def build(architecture: Architecture) -> PosteriorEstimator:
    return cast(PosteriorEstimator, architecture.build())


def templates_in(estimator: PosteriorEstimator) -> Tensor:
    """The templates' own unconstrained coordinates, (template, 4)."""
    chirp_mass, chi = estimator.canonical.chirp_mass.double(), estimator.canonical.chi_eff.double()
    return estimator.space.bijection(torch.stack([chirp_mass, torch.full_like(chi, MASS_RATIO), chi, chi], dim=-1))


def test_round_trip(estimator: PosteriorEstimator) -> None:
    templates = torch.arange(estimator.canonical.bank.n_templates)
    coordinates = torch.randn(3, len(templates), 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    anchored = estimator.anchoring.at(templates)(coordinates)
    torch.testing.assert_close(estimator.anchoring.at(templates).inv(anchored), coordinates, rtol=0, atol=1e-5)
    torch.testing.assert_close(anchored[..., 1:], coordinates[..., 1:], rtol=0, atol=0)


def test_templates_sit_at_zero(estimator: PosteriorEstimator) -> None:
    anchored = estimator.anchoring.at(torch.arange(estimator.canonical.bank.n_templates))(templates_in(estimator))
    assert anchored[:, 0].abs().max() < 1e-3


def test_scale_is_the_jacobian(estimator: PosteriorEstimator) -> None:
    template = torch.tensor([estimator.canonical.bank.n_templates // 2])
    middle = torch.tensor([[0.1, 0.3, -0.4, 0.2]], dtype=torch.float64)
    step = 1e-2 * torch.eye(4, dtype=torch.float64)
    with torch.no_grad():
        ahead, behind = (estimator.anchoring.at(template.expand(4))(middle + sign * step) for sign in (1, -1))
    jacobian = (ahead - behind).double() / 2e-2
    log_volume = torch.linalg.slogdet(jacobian).logabsdet
    assert abs(float(log_volume - estimator.anchoring.at(template).log_abs_det_jacobian(middle, middle)[0])) < 2e-3


def test_neighbours_are_one_spacing_away_along_the_chirp_mass(light: Architecture) -> None:
    estimator = build(light)
    chirp_mass, coordinates = estimator.canonical.chirp_mass, templates_in(estimator)
    first = torch.stack([(chirp_mass == rung).nonzero()[0, 0] for rung in chirp_mass.unique()])
    ahead = estimator.anchoring.at(first[:-1])(coordinates[first[1:]])[:, 0]
    # The spacing is that of neighbours on either side; the ladder thins out where one law takes over from another.
    assert (ahead[1:-1] - 1).abs().max() < 0.4
    assert (ahead > 0).all()


def overlap(estimator: PosteriorEstimator, template: int, theta: Tensor) -> float:
    """Overlap of a binary's waveform with a template's, over times and phases."""
    frequencies, bank = estimator.canonical.grid.frequencies, estimator.canonical.bank
    spin = bank.chi_eff.ravel()[template]
    own = np.array([bank.chirp_mass.ravel()[template], MASS_RATIO, spin, spin])
    chirp_mass, mass_ratio, chi_1, chi_2 = np.stack([own, theta.numpy()], axis=1)
    mass_1, mass_2 = component_masses(chirp_mass, mass_ratio)
    binaries = {"mass_1": mass_1, "mass_2": mass_2, "chi_1": chi_1, "chi_2": chi_2, "luminosity_distance": 1.0}
    waves = polarizations(binaries | {"theta_jn": 0.0, "phase": 0.0}, frequencies)[0]
    waves *= estimator.canonical.reference_weights
    ours, other = waves / np.linalg.norm(waves, axis=1, keepdims=True)
    times = np.linspace(-0.3, 0.3, 6001)
    return float(np.abs(np.exp(2j * np.pi * np.outer(times, frequencies)) @ (ours.conj() * other)).max())


@pytest.mark.parametrize(("mass_ratio", "chi"), [(0.55, 0.6), (0.9, 0.6), (0.7, 0.5), (0.7, 0.7), (0.5, 0.5)])
def test_along_the_phase_similar_signals_have_coordinates_near_zero(
    light: Architecture, mass_ratio: float, chi: float
) -> None:
    estimator = build(replace(light, along="phase"))
    bank = estimator.canonical.bank
    candidates = np.flatnonzero(bank.chi_eff.ravel() == 0.6)
    template = candidates[len(candidates) // 2]
    chirp_mass = float(bank.chirp_mass.ravel()[template])
    there = torch.tensor([[chirp_mass, mass_ratio, chi, chi]], dtype=torch.float64)
    anchored = estimator.anchoring.at(torch.tensor([template]))(estimator.space.bijection(there))
    alike = anchored.clone()
    alike[:, 0] = 0.0
    theta = estimator.space.bijection.inv(estimator.anchoring.at(torch.tensor([template])).inv(alike))[0]
    assert abs(theta[0] / chirp_mass - 1) > 3e-4
    assert 1 - overlap(estimator, template, theta) < 0.5 * (1 - overlap(estimator, template, there[0]))


@torch.no_grad()
def test_the_scale_is_the_error_at_a_signal_to_noise_of_one(light: Architecture) -> None:
    estimator = build(replace(light, along="phase"))
    template = estimator.canonical.bank.n_templates // 2
    anchored = estimator.anchoring.at(torch.tensor([template]))(templates_in(estimator)[template : template + 1])
    anchored[:, 0] = 0.2
    theta = estimator.space.bijection.inv(estimator.anchoring.at(torch.tensor([template])).inv(anchored))[0]
    # A distance d between unit waveforms costs d^2 / 2 of their overlap; the merger, left out of the scale, tells more.
    assert 1 < (1 - overlap(estimator, template, theta)) / (0.2**2 / 2) < 2
