"""The command line in this process, and files for it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
from refusals import Command, assert_refused

if TYPE_CHECKING:
    from open_data import Server

    from chirpleaf.models import Model
    from chirpleaf.strain import Strain


@dataclass(frozen=True)
class Ran:
    """Exit code and output of a command."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture
def chirpleaf(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs `chirpleaf ARGUMENTS` in this process."""
    from chirpleaf.cli import main

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def model_file(model: "Model", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the untrained model."""
    from chirpleaf.models import save

    path = tmp_path_factory.mktemp("model") / "random.safetensors"
    save(model, path)
    return path


@pytest.fixture
def gwosc_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes strain as the Open Science Center releases it."""

    def write(strain: "Strain", name: str | None = None) -> Path:
        path = tmp_path / (name or f"{strain.detector}.hdf5")
        with h5py.File(path, "w") as file:
            dataset = file.create_dataset("strain/Strain", data=np.asarray(strain.values))
            dataset.attrs.update(Xstart=strain.start_time, Xspacing=1 / strain.sample_rate)
            file["meta/Detector"] = strain.detector.encode()
        return path

    return write


@pytest.fixture
def one_thread_and_a_seed() -> Iterator[None]:
    """Training sets the number of threads of the process; the next test has the old one."""
    import torch

    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
    torch.set_num_threads(threads)


@pytest.fixture
def refused(chirpleaf: Command, tmp_path: Path) -> Callable[..., None]:
    """Runs a command that must be refused with the parts of a message, and that must leave the folder as it was."""

    def check(arguments: tuple[object, ...], *parts: str) -> None:
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        ran = chirpleaf(*arguments)
        assert_refused(ran.status, ran.stdout, ran.stderr, *parts)
        after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        assert after == before
        assert not (tmp_path / "out").exists()

    return check


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Server]":
    """A server of open data on this machine."""
    from open_data import serve

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve() as held:
        yield held
