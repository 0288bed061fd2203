"""Verdicts: the worst finding decides, files keep every finding, and files of former versions can be read."""

import json

import pytest
from made_results import network_posterior
from rich.console import Console

from chirpleaf.cli.report import report
from chirpleaf.result.trust import AREAS, Finding, Grade, Level, Trust

NOTE = Finding("data.lines", Level.NOTE, "H1: a line at 60 Hz", "H1", 60.0)
WARN = Finding("model.walls", Level.WARN, "3 % may lie beyond chirp mass 87")
REFUSE = Finding("signal.glitch", Level.REFUSE, "L1: a glitch [explains] the data", "L1", -4.5)


def judge(*findings: Finding, certified: bool = True) -> Trust:
    return Trust.from_findings(findings, 12.0, {"H1": 8.0, "L1": 9.0}, certified=certified)


@pytest.mark.parametrize(
    ("findings", "grade", "verdict", "alone"),
    [
        ((), Grade.PASS, "trusted", "not certified"),
        ((NOTE,), Grade.PASS, "trusted", "not certified"),
        ((WARN, NOTE), Grade.WARN, "doubtful", "not certified"),
        ((WARN, REFUSE, NOTE), Grade.REFUSE, "untrusted", "untrusted"),
    ],
)
def test_the_worst_finding_decides(findings: tuple[Finding, ...], grade: Grade, verdict: str, alone: str) -> None:
    certified, network = judge(*findings), judge(*findings, certified=False)
    assert (certified.grade, certified.verdict, network.verdict) == (grade, verdict, alone)
    assert certified.trusted == (grade is Grade.PASS)
    assert not network.trusted
    assert judge().add(*findings) == certified


def test_reasons_are_those_of_refusal_then_those_of_warning() -> None:
    assert judge(WARN, NOTE, REFUSE).reasons == (REFUSE.message, WARN.message)
    old = Trust("untrusted", 1.0, {}, ("an old reason",))
    assert old.add(WARN).add(REFUSE, WARN).reasons == ("an old reason", REFUSE.message, WARN.message)


def test_findings_are_stored_by_area() -> None:
    trust = judge(WARN, NOTE, REFUSE)
    stored = json.loads(json.dumps(trust.to_json(), allow_nan=False))
    assert [[one["check"] for one in stored[area]] for area in AREAS] == [
        [NOTE.check],
        [REFUSE.check],
        [WARN.check],
        [],
    ]
    assert stored["data"][0]["level"] == "note"
    again = Trust.from_json(stored)
    assert (again.grade, again.reasons, set(again.findings)) == (trust.grade, trust.reasons, set(trust.findings))


def test_a_number_that_is_not_finite_is_stored_as_null() -> None:
    assert Finding("data.scale", Level.NOTE, "", value=float("nan")).to_json()["value"] is None


def test_files_of_former_versions_have_no_findings() -> None:
    stored = {"verdict": "untrusted", "network_snr": None, "snr": {}, "reasons": ["no signal"]}
    old = Trust.from_json(stored)
    assert (old.grade, old.reasons, old.findings) == (Grade.REFUSE, ("no signal",), ())
    assert Trust.unknown().grade is Grade.UNKNOWN


def test_every_finding_is_in_the_table_the_worst_first() -> None:
    console = Console(width=200, no_color=True)
    with console.capture() as shown:
        console.print(report(network_posterior(trust=judge(NOTE, WARN, REFUSE))))
    lines = [line.strip() for line in shown.get().splitlines() if line.startswith(("note", "warn", "refuse"))]
    assert lines == [f"{one.level.name.lower()}: {one.message}" for one in (REFUSE, WARN, NOTE)]


@pytest.mark.parametrize(("finding", "stamped"), [(REFUSE, True), (WARN, False)])
def test_the_picture_of_a_refused_answer_carries_the_word(finding: Finding, stamped: bool) -> None:
    figure = network_posterior(trust=judge(finding)).plot_corner(["chirp_mass"])
    assert ("untrusted" in [text.get_text() for text in figure.texts]) == stamped
