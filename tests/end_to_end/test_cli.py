"""The command line from its arguments to its files, with an untrained model."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chirpleaf.cli import checks
from chirpleaf.inference import load_candidates, prepare
from chirpleaf.models import load_model
from chirpleaf.report.drawing import SameProcess
from chirpleaf.report.numbers import decimals
from chirpleaf.result import read
from chirpleaf.result.posterior import HEADLINE
from chirpleaf.strain import events, load_event

Command = Callable[..., Any]

FILES = {"summary.json", "posterior.hdf5", "result.json", "corner.png", "strain.png", "report.html"}
TRIGGER = events()["GW150914"].trigger_time
SCRIPT = Path(sys.executable).with_name("chirpleaf")

PRESET = """
name: short
duration: 4
prior: {chirp_mass_min: 30}
templates: {phase_step: 12, ratio_step: 0.2, chi_eff: [0.0]}
root: {width: 16, n_blocks: 1}
n_context: 8
head: {kind: mixture, n_components: 3, n_hidden: 8}
simulation: {waveforms: 400, validation_waveforms: 200, spectra: 16, batch_size: 64, validation_batches: 1}
schedule: {epochs: 1, batches: 3, warmup: 2}
"""


def files_of(folder: Path) -> set[str]:
    """Names of the files in a folder, but for the hidden record of products."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def summary_of(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary


