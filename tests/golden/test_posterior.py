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
        "chirp_mass": (28.95, 30.65, 32.5),
        "mass_1": (35.07, 38.93, 45.43),
        "mass_2": (26.77, 32.12, 35.79),
        "mass_ratio": (0.6014, 0.8275, 0.982),
        "chi_eff": (-0.1796, -0.04663, 0.08119),
        "final_mass": (64.38, 67.78, 71.69),
        "final_spin": (0.617, 0.6731, 0.7214),
        "f_220": (239.3, 248.7, 255.3),
        "tau_220": (3.818, 4.083, 4.405),
    },
    "GW170814": {
        "chirp_mass": (25.93, 27.14, 28.4),
        "mass_1": (31.27, 35.26, 44.47),
        "mass_2": (22.07, 27.72, 31.31),
        "mass_ratio": (0.5033, 0.7881, 0.9796),
        "chi_eff": (-0.04219, 0.09062, 0.2248),
        "final_mass": (57.46, 60.12, 64.2),
        "final_spin": (0.6566, 0.7132, 0.7603),
        "f_220": (269.0, 291.3, 297.8),
        "tau_220": (3.469, 3.694, 4.006),
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
