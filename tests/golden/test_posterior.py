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
        "chirp_mass": (29.14, 30.75, 32.55),
        "mass_1": (35.09, 38.68, 45.1),
        "mass_2": (27.44, 32.48, 35.85),
        "mass_ratio": (0.6214, 0.8429, 0.9842),
        "chi_eff": (-0.17, -0.0395, 0.0899),
        "final_mass": (64.61, 67.9, 71.74),
        "final_spin": (0.6248, 0.6767, 0.7253),
        "f_220": (240.3, 249.0, 255.4),
        "tau_220": (3.839, 4.097, 4.418),
    },
    "GW170814": {
        "chirp_mass": (25.61, 26.92, 28.31),
        "mass_1": (31.03, 35.05, 44.39),
        "mass_2": (21.78, 27.45, 31.08),
        "mass_ratio": (0.5005, 0.7848, 0.9778),
        "chi_eff": (-0.07066, 0.06918, 0.2167),
        "final_mass": (56.82, 59.71, 64.1),
        "final_spin": (0.6494, 0.7077, 0.7572),
        "f_220": (269.2, 291.9, 298.8),
        "tau_220": (3.417, 3.658, 3.992),
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
    """The mean of 1 / density over the samples in a region is the region's volume: here an ellipsoid in their midst."""
    theta = np.stack([posterior.samples[name] for name in PARAMETERS], axis=1)
    core = theta[posterior.log_prob > np.quantile(posterior.log_prob, 0.05)]  # without the background
    covariance = np.cov(core.T)
    offset = theta - core.mean(axis=0)
    inside = np.einsum("ni,ij,nj->n", offset, np.linalg.inv(covariance), offset) < 1.0
    volume = np.pi**2 / 2 * np.sqrt(np.linalg.det(covariance))
    assert inside.sum() > 1000
    assert np.exp(-posterior.log_prob[inside]).sum() / len(posterior) == pytest.approx(volume, rel=0.1)
