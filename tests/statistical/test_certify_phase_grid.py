"""Integrals over phase and distance of signals with two harmonics, and samples, compared with plain sums."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from chirpleaf.inference.certify.likelihood_settings import DistanceSettings, PhaseSettings
from chirpleaf.inference.certify.overlaps import Overlaps
from chirpleaf.inference.certify.phase import BesselIntegral
from chirpleaf.inference.certify.phase_grid import PhaseGridIntegral
from chirpleaf.physics.distributions import PowerLaw

DISTANCE = PowerLaw(2.0, 100.0, 3000.0)
KAPPA, POWER, CROSS = (3.0e4 * np.exp(0.8j), 0.9e4 * np.exp(-1.1j)), 4.5e3**2, 0.7e7 * np.exp(0.4j)
"""A signal-to-noise of about 8, seen at a few hundred Mpc, in two harmonics."""


def overlaps(n: int, loudness: float = 1.0) -> Overlaps:
    """One pair, n times."""
    kappa = loudness * torch.tensor(KAPPA, dtype=torch.complex64)[:, None].expand(2, n)
    cross = torch.full((1, n), CROSS, dtype=torch.complex64)
    return Overlaps((2, 3), (1,), kappa, torch.full((n,), POWER, dtype=torch.float64), cross)


def log_density(phase: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """ln of likelihood times prior on the grid of both, shape (phase, distance)."""
    matched = sum((k * np.exp(-1j * m * phase)).real for m, k in zip((2, 3), KAPPA, strict=True))[:, None]
    power = (POWER + 2 * (CROSS * np.exp(1j * phase)).real)[:, None]
    return matched / distance - power / (2 * distance**2) + DISTANCE.log_prob(distance)


def integral(phases: int = 32) -> PhaseGridIntegral:
    return PhaseGridIntegral.tabulate(DISTANCE, 14.0, DistanceSettings(), PhaseSettings(phases=phases))


@pytest.mark.parametrize("rho", [300.0, 3e3, 2e4])
def test_distance_alone_is_integrated_out_at_any_phase(rho: float) -> None:
    """Where the signal fits, where it fits badly and where it is of the wrong sign, against a plain sum."""
    table = integral()
    snr = np.array([-13.0, -4.0, -0.7, -0.05, 0.0, 0.05, 0.7, 4.0, 13.0])
    found = table.integrate(torch.from_numpy(snr * rho).float(), torch.full((len(snr),), rho)).numpy()
    distance = np.linspace(DISTANCE.minimum, DISTANCE.maximum, 200_001)
    for s, value in zip(snr, found, strict=True):
        exponent = s * rho / distance - rho**2 / (2 * distance**2) + DISTANCE.log_prob(distance)
        expected = np.log(np.mean(np.exp(exponent - exponent.max())) * np.ptp(distance)) + exponent.max()
        assert value == pytest.approx(expected, abs=0.02 + 0.002 * max(-expected, 0))


def test_phase_and_distance_are_integrated_out() -> None:
    """The mean over many points, each with a grid of its own, is the integral, and so is that over one fine grid."""
    phase, distance = np.arange(0, 2 * np.pi, 2 * np.pi / 2000), np.linspace(100.0, 3000.0, 20_001)
    density = log_density(phase, distance)
    expected = np.log(np.mean(np.exp(density - density.max())) * np.ptp(distance)) + density.max()
    for points, phases in ((1, 256), (4096, 4)):
        one = overlaps(points)
        pair = one._replace(kappa=one.kappa[:, None], power=one.power[None], cross=one.cross[:, None])
        log_likelihood = integral(phases)(pair).double()
        found = float(log_likelihood.logsumexp(1)[0]) - np.log(points)
        assert found == pytest.approx(expected, abs=0.01)


def test_the_likeliest_phase_need_not_be_the_one_of_the_greatest_signal_to_noise() -> None:
    """At phase zero s is 8, but every distance is far too near; at phase pi, s is 2 and some distances fit."""
    kappa, power, cross = (2.53e6, 2.5e6), 4.5e5**2, 0.4995 * 4.5e5**2
    pair = Overlaps(
        (2, 3),
        (1,),
        torch.tensor(kappa, dtype=torch.complex64)[:, None, None],
        torch.full((1, 1), power, dtype=torch.float64),
        torch.full((1, 1, 1), cross, dtype=torch.complex64),
    )
    phase, distance = np.arange(0, 2 * np.pi, 2 * np.pi / 4000)[:, None], np.linspace(100.0, 3000.0, 10_001)
    matched = sum(k * np.cos(m * phase) for m, k in zip((2, 3), kappa, strict=True))
    exponent = matched / distance - (power + 2 * cross * np.cos(phase)) / (2 * distance**2)
    exponent += DISTANCE.log_prob(distance)
    expected = np.log(np.mean(np.exp(exponent - exponent.max())) * np.ptp(distance)) + exponent.max()
    assert float(integral(4000)(pair)) == pytest.approx(expected, abs=0.1)


def test_the_two_integrals_agree_where_both_hold() -> None:
    """One harmonic, in closed form and on a grid."""
    rng = np.random.default_rng(0)
    snr, best = rng.uniform(0.5, 12.0, 40), rng.uniform(150.0, 2500.0, 40)
    kappa = torch.from_numpy(snr**2 * best * np.exp(2j * np.pi * rng.random(40)))[None, :, None].to(torch.complex64)
    power = torch.from_numpy((snr * best) ** 2)[:, None]
    single = Overlaps((2,), (), kappa, power, torch.zeros((0, 40, 1), dtype=torch.complex64))
    closed = BesselIntegral.tabulate(DISTANCE, 14.0, DistanceSettings())(single)
    np.testing.assert_allclose(integral(256)(single), closed, atol=0.01)


def ranks_of_phase(phase: np.ndarray) -> np.ndarray:
    """Quantiles of phases in the exact density marginal to distance."""
    grid, distance = np.linspace(0, 2 * np.pi, 4001), np.linspace(100.0, 3000.0, 4001)
    density = log_density(grid, distance)
    marginal = np.exp(density - density.max()).sum(axis=1)
    below = np.concatenate([[0.0], np.cumsum((marginal[1:] + marginal[:-1]) / 2)])
    return np.interp(phase, grid, below / below[-1])


def ranks_of_distance(phase: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Quantiles of distances in the exact density given the phase."""
    grid = np.geomspace(100.0, 3000.0, 4001)
    density = log_density(phase, grid)
    density = np.exp(density - density.max(axis=1, keepdims=True))
    cells = (density[:, 1:] + density[:, :-1]) / 2 * np.diff(grid)
    below = np.concatenate([np.zeros((len(phase), 1)), cells.cumsum(axis=1)], axis=1)
    return np.array([np.interp(d, grid, row / row[-1]) for d, row in zip(distance, below, strict=True)])


def test_phases_and_distances_follow_their_exact_conditional_density() -> None:
    distance, phase = integral().sample(overlaps(4000), np.random.default_rng(1))
    assert ((phase >= 0) & (phase < 2 * np.pi)).all()
    assert kstest(ranks_of_phase(phase), "uniform").pvalue > 1e-3
    assert kstest(ranks_of_distance(phase, distance), "uniform").pvalue > 1e-3


@pytest.mark.parametrize("loudness", [0.8, 1.25])
def test_too_wide_and_too_narrow_phases_would_be_noticed(loudness: float) -> None:
    """Phases of a fainter signal are too wide, those of a louder one too narrow."""
    distance, phase = integral().sample(overlaps(4000, loudness), np.random.default_rng(1))
    assert kstest(ranks_of_phase(phase), "uniform").pvalue < 1e-3
    assert kstest(ranks_of_distance(phase, distance), "uniform").pvalue < 1e-3


def test_phases_that_are_moved_would_be_noticed() -> None:
    _, phase = integral().sample(overlaps(4000), np.random.default_rng(1))
    assert kstest(ranks_of_phase(np.mod(phase + 0.03, 2 * np.pi)), "uniform").pvalue < 1e-3
