"""`chirpleaf export`: the files of a model, their agreement with torch, and what is refused."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from chirpleaf.cli.export import TOLERANCE


def test_the_networks_of_a_model_are_exported(
    chirpleaf: Callable[..., Any], model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    ran = chirpleaf("export", model_file, "--out", out, "--json")
    assert (ran.status, ran.stderr) == (0, "")
    found = json.loads(ran.stdout)
    assert [row["graph"] for row in found["graphs"]] == ["log_prob", "sample"]
    assert all(0 < row["difference"] < TOLERANCE for row in found["graphs"])
    for graph in ("log_prob", "sample"):
        onnx.checker.check_model(onnx.load(out / f"{found['model']}-{graph}.onnx"))
    refused = chirpleaf("export", model_file, "--out", out)
    assert refused.status == 2
    assert "expected a new or empty folder" in refused.stderr
    monkeypatch.setattr("chirpleaf.models.onnx.largest_difference", lambda *_: 0.1)
    refused = chirpleaf("export", model_file, "--out", tmp_path / "other")
    assert refused.status == 2
    assert "to differ by at most 0.0001 in onnxruntime; got 0.1" in refused.stderr
    assert not list(tmp_path.glob("other/*.onnx"))


def test_packages_that_are_missing_are_named(
    chirpleaf: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "chirpleaf.cli.extras.find_spec", lambda name: None if name == "onnxruntime" else find_spec(name)
    )
    ran = chirpleaf("export", "masses", "--out", tmp_path / "out")
    assert ran.status == 2
    assert "pip install 'chirpleaf[onnx]'" in ran.stderr
    assert not (tmp_path / "out").exists()