def is_png(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n") and path.read_bytes()[-8:-4] == b"IEND"


def test_the_whole_process_from_an_event_to_its_files(model_file: Path, tmp_path: Path) -> None:
    command = [SCRIPT, "infer", "GW150914", "--model", model_file, "--samples", "300", "--no-certify"]
    environment = {**os.environ, "COLUMNS": "80"}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    folder = tmp_path / "out" / "GW150914"
    assert files_of(folder) == FILES
    assert is_png(folder / "corner.png")
    assert is_png(folder / "strain.png")
    for name in HEADLINE:
        median = summary_of(folder)["parameters"][name]["median"]
        (row,) = (line for line in ran.stdout.splitlines() if re.search(rf"│ {name} +│", line))
        shown = row.split("│")[2].strip()
        assert float(shown) == pytest.approx(median, abs=0.51 * 10 ** -len(shown.partition(".")[2]))
    assert "wrote out/GW150914: summary.json" in ran.stdout
    assert all(len(line) <= 80 for line in ran.stdout.splitlines() if not line.startswith("wrote"))


@pytest.mark.parametrize("arguments", [("--help",), ()])
def test_help_lists_the_subcommands(chirpleaf: Command, arguments: tuple[str, ...]) -> None:
    ran = chirpleaf(*arguments)
    assert ran.status == 0
    for verb in ("infer", "train", "evaluate", "models", "events", "doctor"):
        assert re.search(rf"│ {verb} ", ran.stdout)


def test_version(chirpleaf: Command) -> None:
    said = chirpleaf("--version").stdout
    assert re.fullmatch(r"chirpleaf \d+\.\d+\.\d+\S*\ncite: The chirpleaf authors, .*https://arxiv.org/\S+\n", said)
    as_module = [sys.executable, "-m", "chirpleaf", "--version"]
    assert subprocess.run(as_module, capture_output=True, text=True, check=True).stdout == said


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skips the figures, which take a second and which other tests check."""
    for stage in ("begin_data", "begin"):
        monkeypatch.setattr(f"chirpleaf.report.pictures.FigureDrawing.{stage}", lambda *_: None)
    monkeypatch.setattr("chirpleaf.report.pictures.FigureDrawing.finish", lambda *_: {})


@pytest.mark.usefixtures("no_pictures")
def test_the_seed_determines_the_samples(chirpleaf: Command, model_file: Path, tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        arguments = ("--model", model_file, "--samples", 200, "--no-certify", "--seed", seed)
        arguments += ("--out", tmp_path / folder)
        assert chirpleaf("infer", "GW150914", *arguments).status == 0
    a, b, c = (read(tmp_path / folder / "posterior.hdf5") for folder in "abc")
    for name, values in a.samples.items():
        np.testing.assert_array_equal(values, b.samples[name])
        assert not np.array_equal(values, c.samples[name])
    assert (a.provenance.seed, c.provenance.seed) == (1, 2)


@pytest.mark.usefixtures("no_pictures")
def test_strain_files_give_the_result_of_the_embedded_event(
    chirpleaf: Command, model_file: Path, gwosc_file: Callable[..., Path], tmp_path: Path
) -> None:
    strain = load_event("GW150914")
    options: list[object] = ["--trigger", TRIGGER]
    spectra = prepare(load_candidates(model_file), "GW150914").spectra
    for name, series in strain.items():
        density = tmp_path / f"{name}.txt"
        spectra[name].write(density)
        options += ["--strain", f"{name}={gwosc_file(series)}", "--psd", f"{name}={density}"]
    same = ("--model", model_file, "--samples", 200, "--no-certify")
    assert chirpleaf("infer", *options, *same, "--out", tmp_path / "files").status == 0
    assert chirpleaf("infer", "GW150914", *same, "--out", tmp_path / "event").status == 0
    by_files, by_event = summary_of(tmp_path / "files"), summary_of(tmp_path / "event")
    assert (by_files["event"], by_event["event"]) == ("strain", "GW150914")
    for name, row in by_event["parameters"].items():
        assert by_files["parameters"][name]["median"] == pytest.approx(row["median"], rel=1e-4), name


def test_an_untrusted_result_is_written_and_reported(chirpleaf: Command, model_file: Path, tmp_path: Path) -> None:
    arguments = ("--trigger", TRIGGER + 4, "--model", model_file, "--samples", 200, "--no-certify")
    ran = chirpleaf("infer", "GW150914", *arguments, "--out", tmp_path / "noise")
    assert ran.status == 3
    assert re.fullmatch(r"not trusted: no signal: network signal-to-noise \d\.\d, below 6; .*\n", ran.stderr)
    assert files_of(tmp_path / "noise") == FILES
    assert summary_of(tmp_path / "noise")["trust"]["verdict"] == "untrusted"


@pytest.mark.parametrize("figure", ["finish_pictures", "render_report"])
def test_files_and_figures_are_replaced_together_or_not_at_all(
    chirpleaf: Command, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: str
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    class Unfinished(Future):
        """A figure that is drawn only when its file is asked for."""

        def result(self, timeout: float | None = None) -> None:
            stop()

    arguments = ("infer", "GW150914", "--model", model_file, "--no-certify", "--out", tmp_path)
    assert chirpleaf(*arguments, "--samples", 200).status == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) >= FILES
    submit = SameProcess.submit

    def submit_late(executor: SameProcess, function: Callable[..., Any], *values: object) -> Future:
        return Unfinished() if function.__name__ == figure else submit(executor, function, *values)

    monkeypatch.setattr(SameProcess, "submit", submit_late)
    assert chirpleaf(*arguments, "--samples", 300, "--overwrite").status == 130
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_overwriting_keeps_other_files(chirpleaf: Command, model_file: Path, tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    arguments = ("--model", model_file, "--samples", 200, "--no-certify", "--out", tmp_path, "--overwrite")
    assert chirpleaf("infer", "GW150914", *arguments).status == 0
    assert summary_of(tmp_path)["n_samples"] == 200
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert files_of(tmp_path) == {*FILES, "notes.txt"}


def test_a_terminal_of_another_encoding_shows_what_it_can(model_file: Path, tmp_path: Path) -> None:
    words = ["infer", "GW150914", "--model", str(model_file), "--no-certify", "--out", str(tmp_path / "out")]
    ran = subprocess.run(
        [sys.executable, "-m", "chirpleaf", *words],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert ran.returncode in (0, 3), ran.stderr
    assert b"GW150914 ? H1 L1" in ran.stdout


def test_names_that_are_no_text_are_refused(chirpleaf: Command) -> None:
    ran = chirpleaf("infer", "GW150914", "--out", "bad\udcffname")
    assert ran.status == 2
    assert "expected arguments in UTF-8; got 'bad?name'" in ran.stderr


def test_events_are_listed(chirpleaf: Command) -> None:
    listed = chirpleaf("events").stdout
    for event in events().values():
        assert event.name in listed
        assert f"{event.trigger_time:.1f}" in listed


def test_models_are_listed(chirpleaf: Command) -> None:
    from chirpleaf.models import available_models

    ran = chirpleaf("models")
    assert ran.status == 0
    for name in available_models() or ["no model is shipped"]:
        assert name in ran.stdout


def test_the_doctor_finds_no_fault_in_this_installation(chirpleaf: Command) -> None:
    ran = chirpleaf("doctor")
    assert ran.status == 0
    assert "fail" not in ran.stdout
    for subject in (*checks.SINGLE, "output", "downloads", "cores", *checks.EXTRAS):
        assert subject in ran.stdout


def test_the_doctor_finds_a_broken_package(chirpleaf: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> checks.Check:
        raise ImportError("libtorch.so: cannot open [shared] object file")

    monkeypatch.setitem(checks.SINGLE, "torch", broken)
    ran = chirpleaf("doctor")
    assert ran.status == 2
    assert re.search(r"fail +torch +ImportError: libtorch.so: cannot open \[shared\]", ran.stdout)


def test_training_writes_a_model_that_can_infer_and_be_trained_further(chirpleaf: Command, tmp_path: Path) -> None:
    preset, run = tmp_path / "short.yaml", tmp_path / "run"
    preset.write_text(PRESET)
    ran = chirpleaf("train", preset, "--out", run, "--cores", 1)
    assert (ran.status, ran.stderr) == (0, "")
    assert "GPU" not in ran.stdout
    assert {"history.csv", "preset.yaml", "last.ckpt", "short.safetensors"} <= files_of(run)
    arguments = ("--model", run / "short.safetensors", "--samples", 100, "--no-certify", "--out", tmp_path / "out")
    assert chirpleaf("infer", "GW150914", *arguments).status in (0, 3)

    further, begun = tmp_path / "further", run / "short.safetensors"
    ran = chirpleaf("train", preset, "--out", further, "--cores", 1, "--start", begun)
    assert (ran.status, ran.stderr) == (0, "")
    model = load_model(further / "short.safetensors")
    assert model.provenance["start"]["model"] == "short"
    assert model.provenance["metrics"]["validation_loss"] < load_model(begun).provenance["metrics"]["validation_loss"]
    ran = chirpleaf("train", preset, "--out", further, "--resume")
    assert (ran.status, ran.stderr) == (0, "")
    other = tmp_path / "other.yaml"
    other.write_text(PRESET.replace("duration: 4", "duration: 8"))
    ran = chirpleaf("train", other, "--out", tmp_path / "x", "--start", begun)
    assert ran.status == 2
    assert "got another duration" in ran.stderr


@pytest.mark.parametrize(
    ("checkpoint", "advice"),
    [(True, "go on with `chirpleaf train .* --resume`"), (False, "start again .* --overwrite")],
)
def test_an_interrupted_training_says_how_to_go_on(
    chirpleaf: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: bool, advice: str
) -> None:
    from chirpleaf.training import recipe

    def interrupted(*_: object, out: Path, **__: object) -> None:
        if checkpoint:
            (out / "last.ckpt").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe, "train", interrupted)
    preset = tmp_path / "short.yaml"
    preset.write_text(PRESET)
    ran = chirpleaf("train", preset, "--out", tmp_path / "run")
    assert ran.status == 130
    assert re.fullmatch(f"stopped: .*{advice}.*\n", ran.stderr)


def test_evaluation_writes_ranks_and_figures(chirpleaf: Command, model_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "evaluation"
    ran = chirpleaf("evaluate", model_file, "--injections", 12, "--samples", 200, "--out", out)
    assert (ran.status, ran.stderr) == (0, "")
    found = json.loads((out / "evaluation.json").read_text())
    assert (found["model"], found["injections"], found["seed"]) == ("random", 12, 0)
    assert found["calibration"]["parameters"]["chirp_mass"]["pp_test"]["n_injections"] == 12
    assert is_png(out / "pp.png")
    assert {"coverage_snr.png", "coverage_chirp_mass.png", "coverage_psd_family.png"} <= files_of(out)


@pytest.mark.parametrize(
    ("interval", "digits"), [((29.28, 32.71), 2), ((0.614, 0.731), 3), ((210.0, 480.0), 0), ((2.0, 2.0), 3)]
)
def test_intervals_are_shown_with_three_digits(interval: tuple[float, float], digits: int) -> None:
    assert decimals(*interval) == digits
