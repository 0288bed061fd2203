"""Invalid input of training and banks: exit code 2, one line, and no file lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from refusals import PRESET, Command, assert_refused


@pytest.mark.parametrize(
    ("preset", "parts"),
    [
        (None, ("expected a preset file", "got no file", "chirpleaf/training/presets")),
        ("name: [unclosed", ("expected a YAML preset", "does not parse", "mend it")),
        ("- a\n- list\n", ("expected a valid preset", "got the file", "mend")),
        (PRESET + "learning_rate: 1\n", ("expected a valid preset", "got learning_rate", "mend")),
        (PRESET + "schedule: {epochs: -1}\n", ("expected a valid preset", "got schedule.epochs", "mend")),
        (PRESET.replace("short", "a/b"), ("expected a name that can name a file", "got 'a/b'", "change it")),
    ],
)
def test_a_bad_preset(refused: Callable[..., None], tmp_path: Path, preset: str | None, parts: tuple[str, ...]) -> None:
    path = tmp_path / "preset.yaml"
    if preset is not None:
        path.write_text(preset)
    refused(("train", path, "--out", tmp_path / "out"), *parts)


def test_nothing_to_resume(refused: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "preset.yaml"
    path.write_text(PRESET)
    parts = ("expected a checkpoint to resume from", "got no", "last.ckpt", "train without --resume")
    refused(("train", path, "--out", tmp_path / "out", "--resume"), *parts)


def test_a_training_is_neither_overwritten_nor_resumed_with_another_preset(
    refused: Callable[..., None], tmp_path: Path
) -> None:
    run, other = tmp_path / "run", tmp_path / "other.yaml"
    run.mkdir()
    (run / "last.ckpt").write_bytes(b"weeks of work")
    (run / "preset.yaml").write_text(PRESET)
    other.write_text(PRESET + "seed: 5\n")
    refused(("train", other, "--out", run), "expected a new or empty folder", "got", "add --overwrite")
    refused(("train", other, "--out", run, "--resume"), "expected the preset", "got", "resume with")
    refused(("train", other, "--out", run, "--resume", "--overwrite"), "expected --resume or --overwrite", "got both")


BANK = PRESET + "simulation: {waveforms: 200}\n"


def bank_of(chirpleaf: Command, preset: Path, file: Path, *options: object) -> Any:
    return chirpleaf("bank", preset, "--out", file, "--piece", 64, "--workers", 1, *options)


@pytest.mark.slow
def test_a_bank_is_made_gone_on_with_and_refused(
    refused: Callable[..., None], chirpleaf: Command, tmp_path: Path
) -> None:
    preset, file = tmp_path / "short.yaml", tmp_path / "bank.h5"
    preset.write_text(BANK)
    assert bank_of(chirpleaf, preset, file).status == 0
    again = bank_of(chirpleaf, preset, file, "--resume")
    assert again.status == 0
    assert "4 of 4 pieces are made" in again.stdout
    other = tmp_path / "other.yaml"
    other.write_text(BANK.replace("duration: 4", "duration: 4\nseed: 5"))
    asked = ("bank", preset, "--out", file)
    refused(asked, "expected a new file", "bank.h5", "add --resume to go on with it, or --overwrite")
    refused((*asked, "--resume", "--overwrite"), "expected --resume or --overwrite; got both")
    refused((*asked, "--resume", "--waveforms", 300), "expected 300 waveforms", "give it --waveforms 200 --piece 64")
    refused(("bank", other, "--out", file, "--resume"), "expected a bank of this preset", "made with another seed")
    out = tmp_path / "out"
    trained = ("train", other, "--out", out, "--cores", 1, "--bank")
    assert_refused_by(chirpleaf(*trained, file), "expected a bank of this preset", "made with another seed")
    assert_refused_by(chirpleaf(*trained, preset, "--overwrite"), "expected a bank file", "short.yaml")


def assert_refused_by(ran: Any, *parts: str) -> None:
    """Like `assert_refused`, for commands that print progress before the error."""
    assert_refused(ran.status, "", ran.stderr, *parts)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--resume",), ("expected a bank file; got", "none.h5", "make one by `chirpleaf bank`")),
        (("--piece", "100"), ("expected pieces of a power of two, at most 8192 rows; got 100",)),
        (("--piece", "16384"), ("expected pieces of a power of two, at most 8192 rows; got 16384",)),
        (("--waveforms", "0"), ("Invalid value for '--waveforms'",)),
    ],
)
def test_a_bank_asked_for_wrongly(
    refused: Callable[..., None], tmp_path: Path, options: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    preset = tmp_path / "short.yaml"
    preset.write_text(BANK)
    refused(("bank", preset, "--out", tmp_path / "none.h5", *options), *parts)


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer(chirpleaf: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from chirpleaf.system import dask_cluster

    monkeypatch.setattr(dask_cluster, "_TIMEOUT", 1)
    preset = tmp_path / "short.yaml"
    preset.write_text(BANK)
    bank, out = tmp_path / "bank.h5", tmp_path / "out"
    bank.write_text("a former bank")
    (tmp_path / "list.txt").write_text("GW150914\n")
    scheduler = ("--overwrite", "--scheduler", "tcp://127.0.0.1:9")
    assert_refused_by(bank_of(chirpleaf, preset, bank, *scheduler), "--workers for processes", "got --scheduler")
    ran = chirpleaf("bank", preset, "--out", bank, *scheduler)
    assert_refused_by(ran, "expected a Dask scheduler with workers", "127.0.0.1:9", "start them first")
    assert bank.read_text() == "a former bank"
    ran = chirpleaf("catalog", tmp_path / "list.txt", "--out", out, "--scheduler", "tcp://127.0.0.1:9")
    assert_refused_by(ran, "expected a Dask scheduler with workers", "127.0.0.1:9", "start them first")
    assert not out.exists()


@pytest.mark.usefixtures("unchecked_types")
def test_more_ranks_than_validation_batches(tmp_path: Path, architecture: Any) -> None:
    from chirpleaf.errors import InputError
    from chirpleaf.training.data import validation_batches
    from chirpleaf.training.parallel.ranks import Ranks
    from chirpleaf.training.simulation import Simulation

    with pytest.raises(InputError, match="expected at least a validation batch for each of 4 ranks; got 3"):
        validation_batches(architecture, None, Simulation(validation_batches=3), seed=0, ranks=Ranks(0, 4))  # type: ignore[arg-type]
