"""Results: samples of equal weight, summaries, tables and figures."""

import json
import sys
from typing import Any

import numpy as np
import pytest
from made_results import (
    INTRINSIC,
    MAKERS,
    N,
    certified_posterior,
    leaf_estimates,
    network_posterior,
    table,
)

from chirpleaf.errors import InputError
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.result import LeafEstimates, Posterior, Proposal


@pytest.fixture(params=MAKERS)
def result(request: pytest.FixtureRequest) -> Posterior | LeafEstimates:
    return MAKERS[request.param]()


def test_samples_of_a_weighted_posterior_have_equal_weight() -> None:
    """Under weights proportional to x, a uniform x has the mean 2/3 and the median sqrt(1/2)."""
    posterior = certified_posterior()
    assert len(posterior) == pytest.approx(0.75 * N, rel=0.02)
    assert posterior["chirp_mass"].mean() == pytest.approx(2 / 3, abs=0.01)
    assert posterior["mass_ratio"].mean() == pytest.approx(1 / 2, abs=0.02)
    assert posterior.proposal.samples["chirp_mass"].mean() == pytest.approx(1 / 2, abs=0.02)
    row = posterior.summary(("chirp_mass",))["chirp_mass"]
    assert row["median"] == pytest.approx(0.5**0.5, abs=0.02)
    assert posterior.n_draws == len(posterior.proposal) == N
    few = posterior.resample(50)
    assert {len(values) for values in few.values()} == {50}


def test_samples_of_one_draw_stay_together() -> None:
    posterior = certified_posterior()
    draws, samples = (
        np.stack([table[name] for name in INTRINSIC]) for table in (posterior.proposal.samples, posterior.samples)
    )
    assert {tuple(row) for row in samples.T} <= {tuple(row) for row in draws.T}


def test_all_draws_are_samples_where_weights_are_equal() -> None:
    for log_weight in (np.zeros(N), np.full(N, -7.0)):
        draws = table(INTRINSIC)
        posterior = network_posterior(proposal=Proposal(draws, np.zeros(N), log_weight))
        assert len(posterior) == N
        for name in INTRINSIC:
            np.testing.assert_array_equal(posterior[name], draws[name])


def test_summaries_hold_quantiles_and_units(result: Posterior | LeafEstimates) -> None:
    rows = result.summary()
    assert list(rows) == list(result.samples)
    for name, row in rows.items():
        below = [np.mean(result[name] <= row[key]) for key in ("lower", "median", "upper")]
        np.testing.assert_allclose(below, [0.05, 0.5, 0.95], atol=0.01)
        assert row["unit"] == PARAMETERS[name].unit
    names = list(rows)[1::-1]
    assert list(result.summary(names)) == names
    json.dumps(rows)


def test_only_leaves_tell_components_of_their_uncertainty() -> None:
    assert set(network_posterior().summary()["chirp_mass"]) == {"median", "lower", "upper", "unit"}
    assert leaf_estimates().summary()["omega_r"]["epistemic"] == 0.2


@pytest.mark.parametrize("ask", [lambda result: result["mass"], lambda result: result.summary(("mass",))])
def test_an_unknown_parameter_is_named(result: Posterior | LeafEstimates, ask: Any) -> None:
    with pytest.raises(InputError, match=r"expected a parameter of .*mass_1.*; got 'mass': did you mean mass_\d\?"):
        ask(result)


def test_the_repr_of_a_result_is_short() -> None:
    assert repr(network_posterior()) == "Posterior(GW150914, 4000 samples of 11 parameters, untrusted)"
    assert repr(leaf_estimates()) == "LeafEstimates(GW150914, 4000 samples of 2 parameters, untrusted)"


def test_the_summary_keeps_the_contract(result: Posterior | LeafEstimates) -> None:
    summary = result.summary_document()
    assert list(summary) == [
        "event", "trigger_time", "detectors", "model", "approximant", "seed", "n_samples", "parameters",
        "prior", "certificate", "trust", "timing", "data", "recipe",
    ]  # fmt: skip
    assert summary["n_samples"] == N
    assert set(summary["timing"]) == {"load_s", "infer_s", "certify_s", "total_s"}
    assert summary["trust"]["verdict"] in ("trusted", "untrusted")
    json.dumps(summary, allow_nan=False)


def test_the_summary_of_a_certified_posterior_has_its_certificate() -> None:
    found = certified_posterior().summary_document()["certificate"]
    assert (found["efficiency"], found["pareto_k"]) == (0.5, None)
    assert found["sky_area_90"] > found["sky_area_50"] > 0
    assert network_posterior().summary_document()["certificate"] is None


def test_a_table_of_pandas_has_a_column_for_each_parameter(result: Posterior | LeafEstimates) -> None:
    frame = result.to_dataframe()
    assert list(frame.columns) == list(result.samples)
    for name in result.samples:
        np.testing.assert_array_equal(frame[name], result[name])


@pytest.mark.parametrize(("package", "method"), [("pandas", "to_dataframe"), ("bilby.gw.result", "to_bilby")])
def test_a_missing_package_is_named(package: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    name = package.partition(".")[0]
    with pytest.raises(InputError, match=f"expected {name} .*: pip install {name}"):
        getattr(network_posterior(), method)()


def test_corner_plots_show_the_headline_or_what_is_asked(result: Posterior | LeafEstimates) -> None:
    n = len(result.headline)
    assert len(result.plot_corner().axes) == n * (n + 1) // 2
    assert len(result.plot_corner(("mass_1",)).axes) == 1
    with pytest.raises(InputError, match="expected a parameter of"):
        result.plot_corner(("mass",))
