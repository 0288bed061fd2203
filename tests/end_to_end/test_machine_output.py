"""Output for programs: `--json` prints one document and nothing else; progress goes to a terminal alone."""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from made_results import certified_posterior, network_posterior
from rich.console import Console

from chirpleaf.cli import app, stages
from chirpleaf.inference.replay import Comparison
from chirpleaf.result.trust import Trust
from chirpleaf.strain import events

Command = Callable[..., Any]
WITHOUT_TABLES = ("train", "bank", "inject", "convert", "serve")
"""Verbs whose answer is files or a page."""


def test_every_verb_that_prints_a_table_has_json() -> None:
    from typer.main import get_command

    verbs: Any = get_command(app).commands  # type: ignore[attr-defined]
    without = {name for name, verb in verbs.items() if not any("--json" in one.opts for one in verb.params)}
    assert without == set(WITHOUT_TABLES)


def test_compare_prints_one_document_though_it_writes_files(chirpleaf: Command, tmp_path: Path) -> None:
    certified_posterior(trust=Trust("trusted", 21.5, {}, ())).save(tmp_path)
    ran = chirpleaf("compare", tmp_path, tmp_path, "--out", tmp_path / "out", "--json")
    assert (ran.status, ran.stderr) == (0, "")
    assert json.loads(ran.stdout) == json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert (tmp_path / "out" / "corner.png").is_file()


def test_events_are_a_document(chirpleaf: Command) -> None:
    ran = chirpleaf("events", "--json")
    assert (ran.status, ran.stderr) == (0, "")
    assert {one["name"]: one["trigger_time"] for one in json.loads(ran.stdout)} == {
        event.name: event.trigger_time for event in events().values()
    }


def test_models_are_a_document(chirpleaf: Command) -> None:
    found = {one["model"]: one for one in json.loads(chirpleaf("models", "--json").stdout)}
    assert found["bbh"]["takes_subsets"] is True
    assert found["masses"]["quantities"] == ["mass_1", "mass_2"]
    assert all(one["bytes"] > 1e5 for one in found.values())


def test_the_doctor_speaks_json(chirpleaf: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = import_module("chirpleaf.cli.checks")
    found = [checks.Check("python", "ok", "3.11"), checks.Check("torch", "fail", "broken", "install")]
    monkeypatch.setattr(checks, "checks", lambda: iter(found))
    ran = chirpleaf("doctor", "--json")
    assert ran.status == 2
    assert json.loads(ran.stdout)[1] == {"subject": "torch", "status": "fail", "finding": "broken", "remedy": "install"}


@pytest.mark.parametrize("same", [True, False])
def test_verify_speaks_json(chirpleaf: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same: bool) -> None:
    network_posterior().save(tmp_path)
    comparison = Comparison(
        same, () if same else ("mass_1",), True, (), (5, 5), False, ("trusted", "trusted"), {"mass_1": 0.5}
    )
    replay = import_module("chirpleaf.inference.replay")
    monkeypatch.setattr(replay, "replay", lambda first: (first, comparison))
    ran = chirpleaf("verify", tmp_path, "--json")
    assert ran.status == (0 if same else 3)
    assert json.loads(ran.stdout)["same"] is same


def test_infer_prints_its_summary_as_json(chirpleaf: Command, model_file: Path, tmp_path: Path) -> None:
    arguments = ("--model", model_file, "--samples", 200, "--no-certify", "--out", tmp_path / "out", "--json")
    ran = chirpleaf("infer", "GW150914", *arguments)
    assert (ran.status, ran.stderr) == (0, "")
    document = json.loads(ran.stdout)
    written = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {name: document[name] for name in written} == written
    assert set(document["files"]) >= {"summary.json", "report.html"}


class Drawn:
    """Records the stages in place of drawing."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.stages.append(name)


@pytest.mark.parametrize("terminal", [True, False])
def test_stages_are_shown_on_a_terminal_alone(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    file = io.StringIO()
    monkeypatch.setattr(stages, "errors", Console(file=file, force_terminal=terminal, width=100))
    with stages.show_stages() as enter_stage:
        enter_stage("checks", 80)
    assert ("checks" in file.getvalue()) == terminal
    assert bool(file.getvalue()) == terminal


def test_the_stages_of_an_analysis_are_reported_in_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unchecked_types: None
) -> None:
    from chirpleaf.report import analysis

    nothing: Any = None

    def analyse(_: object, preview: Any, on_data: Any) -> Any:
        on_data(nothing)
        preview(nothing, nothing)
        return nothing, result

    monkeypatch.setattr(analysis, "analyse_event", analyse)
    drawing: Any = Drawn()
    result, entered = certified_posterior(), []
    monkeypatch.setattr(type(result), "write", lambda *_: ())
    found, _ = analysis.write_analysis(nothing, drawing, tmp_path, lambda *stage: entered.append(stage))
    assert found is result
    assert drawing.stages == ["begin_data", "begin", "finish"]
    assert [name for name, _ in entered] == [stage.name for stage in analysis.STAGES]
    assert [share for _, share in entered] == [0, 15, 80, 90]
    assert sum(stage.share for stage in analysis.STAGES) == 100
