"""`chirpleaf test-gr`: files, exit codes and words, without an analysis."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chirpleaf.inference.relativity as room
from chirpleaf.inference import Request
from chirpleaf.inference.relativity import Comparison, Part, RelativityTest
from chirpleaf.inference.relativity.comparison import INSPIRAL, POST_INSPIRAL, WHOLE, examine_loudness
from chirpleaf.inference.relativity.deviation import compare_remnants
from chirpleaf.inference.relativity.leaves import LeafComparison
from chirpleaf.inference.relativity.settings import DEFAULT_RELATIVITY
from chirpleaf.physics.derived import Samples
from chirpleaf.result.provenance import Provenance
from chirpleaf.result.trust import Trust


def remnant(mass: float, seed: int) -> Samples:
    rng = np.random.default_rng(seed)
    return {"final_mass": rng.normal(mass, 3.0, 500), "final_spin": rng.normal(0.7, 0.05, 500)}


def make_test(snr: float) -> RelativityTest:
    """A test whose post-inspiral has a signal-to-noise ratio."""
    loudness = {WHOLE: 20.0, INSPIRAL: 15.0, POST_INSPIRAL: snr}
    findings = examine_loudness(loudness, DEFAULT_RELATIVITY)
    samples = {WHOLE: remnant(68.0, 1), INSPIRAL: remnant(70.0, 2), POST_INSPIRAL: remnant(65.0, 3)}
    if findings:
        samples |= {INSPIRAL: {}, POST_INSPIRAL: {}}
    parts = {name: Part((20.0, 130.0), loudness[name], None, samples[name]) for name in loudness}
    deviation = None if findings else compare_remnants(samples[INSPIRAL], samples[POST_INSPIRAL])
    leaf = LeafComparison("omega_r", (0.5, 0.53, 0.56), (0.51, 0.53, 0.55), 0.5)
    origin = Provenance("GW150914", 1126259462.4, ("H1", "L1"), "bbh", "", "IMRPhenomXAS", 0)
    trust = Trust.from_findings(findings, 20.0, {"H1": 15.0, "L1": 13.0})
    return RelativityTest(Comparison(130.0, parts, deviation, findings), (leaf,), trust, origin, "uniform", {})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[RelativityTest], list[Request]]:
    """Replaces the analysis by a result; returns what it was asked."""

    def replace_by(test: RelativityTest) -> list[Request]:
        requests: list[Request] = []

        def check(request: Request) -> RelativityTest:
            requests.append(request)
            return test

        monkeypatch.setattr(room, "check_relativity", check)
        return requests

    return replace_by


def test_an_event_gives_a_table_a_document_and_a_picture(
    chirpleaf: Callable[..., Any], asked: Callable[..., list[Request]], tmp_path: Path
) -> None:
    requests = asked(make_test(snr=10.0))
    ran = chirpleaf("test-gr", "GW150914", "--detectors", "h1,L1", "--seed", 3, "--out", tmp_path)
    assert ran.status == 0, ran.stderr
    assert (requests[0].event, requests[0].seed, requests[0].options.detectors) == ("GW150914", 3, ("H1", "L1"))
    document = json.loads((tmp_path / "relativity.json").read_text())
    assert document["cutoff_hz"] == 130.0
    assert 0 < document["gr_quantile"] < 1
    row = document["deviation"]["final_mass"]
    assert row["lower"] < row["median"] < row["upper"]
    assert document["parts"]["inspiral"]["parameters"]["final_mass"]["unit"] == "M_sun"
    assert document["leaves"]["omega_r"]["quantile"] == 0.5
    assert (tmp_path / "relativity.png").read_bytes()[1:4] == b"PNG"
    assert "general relativity lies at the" in " ".join(ran.stdout.split())


def test_the_result_as_json_and_the_time_that_is_asked_for(
    chirpleaf: Callable[..., Any], asked: Callable[..., list[Request]], tmp_path: Path
) -> None:
    requests = asked(make_test(snr=10.0))
    ran = chirpleaf("test-gr", "GW150914", "--budget", 20, "--out", tmp_path, "--json")
    assert requests[0].budget == 20.0
    document = json.loads(ran.stdout)
    written = json.loads((tmp_path / "relativity.json").read_text())
    assert document == {**written, "folder": str(tmp_path), "files": ["relativity.json", "relativity.png"]}
    wrong = chirpleaf("test-gr", "GW150914", "--budget", 0, "--out", tmp_path / "none")
    assert (wrong.status, len(requests)) == (2, 1)
    assert "expected --budget in seconds" in wrong.stderr


def test_a_part_with_too_little_signal_ends_with_three(
    chirpleaf: Callable[..., Any], asked: Callable[..., list[Request]], tmp_path: Path
) -> None:
    asked(make_test(snr=4.2))
    ran = chirpleaf("test-gr", "GW150914", "--out", tmp_path)
    assert ran.status == 3
    assert "the post-inspiral has a signal-to-noise ratio of 4.2, below 6" in ran.stderr
    document = json.loads((tmp_path / "relativity.json").read_text())
    assert document["gr_quantile"] is None
    assert document["trust"]["grade"] == "REFUSE"


def test_an_unknown_event_ends_with_two(chirpleaf: Callable[..., Any], tmp_path: Path) -> None:
    ran = chirpleaf("test-gr", "GW000000", "--prior", "nonsense", "--out", tmp_path)
    assert ran.status == 2
    assert "expected --prior" in ran.stderr


def test_a_model_of_single_quantities_is_refused_by_its_name(chirpleaf: Callable[..., Any], tmp_path: Path) -> None:
    ran = chirpleaf("test-gr", "GW150914", "--model", "masses", "--out", tmp_path / "out")
    assert ran.status == 2
    assert "expected a model of all parameters for the test; got masses, of " in ran.stderr
    assert "leave --model out" in ran.stderr
