"""An analysis that is interrupted or killed leaves whole files or none, and nothing of LAL on standard error."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from refusals import Command

from chirpleaf.system.folders import LOCK, check_folder


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_an_analysis_that_is_ended_leaves_no_half_files(end: signal.Signals, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "chirpleaf", "infer", "GW150914", "--out", str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while not (out / LOCK).is_file():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.2)
        os.killpg(process.pid, end)
        printed, errors = process.communicate(timeout=300)
    if process.returncode == 0:  # Python lost the interruption, which it does in the callbacks of an import
        assert (out / "posterior.hdf5").is_file()
        assert not list(out.glob(".chirpleaf*.lock"))
        return
    assert printed == ""
    if end is not signal.SIGKILL:
        assert errors == "stopped\n"
        assert process.returncode == 128 + end
        assert not out.exists()
    else:
        assert os.listdir(out) == [LOCK]
        check_folder(out, overwrite=False)


@pytest.mark.parametrize(
    ("verb", "called"),
    [
        (["models"], "chirpleaf.models.available_models"),
        (["compare", "a", "b"], "chirpleaf.result.external.read_posterior"),
        (["catalog", "list.txt", "--out", "out"], "chirpleaf.inference.check_request"),  # nothing to go on with yet
    ],
)
def test_every_verb_says_that_it_was_stopped(
    verb: list[str], called: str, chirpleaf: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(called, interrupt)
    ran = chirpleaf(*verb)
    assert (ran.status, ran.stdout, ran.stderr) == (130, "", "stopped\n")


def test_lal_is_silent_below_the_command_line() -> None:
    program = "import chirpleaf.cli, lal; chirpleaf.cli.main(['events']); print(lal.GetDebugLevel())"
    environment = {name: value for name, value in os.environ.items() if name != "LAL_DEBUG_LEVEL"}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert ran.stdout.splitlines()[-1] == "0"
