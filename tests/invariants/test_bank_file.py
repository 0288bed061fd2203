"""Bank files: their content depends on the source only, for any number of processes and interruptions."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from chirpleaf.config import read_preset
from chirpleaf.errors import InputError
from chirpleaf.models import Architecture
from chirpleaf.physics.signals import make_signal_model
from chirpleaf.training.banks.bank import build_waveform_bank
from chirpleaf.training.banks.file import BankFile
from chirpleaf.training.banks.source import WaveformSource
from chirpleaf.training.data import waveform_source
from chirpleaf.training.parallel.ranks import Ranks

N = 8192 + 300


@pytest.fixture(scope="module")
def source(architecture: Architecture) -> WaveformSource:
    return waveform_source(architecture, seed=3)


def fill(file: BankFile, source: WaveformSource, only: int | None = None) -> None:
    pieces = file.missing()[:only]
    made = ((piece, source.rows(piece.start, piece.stop)) for piece in pieces)
    assert list(file.write(made, seed=source.seed)) == pieces


@pytest.fixture(scope="module")
def file(source: WaveformSource, tmp_path_factory: pytest.TempPathFactory) -> BankFile:
    file = BankFile.create(tmp_path_factory.mktemp("bank") / "bank.h5", source, N, 1024)
    fill(file, source)
    return file


def test_a_file_is_the_bank_of_its_source(file: BankFile, source: WaveformSource) -> None:
    mapped, made = file.bank(source), build_waveform_bank(source, N)
    assert len(mapped) == N
    assert torch.equal(mapped.theta, made.theta)
    assert torch.equal(mapped.series, made.series)
    assert file.missing() == []


def test_a_file_of_format_1_is_one_series(source: WaveformSource, tmp_path: Path) -> None:
    """It called the series `waves`, without their axis, and described neither parameters nor harmonics nor strata."""
    file = BankFile.create(tmp_path / "new.h5", source, 300, 128)
    fill(file, source)
    with h5py.File(file.path) as new, h5py.File(tmp_path / "old.h5", "w") as old:
        description = json.loads(new.attrs["source"])
        for name in ("parameters", "harmonics", "strata"):
            del description[name]
        old.attrs.update({"format": "chirpleaf-bank 1", "piece": 128, "source": json.dumps(description)})
        for name in ("theta", "sha256", "seed"):
            old.create_dataset(name, data=new[name][:])
        old.create_dataset("waves", data=new["series"][:, 0])
        old["waves"][140] = 0.0
    found = BankFile(tmp_path / "old.h5")
    assert [piece.number for piece in found.missing()] == [1]
    fill(found, source)
    assert found.missing() == []
    assert torch.equal(found.bank(source).series, file.bank(source).series)
    assert found.bank(source).series.shape == (300, 1, source.grid.n_bins, 2)
    other = replace(source, proposal=replace(source.proposal, n_strata=8))
    with pytest.raises(InputError, match="made with another strata: make one"):
        found.check(other)


def test_pieces_have_seeds_and_hashes(file: BankFile, source: WaveformSource) -> None:
    with h5py.File(file.path) as content:
        assert content["seed"][:].tolist() == [[source.seed, piece.start // 8192] for piece in file.pieces()]
        assert len(np.unique(content["sha256"][:], axis=0)) == len(file.pieces()) == 9


def test_an_interrupted_bank_is_resumed(source: WaveformSource, file: BankFile, tmp_path: Path) -> None:
    broken = BankFile.create(tmp_path / "bank.h5", source, N, 1024)
    fill(broken, source, only=4)
    with pytest.raises(InputError, match=r"expected a finished bank; got .*bank\.h5: finish it by"):
        broken.bank(source)
    again = BankFile(tmp_path / "bank.h5")
    assert [piece.number for piece in again.missing()] == [4, 5, 6, 7, 8]
    fill(again, source)
    assert torch.equal(again.bank(source).series, file.bank(source).series)


def test_errors_of_the_work_are_not_taken_for_a_full_disk(source: WaveformSource, tmp_path: Path) -> None:
    file = BankFile.create(tmp_path / "bank.h5", source, N, 1024)

    def fail() -> Iterator[Any]:
        raise FileNotFoundError("data of the waveforms")
        yield

    with pytest.raises(FileNotFoundError, match="data of the waveforms"):
        list(file.write(fail(), seed=source.seed))


def test_a_piece_that_is_not_what_was_written_is_made_again(source: WaveformSource, tmp_path: Path) -> None:
    file = BankFile.create(tmp_path / "bank.h5", source, 300, 128)
    fill(file, source)
    before = file.bank(source).series.clone()
    with h5py.File(file.path, "r+") as content:
        content["series"][140, 0, 3] = 7.0
    assert [piece.number for piece in file.missing()] == [1]
    fill(file, source)
    assert file.missing() == []
    assert torch.equal(file.bank(source).series, before)


def test_ranks_share_the_rows_out(file: BankFile, source: WaveformSource) -> None:
    parts = [file.bank(replace(source, ranks=Ranks(rank, 3))) for rank in range(3)]
    assert torch.equal(torch.cat([part.theta for part in parts]), file.bank(source).theta)
    assert torch.equal(torch.cat([part.series for part in parts]), file.bank(source).series)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_training_writes_nothing_into_the_file(file: BankFile, source: WaveformSource) -> None:
    file.bank(source).series[0] = 5.0
    assert file.missing() == []


@pytest.mark.parametrize("changed", ["approximant", "prior", "seed", "grid"])
def test_a_bank_of_something_else_is_refused(file: BankFile, source: WaveformSource, changed: str) -> None:
    prior = replace(source.proposal.prior, spin_max=0.5)
    other = {
        "approximant": replace(source, signal=make_signal_model("IMRPhenomD")),
        "prior": replace(source, proposal=replace(source.proposal, prior=prior)),
        "seed": replace(source, seed=4),
        "grid": replace(source, reference_weights=2 * source.reference_weights),
    }
    with pytest.raises(InputError, match=rf"made with another {changed}: make one"):
        file.bank(other[changed])


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a bank file; got .*none\.h5"):
        BankFile(tmp_path / "none.h5")
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = 1
    with pytest.raises(InputError, match=r"expected a bank by `chirpleaf bank`; got .*other\.h5"):
        BankFile(tmp_path / "other.h5")


def test_pieces_must_fit(source: WaveformSource, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected pieces of a power of two, at most 8192 rows; got 1000"):
        BankFile.create(tmp_path / "bank.h5", source, 5000, 1000)


PRESET = """
name: short
seed: 3
duration: 4
prior: {chirp_mass_min: 30}
approximant: IMRPhenomXHM
simulation: {waveforms: 6000}
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks the kernel for the workers")
def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    preset = tmp_path / "short.yaml"
    preset.write_text(PRESET)
    script = Path(sys.executable).with_name("chirpleaf")

    settings = read_preset(preset)
    source = waveform_source(settings.architecture(), seed=settings.seed, strata=settings.simulation.strata)
    fill(BankFile.create(tmp_path / "whole.h5", source, settings.simulation.waveforms, 128), source)  # in this process

    def made(name: str) -> int:
        try:
            with h5py.File(tmp_path / name, locking=False) as content:
                return int(content["sha256"][:].any(axis=1).sum())
        except (OSError, KeyError):
            return 0

    command = [script, "bank", preset, "--out", tmp_path / "killed.h5", "--workers", "2", "--piece", "128"]
    job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while made("killed.h5") < 3:
        assert job.poll() is None
        time.sleep(0.02)
    workers = _workers(job.pid)
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    _, errors = job.communicate(timeout=300)
    assert (job.returncode, errors) == (0, b"")
    with h5py.File(tmp_path / "whole.h5") as one, h5py.File(tmp_path / "killed.h5") as other:
        for name in ("theta", "series", "sha256", "seed"):
            assert np.array_equal(one[name][:], other[name][:]), name


def _workers(parent: int) -> list[int]:
    """Dask's worker processes."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")  # a thread of its own has each
    children = [child for task in tasks for child in task.read_text().split()]
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.parametrize(
    ("name", "value"),
    [("source", "[]"), ("source", "{"), ("piece", 0), ("piece", float("inf")), ("piece", "x"), ("format", [1, 2])],
)
def test_damaged_attributes_are_one_line(name: str, value: object, source: WaveformSource, tmp_path: Path) -> None:
    file = BankFile.create(tmp_path / "bank.h5", source, 300, 128)
    with h5py.File(file.path, "r+") as opened:
        opened.attrs[name] = value
    with pytest.raises(InputError, match=r"expected a bank.*bank\.h5.*make one"):
        BankFile(file.path)
