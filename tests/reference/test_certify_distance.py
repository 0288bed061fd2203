"""Phase and distance integrated out, against adaptive quadrature of the likelihood itself."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import dblquad, quad
from scipy.special import i0e

from chirpleaf.inference.certify.distance import Table
from chirpleaf.inference.certify.likelihood_settings import DistanceSettings
from chirpleaf.inference.certify.phase import BesselIntegral
from chirpleaf.physics.distributions import PowerLaw

PRIOR = PowerLaw(2.0, 100.0, 3000.0)
SNR = [0.3, 1.0, 3.3, 8.0, 12.1, 20.0, 37.7, 60.0]
BEST = [12.0, 50.0, 95.0, 100.0, 130.0, 420.0, 1111.0, 2800.0, 3000.0, 3300.0, 4500.0]
"""Best distances: nearer than the prior allows, at its edges, within, farther."""


def by_quadrature(snr: float, best: float, prior: PowerLaw = PRIOR) -> float:
    """ln of the integral over the prior of I0(kappa / D) exp(-rho^2 / (2 D^2)), rho = snr best, kappa = snr^2 best."""

    def log_integrand(distance: np.ndarray) -> np.ndarray:
        x = best / np.asarray(distance)
        return np.log(i0e(snr**2 * x)) + snr**2 * (x - x**2 / 2) + prior.log_prob(distance)

    def integrand(distance: float) -> float:
        return float(np.exp(log_integrand(np.array(distance)) - peak))

    distances = np.geomspace(prior.minimum, prior.maximum, 20_001)
    values = log_integrand(distances)
    peak = values.max()
    live = distances[values > peak - 45]
    low, high = max(live[0] * 0.999, prior.minimum), min(live[-1] * 1.001, prior.maximum)
    parts = np.unique(np.concatenate([[low, high], live[np.linspace(0, len(live) - 1, 9).astype(int)]]))
    total = sum(quad(integrand, a, b, epsabs=0, epsrel=1e-9)[0] for a, b in pairwise(parts))
    return float(peak + np.log(total))


@pytest.fixture(scope="module")
def integral() -> BesselIntegral:
    return BesselIntegral.tabulate(PRIOR, 62.0, DistanceSettings())


def ours(integral: BesselIntegral, snr: float, best: float) -> float:
    rho = torch.tensor([snr * best], dtype=torch.float32)
    return float(integral.integrate(torch.tensor([snr**2 * best], dtype=torch.float32), rho))


@pytest.mark.parametrize("snr", SNR)
@pytest.mark.parametrize("best", BEST)
def test_the_table_is_the_integral(integral: BesselIntegral, snr: float, best: float) -> None:
    expected = by_quadrature(snr, best)
    loss = snr**2 / 2 - expected
    # Where an edge of the prior cuts into the likelihood of a loud source, the table's step is felt; where the prior
    # leaves next to nothing of the likelihood, it does not matter what.
    tolerance = 0.02 if loss < 4 else max(0.02, 0.01 * snr) if loss < 30 else 0.02 * loss
    assert ours(integral, snr, best) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("snr", SNR[2:])
def test_well_within_the_prior_the_table_is_finer_still(integral: BesselIntegral, snr: float) -> None:
    for best in np.random.default_rng(0).uniform(300.0, 1200.0, 10):
        assert ours(integral, snr, best) == pytest.approx(by_quadrature(snr, best), abs=0.003)


@pytest.mark.parametrize(
    "prior", [PowerLaw(0.0, 50.0, 500.0), PowerLaw(-1.0, 10.0, 5000.0), PowerLaw(2.0, 350.0, 460.0)]
)
def test_other_priors(prior: PowerLaw) -> None:
    integral = BesselIntegral.tabulate(prior, 30.0, DistanceSettings())
    for snr, best in ((1.0, 400.0), (9.3, 200.0), (15.0, 401.0), (29.0, 399.0)):
        assert ours(integral, snr, best) == pytest.approx(by_quadrature(snr, best, prior), abs=0.02)


def test_phase_and_distance_both_by_quadrature(integral: BesselIntegral) -> None:
    """The phase is integrated numerically, without a Bessel function."""
    kappa, rho = 9.0**2 * 600.0 * np.exp(0.8j), 9.0 * 600.0

    def integrand(phase: float, distance: float) -> float:
        ratio = (kappa * np.exp(-2j * phase)).real / distance - rho**2 / (2 * distance**2)
        return float(np.exp(ratio - 40 + PRIOR.log_prob(distance)) / np.pi)

    total, _ = dblquad(integrand, 300.0, 2000.0, -0.5, np.pi - 0.5, epsabs=0, epsrel=1e-6)
    assert ours(integral, 9.0, 600.0) == pytest.approx(np.log(total) + 40, abs=0.01)


def test_shapes_broadcast(integral: BesselIntegral) -> None:
    kappa, rho = torch.rand(4, 5) * 1e4 + 1e3, torch.rand(4, 1) * 1e3 + 500
    found = integral.integrate(kappa, rho)
    assert found.shape == (4, 5)
    assert float(found[2, 3]) == pytest.approx(float(integral.integrate(kappa[2, 3], rho[2, 0])), abs=1e-5)


def test_without_response_the_likelihood_ratio_is_one(integral: BesselIntegral) -> None:
    """A source that no detector responds to, at any distance of the prior: the likelihood ratio is one."""
    found = integral.integrate(torch.tensor([0.0, 1e-9, 1e-3]), torch.tensor([1e-6, 1e-6, 1e-3]))
    np.testing.assert_allclose(found.numpy(), 0.0, atol=0.01)


@pytest.mark.parametrize("width", [5, 200_003])
def test_a_table_is_bilinear_and_ends_with_its_edge(width: int) -> None:
    """In float32, a wide table's last column is the next number after the last but one that is not whole."""
    values = torch.arange(3.0)[:, None] * 10 + torch.arange(width) % 7
    table = Table(values)
    row, column = torch.tensor([0.5, 2.0, 9.0, 1.0]), torch.tensor([1.25, width - 1.0, width + 50.0, -3.0])
    edge = (width - 1) % 7
    torch.testing.assert_close(table.interpolate(row, column), torch.tensor([6.25, 20.0 + edge, 20.0 + edge, 10.0]))
    assert table.interpolate(torch.tensor([float("nan")]), torch.tensor([1.0])).isnan().all()
