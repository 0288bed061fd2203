"""A network for any subset of four detectors: preset, training, evaluation, and events with one to three detectors."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from refusals import Command

from chirpleaf.models import Model, load_model
from chirpleaf.strain.events import load_event

PRESET = """
name: subsets
seed: 3
detectors: [H1, L1, V1, K1]
duration: 4
arrival_margin: 0.005
delay: 0.025
prior: {chirp_mass_min: 25, chirp_mass_max: 45, mass_ratio_min: 0.3}
templates: {phase_step: 10, ratio_step: 0.15, chi_eff: [0.0]}
encoder: {kind: pooled, width: 16, heads: 2}
root: {width: 32, n_blocks: 1}
n_context: 16
head: {kind: mixture, n_components: 3, n_hidden: 16}
simulation:
  waveforms: 2000
  validation_waveforms: 500
  spectra: 64
  batch_size: 64
  validation_batches: 4
  subsets: {sizes: [0.3, 0.3, 0.3, 0.1], weights: [1, 1, 1, 1]}
schedule: {epochs: 2, batches: 60, warmup: 10, learning_rate: 0.005, ema_decay: 0.9}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file, trained by the command."""
    from chirpleaf.cli import main

    folder = tmp_path_factory.mktemp("subsets")
    (folder / "subsets.yaml").write_text(PRESET)
    assert main(["train", str(folder / "subsets.yaml"), "--out", str(folder / "run"), "--cores", "1"]) == 0
    return folder / "run" / "subsets.safetensors"


def test_the_model_file_keeps_what_a_network_for_subsets_needs(trained: Path) -> None:
    model: Model = load_model(trained)
    assert model.takes_subsets
    assert model.detectors == ("H1", "L1", "V1", "K1")
    assert model.provenance["simulation"]["subsets"]["sizes"] == [0.3, 0.3, 0.3, 0.1]
    rows = (trained.parent / "history.csv").read_text().splitlines()
    losses = [float(row.split(",")[2]) for row in rows[1:]]
    assert losses[1] < losses[0] - 0.3


@pytest.mark.parametrize("names", [("H1", "L1", "V1"), ("H1", "V1"), ("L1",)])
def test_an_event_is_analysed_with_the_detectors_that_there_are(
    chirpleaf: Command,
    trained: Path,
    tmp_path: Path,
    gwosc_file: Callable[..., Path],
    names: tuple[str, ...],
) -> None:
    strain = load_event("GW170814")
    files = [argument for name in names for argument in ("--strain", f"{name}={gwosc_file(strain[name])}")]
    options = ("--model", trained, "--out", tmp_path / "out", "--no-certify", "--samples", 200)
    chirpleaf("infer", *files, "--trigger", 1186741861.53, *options)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["detectors"] == list(names)
    assert list(summary["trust"]["snr"]) == list(names)
    assert 25 < summary["parameters"]["chirp_mass"]["median"] < 45


def test_a_model_is_evaluated_with_the_detectors_that_are_asked_for(
    chirpleaf: Command, trained: Path, tmp_path: Path
) -> None:
    options = ("--injections", 3, "--samples", 100, "--out", tmp_path / "out")
    assert chirpleaf("evaluate", trained, "--detectors", "V1", *options).status == 0
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["detectors"] == ["V1"]
    refused = chirpleaf("evaluate", trained, "--detectors", "X1", "--detectors", "H1", *options, "--overwrite")
    assert refused.status == 2
    assert "expected detectors among H1, L1, V1, K1; got X1" in refused.stderr
