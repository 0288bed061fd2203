"""Claims of output folders: one run at a time, released when it ends in any way, and no trace of wrong input."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chirpleaf.errors import InputError
from chirpleaf.system.claims import claim_file, claim_folder
from chirpleaf.system.folders import LOCK, check_folder

HOLD = """
import sys, time
from pathlib import Path
from chirpleaf.system.claims import claim_file, claim_folder
from chirpleaf.system.ending import run_command
claim = claim_file(Path(sys.argv[2])) if sys.argv[1] == "file" else claim_folder(Path(sys.argv[2]), overwrite=True)
def main():
    with claim:
        print("held", flush=True)
        time.sleep(100)
sys.exit(run_command(lambda: main))
"""


@pytest.fixture(params=["file", "folder"])
def other_run(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """Another process that holds a claim, its kind, and what it claims."""
    path = tmp_path / "out"
    command = [sys.executable, "-c", HOLD, request.param, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process, request.param, path
        process.kill()


def _claim(kind: str, path: Path) -> None:
    with claim_file(path) if kind == "file" else claim_folder(path, overwrite=True):
        pass


def test_a_second_run_is_refused_until_the_first_is_killed(
    other_run: tuple[subprocess.Popen[str], str, Path],
) -> None:
    process, kind, path = other_run
    for _ in range(2):  # a refusal must not give up the lock
        with pytest.raises(InputError, match=rf"no other run .*got .*out, where process {process.pid} of .* wait"):
            _claim(kind, path)
    process.kill()
    process.wait()
    _claim(kind, path)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_nothing(
    other_run: tuple[subprocess.Popen[str], str, Path], end: signal.Signals
) -> None:
    process, _, path = other_run
    process.send_signal(end)
    assert process.wait() == 128 + end
    assert not path.exists()
    assert not any(path.parent.iterdir())


def test_two_claims_of_one_process(tmp_path: Path) -> None:
    with claim_folder(tmp_path, overwrite=False):
        with pytest.raises(InputError, match="where this process does"), claim_folder(tmp_path, overwrite=False):
            pass
        with claim_folder(tmp_path / "other", overwrite=False):
            pass
        assert os.listdir(tmp_path) == [LOCK]
    with claim_folder(tmp_path, overwrite=False):
        pass
    assert not os.listdir(tmp_path)


def test_wrong_input_leaves_no_folder(tmp_path: Path) -> None:
    def fail() -> None:
        with claim_folder(tmp_path / "a" / "b", overwrite=False):
            raise InputError("wrong")

    with pytest.raises(InputError, match="wrong"):
        fail()
    assert not any(tmp_path.iterdir())


def test_the_files_of_a_run_stay(tmp_path: Path) -> None:
    with claim_folder(tmp_path / "a" / "b", overwrite=False) as folder:
        (folder / "summary.json").write_text("{}")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["summary.json"]
    with pytest.raises(InputError, match="holds files"), claim_folder(tmp_path / "a" / "b", overwrite=False):
        pass


def test_the_lock_of_a_killed_run_is_no_file(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("123")
    check_folder(tmp_path, overwrite=False)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds files"):
        check_folder(tmp_path, overwrite=False)


def test_a_file_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"got the folder .*: name a file in it"), claim_file(tmp_path):
        pass
    with pytest.raises(InputError, match="existing folder"), claim_file(tmp_path / "no" / "bank.h5"):
        pass
