"""The shipped model on the embedded events: quantiles as they were when it was shipped.

Seeds fix the draws; rounding differs between processors, hence a tolerance of a twentieth of the interval.
"""

import numpy as np
import pytest

import chirpleaf
from chirpleaf.inference import Posterior
from chirpleaf.models import PARAMETERS

GOLDEN: dict[str, dict[str, tuple[float, float, float]]] = {
    # 5 %, 50 % and 95 % quantiles of 20,000 samples, seed 1
    "GW150914": {
        "chirp_mass": (28.88, 30.6, 32.58),
        "mass_1": (34.85, 38.6, 44.71),
        "mass_2": (27.11, 32.34, 35.84),
        "mass_ratio": (0.6196, 0.8415, 0.9828),
        "chi_eff": (-0.191, -0.0558, 0.08298),
        "final_mass": (64.17, 67.64, 71.73),
        "final_spin": (0.6173, 0.6737, 0.7244),
        "f_220": (240.5, 249.3, 255.5),
        "tau_220": (3.804, 4.074, 4.42),
    },
    "GW170814": {
        "chirp_mass": (25.4, 26.75, 28.07),
        "mass_1": (30.77, 35.11, 44.36),
        "mass_2": (21.44, 27.03, 30.71),
        "mass_ratio": (0.4866, 0.7708, 0.9765),
        "chi_eff": (-0.08488, 0.05596, 0.2028),
        "final_mass": (56.42, 59.43, 63.88),
        "final_spin": (0.6383, 0.7006, 0.7508),
        "f_220": (267.3, 291.7, 298.9),
        "tau_220": (3.382, 3.629, 3.958),
    },
}


@pytest.fixture(scope="module", params=GOLDEN)
def posterior(request: pytest.FixtureRequest) -> Posterior:
    return chirpleaf.infer(request.param, samples=20_000, seed=1, certify=False)


def test_quantiles_are_those_that_were_shipped(posterior: Posterior) -> None:
    rows = posterior.summary()
    for name, (lower, median, upper) in GOLDEN[posterior.event].items():
        found = [rows[name][key] for key in ("lower", "median", "upper")]
        assert found == pytest.approx([lower, median, upper], abs=(upper - lower) / 20), name


def test_both_events_are_trusted_and_the_short_model_is_chosen(posterior: Posterior) -> None:
    assert posterior.trust.trusted
    assert posterior.observation.model.name == "bbh"


def test_the_density_is_that_of_the_samples(posterior: Posterior) -> None:
    """The mean of 1 / density over the samples in a region is the region's volume: here the one-sigma ellipsoid."""
    theta = np.stack([posterior.samples[name] for name in PARAMETERS], axis=1)
    covariance = np.cov(theta.T)
    offset = theta - theta.mean(axis=0)
    inside = np.einsum("ni,ij,nj->n", offset, np.linalg.inv(covariance), offset) < 1.0
    volume = np.pi**2 / 2 * np.sqrt(np.linalg.det(covariance))
    assert inside.sum() > 1000
    assert np.exp(-posterior.log_prob[inside]).sum() / len(posterior) == pytest.approx(volume, rel=0.1)
