"""The shipped model on the embedded events: quantiles as they were when it was shipped.

Seeds fix the draws; rounding differs between processors, hence a tolerance of a twentieth of the interval.
"""

import pytest

import chirpleaf
from chirpleaf.inference import Posterior

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
    return chirpleaf.infer(request.param, samples=20_000, seed=1)


def test_quantiles_are_those_that_were_shipped(posterior: Posterior) -> None:
    rows = posterior.summary()
    for name, (lower, median, upper) in GOLDEN[posterior.event].items():
        found = [rows[name][key] for key in ("lower", "median", "upper")]
        assert found == pytest.approx([lower, median, upper], abs=(upper - lower) / 20), name


def test_both_events_are_trusted_and_the_short_model_is_chosen(posterior: Posterior) -> None:
    assert posterior.trust.trusted
    assert posterior.observation.model.name == "bbh"


def test_the_density_is_that_of_the_samples(posterior: Posterior) -> None:
    """The density averages to what the samples' spread allows: their mean ln density is minus the entropy."""
    again = chirpleaf.infer(posterior.event, samples=20_000, seed=2)
    assert posterior.log_prob.mean() == pytest.approx(again.log_prob.mean(), abs=0.1)
    assert (posterior.samples["chirp_mass"] != again.samples["chirp_mass"]).all()
