"""Certificates: each fault has its reason, and a good certificate has none."""

import json
import re
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.inference.trust.assessment import examine_certificate
from chirpleaf.result.certificate import Certificate, Stopped
from chirpleaf.result.reweighting import Reweighting
from chirpleaf.result.trust import Level
from chirpleaf.result.validation import check_type, check_types

GOOD: Mapping[str, Any] = {
    "efficiency": 0.5,
    "effective_samples": 1000.0,
    "log_bayes_factor": 90.0,
    "log_bayes_factor_error": 0.02,
    "pareto_k": 0.2,
    "draws": 2000,
    "marginal_error": 0.04,
    "likelihood_error": 0.01,
    "approximant": "IMRPhenomXAS",
    "detectors": ("H1", "L1"),
    "wanted": 1000,
    "largest_weight": 0.004,
    "stopped": "enough",
}


def test_a_good_certificate_has_no_reason() -> None:
    assert Certificate(**GOOD).reasons == ()


IMPOSSIBLE = {
    **{"log_bayes_factor": -np.inf, "log_bayes_factor_error": np.inf, "likelihood_error": np.inf},
    **{"pareto_k": np.inf, "effective_samples": 0.0},
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"effective_samples": 999.0}, "999 effective samples of 1000 after 2000 draws"),
        ({"pareto_k": 0.71, "largest_weight": 0.02}, r"heavy tail \(Pareto k 0\.71, above 0\.7\).* hide 7% of"),
        ({"pareto_k": float("inf")}, r"heavy tail \(Pareto k inf, above 0\.7\)$"),
        ({"largest_weight": 0.051}, "a single draw has 5% of the weight"),
        ({"likelihood_error": 0.11}, r"off by 0\.11 nats"),
        ({"likelihood_error": np.inf}, "cannot be compared with the full one"),
        (IMPOSSIBLE, "none of 2000 draws is possible under data and prior: look at --prior"),
        ({**IMPOSSIBLE, "stopped": "budget"}, "none of 2000 draws is possible"),
    ],
)
def test_each_fault_has_its_reason(changes: Mapping[str, Any], said: str) -> None:
    (reason,) = Certificate(**{**GOOD, **changes}).reasons
    assert re.search(said, reason)


@pytest.mark.parametrize(
    "changes",
    [
        {"effective_samples": 1000.0},
        {"pareto_k": 0.69, "largest_weight": 0.05},
        {"pareto_k": 0.8, "largest_weight": 0.0059},
        {"likelihood_error": 0.1},
    ],
)
def test_values_at_the_limits_are_trusted(changes: Mapping[str, Any]) -> None:
    assert Certificate(**{**GOOD, **changes}).reasons == ()


def test_a_crowd_of_pairs_from_a_handful_of_points_is_no_posterior() -> None:
    some = {"effective_points": 5e4, "effective_pairs": 1e6}
    assert (Certificate(**GOOD, **some).reasons, Certificate(**GOOD, **some).doubts) == ((), ())
    for few in ({"effective_points": 99.0}, {"effective_pairs": 99.0}):
        bad = Certificate(**GOOD, **{**some, **few})
        assert "rest on few of them" in bad.reasons[0]
        assert bad.doubts == ()
        assert examine_certificate(bad)[0].level is Level.REFUSE
        # Who asks for few samples needs few points.
        assert Certificate(**{**GOOD, "wanted": 90}, **{**some, **few}).reasons == ()
    doubtful = Certificate(**GOOD, **{**some, "effective_points": 499.0})
    assert doubtful.reasons == ()
    assert [one.level for one in examine_certificate(doubtful)] == [Level.WARN]


def test_results_of_former_versions_state_no_points() -> None:
    written = Certificate(**GOOD).to_json()
    assert written["effective_points"] is None
    assert Certificate.from_json(written) == Certificate(**GOOD)
    assert Certificate(**GOOD).doubts == ()
    some = Certificate(**GOOD, effective_points=700.0, effective_pairs=2e4)
    assert Certificate.from_json(json.loads(json.dumps(some.to_json()))) == some


@pytest.mark.parametrize("stopped", get_args(Stopped))
def test_the_network_is_not_to_blame_if_the_time_was_up(stopped: str) -> None:
    (reason,) = Certificate(**{**GOOD, "effective_samples": 10.0, "stopped": stopped}).reasons
    assert ("--budget" in reason) == (stopped == "budget")
    assert ("misses the posterior" in reason) == (stopped not in ("budget", "refused"))
    assert ("because the data refuse the answer" in reason) == (stopped == "refused")
    (tail,) = Certificate(**{**GOOD, "pareto_k": 0.9, "largest_weight": 0.01, "stopped": stopped}).reasons
    assert ("--budget was up" in tail) == (stopped == "budget")


@pytest.mark.parametrize(("shape", "count"), [(0.7, 0), (0.71, 1)])
def test_the_former_rule_holds_for_results_of_former_versions(shape: float, count: int) -> None:
    written = Certificate(**{**GOOD, "pareto_k": shape}).to_json()
    former = {name: value for name, value in written.items() if name not in ("largest_weight", "stopped")}
    found = Certificate.from_json(former)
    assert found.stopped == "unknown"
    assert len(found.reasons) == count


def test_all_faults_have_reasons_and_are_written() -> None:
    bad = Certificate(**{**GOOD, "effective_samples": 0.0, "pareto_k": np.inf, "likelihood_error": np.inf})
    assert len(bad.reasons) == 3
    written = json.loads(json.dumps(bad.to_json(), allow_nan=False))
    assert written["pareto_k"] is None
    assert written["detectors"] == ["H1", "L1"]


@pytest.mark.parametrize("edges", [(), ("about 3 % of the posterior may lie beyond",)])
def test_a_certificate_comes_back_from_json(edges: tuple[str, ...]) -> None:
    for bad in ({}, {"log_bayes_factor": -np.inf, "log_bayes_factor_error": np.inf, "pareto_k": np.inf}):
        written = Certificate(**{**GOOD, **bad, "edges": edges})
        values = json.loads(json.dumps(written.to_json(), allow_nan=False)) | {"sky_area_50": 12.0}
        assert Certificate.from_json(values) == written


def test_why_sampling_ended_is_one_of_the_known_words() -> None:
    check_types(Certificate(**GOOD))
    with pytest.raises(InputError, match=r"expected stopped to be typing.Literal\['enough', .*got 'tired'"):
        check_type("stopped", "tired", Stopped)


def test_a_reweighted_certificate_needs_fewer_samples_and_survives_a_file() -> None:
    one = Reweighting("calibration", ("H1",), 4000, 0.1, 400.0, np.inf, -0.3, draws=1024, correction="template")
    some = Certificate(**{**GOOD, "wanted": 5000, "effective_samples": 600.0, "reweightings": (one,)})
    assert (some.needed, some.reasons) == (500, ())
    (reason,) = Certificate(**{**GOOD, "wanted": 5000, "effective_samples": 400.0, "reweightings": (one,)}).reasons
    assert "400 effective samples of the 500 that are needed after reweighting for uncertainty of the cali" in reason
    assert Certificate(**{**GOOD, "wanted": 100, "reweightings": (one,)}).needed == 100
    assert one.describe().startswith("uncertainty of the calibration of H1 (envelopes correct the template): ln Bay")
    text = json.dumps(some.to_json(), allow_nan=False)
    again = Certificate.from_json(json.loads(text))
    check_types(again)
    assert again == some
    assert Certificate.from_json(GOOD).reweightings == ()
