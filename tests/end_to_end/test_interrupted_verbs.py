"""`train`, `bank`, `evaluate`, `scale` and `decompose` that are ended: whole files or none, and one run in a folder."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import pytest
from refusals import PRESET, assert_refused

from chirpleaf.models import load
from chirpleaf.system.folders import LOCK
from chirpleaf.training.progress import read_history

Command = Callable[..., Any]

SHORT = (
    PRESET
    + """
templates: {phase_step: 12, ratio_step: 0.2, chi_eff: [0.0]}
root: {width: 16, n_blocks: 1}
n_context: 8
head: {kind: mixture, n_components: 3, n_hidden: 8}
simulation: {waveforms: 400, validation_waveforms: 200, spectra: 16, batch_size: 64, validation_batches: 1}
schedule: {epochs: 400, batches: 3, warmup: 2}
"""
)

ENDS = (signal.SIGINT, signal.SIGKILL)

PAUSE = float(os.environ.get("CHIRPLEAF_TEST_PAUSE", "1"))
"""Seconds before a run is ended. With 10 to 20, trainings have checkpoints and banks have pieces."""


def list_arguments(verb: str, preset: Path, model: Path, out: Path) -> list[str]:
    """A command that takes longer than the test waits."""
    rest = {
        "train": [str(preset), "--cores", "1"],
        "bank": [str(preset), "--waveforms", "400000", "--piece", "64", "--workers", "1"],
        "evaluate": [str(model), "--injections", "20000", "--samples", "1000"],
        "scale": [str(preset), "--steps", "200", "--repeats", "9"],
        "decompose": ["masses", "--leaf", "mass_1", "--events", "16384"],
    }
    return [verb, *rest[verb], "--out", str(out)]


@contextmanager
def running(arguments: list[str], lock: Path) -> Iterator[subprocess.Popen[str]]:
    """The command in a process group of its own, once it has claimed its output."""
    command = [sys.executable, "-m", "chirpleaf", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            while not lock.is_file():
                assert process.poll() is None, process.communicate()
                time.sleep(0.02)
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def end_run(process: subprocess.Popen[str], end: signal.Signals) -> str:
    """Sends the signal, again if Python lost it in the callback of an import; returns standard error."""
    for _ in range(6):
        os.killpg(process.pid, end)
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=40)[1]
    raise AssertionError(f"{process.args} does not end")


def check_whole(folder: Path) -> None:
    """Every file that is left can be read."""
    for path in folder.rglob("*"):
        if path.name.startswith(".") or path.is_dir():
            continue
        if path.suffix == ".safetensors":
            load(path)
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".hdf5":
            with h5py.File(path) as file:
                assert len(file)
        elif path.name == "history.csv":
            read_history(path)
        elif path.suffix == ".ckpt":
            import torch

            assert torch.load(path, weights_only=False)
        else:
            assert path.name == "preset.yaml", path


@pytest.mark.parametrize("verb", ["train", "bank", "evaluate", "scale", "decompose"])
def test_a_verb_that_is_ended_leaves_whole_files_or_none(
    verb: str, model_file: Path, tmp_path: Path, chirpleaf: Command
) -> None:
    preset = tmp_path / "preset.yaml"
    preset.write_text(SHORT)
    for end in ENDS:
        folder = tmp_path / end.name
        folder.mkdir()
        out = folder / ("bank.hdf5" if verb == "bank" else "out")
        lock = out.with_name(f".{out.name}{LOCK}") if verb == "bank" else out / LOCK
        arguments = list_arguments(verb, preset, model_file, out)
        with running(arguments, lock) as process:
            second = chirpleaf(*arguments, *([] if verb == "bank" else ["--overwrite"]))
            assert_refused(second.status, second.stdout, second.stderr, "no other run", f"process {process.pid}")
            time.sleep(PAUSE)
            errors = end_run(process, end)
        assert "Traceback" not in errors
        # A second Ctrl-C, where the first one took long, may end Python itself by the signal; a shell says 130 too.
        assert process.returncode in ((130, -signal.SIGINT) if end is signal.SIGINT else (-signal.SIGKILL,))
        check_whole(folder)
        if end is signal.SIGINT:
            assert not lock.exists()
        assert not [path for path in folder.rglob(".chirpleaf-*") if end is signal.SIGINT]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ranks_of_scale_end_when_it_is_killed(tmp_path: Path) -> None:
    preset, out = tmp_path / "preset.yaml", tmp_path / "out"
    preset.write_text(SHORT)

    def list_ranks() -> list[Path]:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command = (process / "cmdline").read_bytes()
                if b"chirpleaf.cli.pace" in command and bytes(preset) in command:
                    found.append(process)
        return found

    command = [sys.executable, "-m", "chirpleaf", "scale", str(preset), "--out", str(out), "--steps", "100000"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as scale:
        while len(list_ranks()) < 2:  # torchrun and a rank
            assert scale.poll() is None
            time.sleep(0.1)
        scale.kill()
    for _ in range(600):
        if not list_ranks():
            break
        time.sleep(0.1)
    assert list_ranks() == []
