"""Results as ArviZ has them: `InferenceData` of the installed ArviZ 0, the dictionary of groups of ArviZ 1."""

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_results import certified_posterior, leaf_estimates, table

from chirpleaf.errors import InputError
from chirpleaf.physics.comoving_volume import UniformSourceFrame
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.result import Posterior, Proposal
from chirpleaf.result.posterior import EXTRINSIC
from chirpleaf.result.prior import AnalysisPrior


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    n = 4000
    prior = AnalysisPrior("some", IntrinsicPrior(), UniformSourceFrame(100.0, 3000.0), (0.0, 1.0))
    samples = {**table((*EXTRINSIC, "log_likelihood")), **IntrinsicPrior().sample(n, np.random.default_rng(0))}
    samples["luminosity_distance"] = 200 + 100 * samples["luminosity_distance"]
    return certified_posterior(prior=prior, proposal=Proposal(samples, np.zeros(n), np.linspace(-2, 0, n)))


@pytest.mark.filterwarnings("ignore")  # of ArviZ 0 with later xarray
def test_arviz_summarises_the_samples_of_equal_weight(posterior: Posterior) -> None:
    found = posterior.to_arviz()
    import arviz

    assert isinstance(found, arviz.InferenceData)
    assert dict(found.posterior.sizes) == {"chain": 1, "draw": len(posterior)}
    np.testing.assert_array_equal(found.posterior["chirp_mass"][0], posterior["chirp_mass"])
    mean = arviz.summary(found, ["chirp_mass"], kind="stats").loc["chirp_mass", "mean"]
    assert mean == pytest.approx(posterior["chirp_mass"].mean(), abs=1e-2)
    assert found.posterior.attrs["event"] == "GW150914"
    expected = posterior.log_prior() + posterior["log_likelihood"]
    np.testing.assert_allclose(found.sample_stats["lp"][0], expected)


@pytest.mark.filterwarnings("ignore")  # of ArviZ 0 with later xarray
def test_estimates_have_no_density() -> None:
    assert "sample_stats" not in leaf_estimates().to_arviz()


def test_arviz_1_takes_the_groups_as_one_dictionary(posterior: Posterior, monkeypatch: pytest.MonkeyPatch) -> None:
    def from_dict(data: dict[str, Any]) -> Any:
        assert set(data) == {"posterior", "sample_stats"}
        return {"posterior": SimpleNamespace(attrs={}), "of": data}

    monkeypatch.setitem(sys.modules, "arviz", SimpleNamespace(from_dict=from_dict))
    found = posterior.to_arviz()
    assert found["of"]["posterior"]["mass_ratio"].shape == (1, len(posterior))
    assert found["posterior"].attrs["verdict"] == "untrusted"


def test_without_arviz_the_message_says_what_to_install(posterior: Posterior, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("arviz", "arviz_base"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match="expected arviz for its tables; got no such package: pip install arviz"):
        posterior.to_arviz()
