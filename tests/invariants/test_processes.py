"""Which processes run: those that have ended do not, also before their parent takes notice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chirpleaf.system.files import is_stale, write_atomically
from chirpleaf.system.processes import is_running


def test_this_process_runs() -> None:
    assert is_running(os.getpid())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_has_ended_does_not_run_before_its_parent_notices(tmp_path: Path) -> None:
    with write_atomically(tmp_path / "file") as scratch:
        name = scratch.name
        scratch.touch()
    with subprocess.Popen(["sleep", "60"]) as process:
        unfinished = tmp_path / name.replace(f"-{os.getpid()}-", f"-{process.pid}-")
        assert is_running(process.pid)
        assert not is_stale(unfinished)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it stays as a zombie
        assert not is_running(process.pid)
        assert is_stale(unfinished)
    assert not is_running(process.pid)
