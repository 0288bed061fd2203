"""The shipped model on the embedded events: its quantiles do not change.

Seeds fix the draws; rounding differs between processors, hence a tolerance of a twentieth of the interval.
"""

import numpy as np
import pytest

import chirpleaf
from chirpleaf.result import Posterior

GOLDEN: dict[str, dict[str, tuple[float, float, float]]] = {
    # 5 %, 50 % and 95 % quantiles of 20,000 samples, seed 1
    "GW150914": {
        "chirp_mass": (28.74, 30.52, 32.57),
        "mass_1": (34.78, 38.65, 45.17),
        "mass_2": (26.77, 32.09, 35.81),
        "mass_ratio": (0.6081, 0.8349, 0.9825),
        "chi_eff": (-0.1987, -0.05605, 0.08359),
        "final_mass": (63.88, 67.51, 71.82),
        "final_spin": (0.6084, 0.6688, 0.7214),
        "f_220": (239.0, 248.9, 255.9),
        "tau_220": (3.781, 4.06, 4.415),
    },
    "GW170814": {
        "chirp_mass": (25.71, 27.02, 28.33),
        "mass_1": (31.07, 35.22, 44.92),
        "mass_2": (21.65, 27.52, 31.2),
        "mass_ratio": (0.4898, 0.783, 0.9791),
        "chi_eff": (-0.06383, 0.07892, 0.2214),
        "final_mass": (57.06, 59.93, 64.41),
        "final_spin": (0.6468, 0.7074, 0.7556),
        "f_220": (266.1, 290.9, 297.8),
        "tau_220": (3.432, 3.672, 4.0),
    },
}


@pytest.fixture(scope="module", params=GOLDEN)
def posterior(request: pytest.FixtureRequest) -> Posterior:
    return chirpleaf.infer(request.param, samples=20_000, seed=1, certify=False)


def test_quantiles_do_not_change(posterior: Posterior) -> None:
    rows = posterior.summary()
    for name, (lower, median, upper) in GOLDEN[posterior.provenance.event].items():
        found = [rows[name][key] for key in ("lower", "median", "upper")]
        assert found == pytest.approx([lower, median, upper], abs=(upper - lower) / 20), name


def test_both_events_are_trusted_and_the_short_model_is_chosen(posterior: Posterior) -> None:
    assert posterior.trust.trusted
    assert posterior.provenance.model == "bbh"


def test_the_density_is_that_of_the_samples(posterior: Posterior) -> None:
    """The mean of 1 / density over the samples in a region is the region's volume: here an ellipsoid."""
    theta = np.stack([posterior.samples[name] for name in posterior.intrinsic], axis=1)
    core = theta[posterior.proposal.log_prob > np.quantile(posterior.proposal.log_prob, 0.05)]  # without the background
    covariance = np.cov(core.T)
    offset = theta - core.mean(axis=0)
    inside = np.einsum("ni,ij,nj->n", offset, np.linalg.inv(covariance), offset) < 1.0
    volume = np.pi**2 / 2 * np.sqrt(np.linalg.det(covariance))
    assert inside.sum() > 1000
    assert np.exp(-posterior.proposal.log_prob[inside]).sum() / len(posterior) == pytest.approx(volume, rel=0.1)
