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
        "chirp_mass": (28.61, 30.25, 32.06),
        "mass_1": (34.57, 37.96, 44.01),
        "mass_2": (26.85, 32.07, 35.42),
        "mass_ratio": (0.6204, 0.8484, 0.9831),
        "chi_eff": (-0.2097, -0.0788, 0.0499),
        "final_mass": (63.58, 66.85, 70.57),
        "final_spin": (0.6106, 0.6645, 0.7115),
        "f_220": (242.0, 250.5, 256.8),
        "tau_220": (3.762, 4.014, 4.319),
    },
    "GW170814": {
        "chirp_mass": (25.6, 26.83, 28.11),
        "mass_1": (30.81, 34.23, 41.89),
        "mass_2": (22.82, 27.87, 31.0),
        "mass_ratio": (0.5515, 0.8152, 0.9802),
        "chi_eff": (-0.082, 0.0454, 0.173),
        "final_mass": (56.64, 59.3, 62.72),
        "final_spin": (0.6506, 0.7036, 0.7506),
        "f_220": (276.4, 292.4, 298.1),
        "tau_220": (3.399, 3.624, 3.908),
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


def test_both_events_have_no_fault_and_the_short_model_is_chosen(posterior: Posterior) -> None:
    assert (posterior.trust.verdict, posterior.trust.reasons) == ("not certified", ())
    assert posterior.provenance.model == "bbh"


def test_all_detectors_enter_the_network(posterior: Posterior) -> None:
    known = {"GW150914": {"H1", "L1"}, "GW170814": {"H1", "L1", "V1"}}
    assert set(posterior.trust.snr) == known[posterior.provenance.event]


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
