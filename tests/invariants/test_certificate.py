"""Certificates: each fault has its reason, and a good certificate has none."""

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from chirpleaf.result.certificate import Certificate

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
}


def test_a_good_certificate_has_no_reason() -> None:
    assert Certificate(**GOOD).reasons == ()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("effective_samples", 999.0, "999 effective samples of 1000 after 2000 draws"),
        ("pareto_k", 0.71, r"heavy tail \(Pareto k 0\.71"),
        ("pareto_k", float("inf"), "heavy tail"),
        ("likelihood_error", 0.11, r"off by 0\.11 nats"),
    ],
)
def test_each_fault_has_its_reason(name: str, value: float, said: str) -> None:
    (reason,) = Certificate(**{**GOOD, name: value}).reasons
    assert re.search(said, reason)


@pytest.mark.parametrize(
    ("name", "value"), [("effective_samples", 1000.0), ("pareto_k", 0.7), ("likelihood_error", 0.1)]
)
def test_values_at_the_limits_are_trusted(name: str, value: float) -> None:
    assert Certificate(**{**GOOD, name: value}).reasons == ()


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
