"""Samples of distance and phase follow their conditional density."""

import numpy as np
import pytest
import torch
from scipy.special import i0e, i1e
from scipy.stats import kstest

from chirpleaf.inference.certify.likelihood_settings import DistanceSettings
from chirpleaf.inference.certify.overlaps import Overlaps
from chirpleaf.inference.certify.phase import BesselIntegral
from chirpleaf.physics.distributions import PowerLaw

PRIOR = PowerLaw(2.0, 100.0, 3000.0)
TABLE = BesselIntegral.tabulate(PRIOR, 1.0, DistanceSettings())
N = 20_000
CASES = [
    (1e-3, 500.0),
    (2.0, 500.0),
    (8.0, 420.0),
    (30.0, 800.0),
    (12.0, 95.0),
    (12.0, 50.0),
    (12.0, 3300.0),
    (9.0, 5000.0),
]
"""Signal-to-noise and best distance: within the prior, at its edges, beyond."""
cases = pytest.mark.parametrize(("snr", "best"), CASES)


def overlaps(kappa: np.ndarray, rho: np.ndarray) -> Overlaps:
    """Overlaps of signals with one harmonic."""
    none = torch.zeros((0, len(rho)), dtype=torch.complex64)
    return Overlaps((2,), (), torch.from_numpy(kappa)[None], torch.from_numpy(rho**2), none)


def drawn(snr: float, best: float, seed: int = 0, angle: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    kappa = np.full(N, snr**2 * best) * np.exp(1j * angle)
    return TABLE.sample(overlaps(kappa, np.full(N, snr * best)), np.random.default_rng(seed))


def cumulative(snr: float, best: float, prior: PowerLaw = PRIOR) -> tuple[np.ndarray, np.ndarray]:
    """Distances and the conditional probability below them, by the trapezoidal rule on a fine grid."""
    distance = np.geomspace(prior.minimum, prior.maximum, 40_001)
    x = best / distance
    log_density = np.log(i0e(snr**2 * x)) + snr**2 * (x - x**2 / 2) + prior.log_prob(distance)
    density = np.exp(log_density - log_density.max())
    below = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(distance))])
    return distance, below / below[-1]


def p_value(found: np.ndarray, snr: float, best: float) -> float:
    return float(kstest(np.interp(found, *cumulative(snr, best)), "uniform").pvalue)


@cases
def test_distances_have_their_conditional_density(snr: float, best: float) -> None:
    found, _ = drawn(snr, best)
    assert ((found >= PRIOR.minimum) & (found <= PRIOR.maximum)).all()
    assert p_value(found, snr, best) > 1e-3


def test_a_wrong_density_would_be_noticed() -> None:
    found, _ = drawn(8.0, 420.0)
    mean = found.mean()
    assert p_value(mean + 1.05 * (found - mean), 8.0, 420.0) < 1e-3
    assert p_value(mean + 0.95 * (found - mean), 8.0, 420.0) < 1e-3
    assert p_value(found * 1.01, 8.0, 420.0) < 1e-3


@pytest.mark.parametrize("angle", [0.7, -2.5, 3.1])
@pytest.mark.parametrize(("snr", "best"), [(8.0, 420.0), (3.0, 1000.0)])
def test_phases_lie_where_the_likelihood_is_great(snr: float, best: float, angle: float) -> None:
    """Re(kappa exp(-2i phi)) has mean |kappa| I1 / I0, and sine terms of mean nought."""
    distance, phase = drawn(snr, best, angle=angle)
    assert ((phase >= 0) & (phase < 2 * np.pi)).all()
    turned = np.exp(1j * (angle - 2 * phase))
    concentration = snr**2 * best / distance
    expected = (i1e(concentration) / i0e(concentration)).mean()
    assert turned.real.mean() == pytest.approx(expected, abs=4 * turned.real.std() / N**0.5)
    assert turned.imag.mean() == pytest.approx(0.0, abs=4 * turned.imag.std() / N**0.5)


def test_both_halves_of_the_circle_are_drawn() -> None:
    _, phase = drawn(8.0, 420.0)
    assert (phase < np.pi).mean() == pytest.approx(0.5, abs=0.02)


def test_without_a_signal_phases_are_uniform() -> None:
    _, phase = drawn(1e-3, 500.0)
    assert kstest(phase / (2 * np.pi), "uniform").pvalue > 1e-3


def test_many_sources_at_once_are_each_their_own() -> None:
    """Ranks within each source's own conditional are uniform together."""
    rng = np.random.default_rng(3)
    snr, best = rng.uniform(3.0, 40.0, 200), np.exp(rng.uniform(np.log(80), np.log(4000), 200))
    found, _ = TABLE.sample(overlaps(snr**2 * best * np.exp(1j * snr), snr * best), rng)
    ranks = [float(np.interp(one, *cumulative(s, b))) for one, s, b in zip(found, snr, best, strict=True)]
    assert kstest(ranks, "uniform").pvalue > 1e-3


def test_the_same_seed_draws_the_same() -> None:
    np.testing.assert_array_equal(drawn(8.0, 420.0, seed=4), drawn(8.0, 420.0, seed=4))
    assert (drawn(8.0, 420.0, seed=4)[0] != drawn(8.0, 420.0, seed=5)[0]).any()
