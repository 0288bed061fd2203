"""Conversion to bilby: samples and priors."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from made_results import (
    INTRINSIC,
    MAKERS,
    TRIGGER,
    certified_posterior,
    network_posterior,
)

from chirpleaf.physics.comoving_volume import UniformSourceFrame
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.physics.priors import IntrinsicPrior, IsotropicSpinPrior
from chirpleaf.result.posterior import EXTRINSIC
from chirpleaf.result.prior import AnalysisPrior

if TYPE_CHECKING:
    from bilby.core.result import Result


DISTANCE = UniformSourceFrame(100.0, 3000.0)


@pytest.mark.parametrize("kind", MAKERS)
def test_bilby_gets_the_same_from_memory_and_from_the_file(kind: str, tmp_path: Path) -> None:
    from bilby.core.result import read_in_result

    result = MAKERS[kind]()
    result.write(tmp_path)
    for found in (read_in_result(str(tmp_path / "result.json")), result.to_bilby()):
        assert (found.label, found.sampler) == ("GW150914", "chirpleaf")
        assert tuple(found.search_parameter_keys) == result.search_parameters
        for name, values in result.samples.items():
            np.testing.assert_array_equal(found.posterior[name], values)
        assert found.meta_data["trigger_time"] == TRIGGER
        assert found.meta_data["trust"]["reasons"] == ["no signal", "heavy tail"]
        assert (found._priors is None) == (kind == "leaves")


def test_a_prior_that_only_bilby_knows_has_a_name() -> None:
    prior = AnalysisPrior("my.prior", arrival=(0.0, 1.0))
    assert AnalysisPrior.from_json(json.loads(json.dumps(prior.to_json()))) == prior
    assert certified_posterior(prior=prior).bilby_document()["priors"] is None


def _log_prior_difference(result: "Result", prior: IntrinsicPrior, draws: Mapping[str, np.ndarray]) -> np.ndarray:
    ours = prior.log_prob(draws)
    with np.errstate(divide="ignore"):  # bilby takes the logarithm of its constraints
        theirs = result.priors.ln_prob({name: draws[name] for name in INTRINSIC}, axis=0, normalized=False)
    np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(theirs))
    inside = np.isfinite(ours)
    assert 50 < inside.sum() < len(inside)
    return np.asarray(ours[inside] - theirs[inside])


@pytest.fixture(scope="module")
def bilby_result() -> "Result":
    return network_posterior().to_bilby()


@pytest.fixture(scope="module")
def draws() -> Mapping[str, np.ndarray]:
    return IntrinsicPrior(mass_min=3.0, mass_max=130.0, mass_ratio_min=0.08).sample(1000, np.random.default_rng(0))


def test_bilby_reads_the_prior(bilby_result: "Result", draws: Mapping[str, np.ndarray]) -> None:
    assert np.ptp(_log_prior_difference(bilby_result, IntrinsicPrior(chirp_mass_min=20.0), draws)) < 1e-6


def test_another_prior_would_be_noticed(bilby_result: "Result", draws: Mapping[str, np.ndarray]) -> None:
    with pytest.raises(AssertionError):
        _log_prior_difference(bilby_result, IntrinsicPrior(chirp_mass_min=20.0, mass_max=90.0), draws)


def test_bilby_reads_isotropic_spins() -> None:
    prior = IsotropicSpinPrior(spin_max=0.9)
    found = (
        certified_posterior(prior=AnalysisPrior("isotropic", prior, DISTANCE, (1.0, 2.0))).to_bilby().priors["chi_1"]
    )
    x = np.array([-0.8, -0.1, 0.3, 0.7])
    np.testing.assert_allclose(found.ln_prob(x), prior.spin.log_prob(x), atol=1e-3)


@pytest.mark.parametrize("distance", [DISTANCE, PowerLaw(2.0, 100.0, 3000.0)], ids=["source frame", "volume"])
def test_bilby_reads_distance_and_arrival(distance: UniformSourceFrame | PowerLaw) -> None:
    prior = AnalysisPrior("some", IntrinsicPrior(), distance, (1.0, 2.0))
    priors = certified_posterior(prior=prior).to_bilby().priors
    assert set(EXTRINSIC) <= set(priors)
    assert (priors["geocent_time"].minimum, priors["geocent_time"].maximum) == (1.0, 2.0)
    x = np.array([150.0, 900.0, 2500.0])
    np.testing.assert_allclose(
        np.diff(priors["luminosity_distance"].ln_prob(x)),
        np.diff(distance.log_prob(x)),
        atol=1e-3,
    )
