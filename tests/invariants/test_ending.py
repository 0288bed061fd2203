"""The end of a process: exit code, output and the work of exit handlers are as ever; objects are left as they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import atexit, sys
from chirpleaf.system.ending import QuickEnding

class Slow:
    def __del__(self):
        print("taken apart")

ending, slow = QuickEnding(), Slow()
slow.itself = slow
atexit.register(print, "handler")
print("output", end=" ")
{last}
"""


@pytest.mark.parametrize(
    ("last", "code", "output"),
    [
        ("sys.exit(ending.end_with(3))", 3, "output handler"),
        ("ending.end_with(0)", 0, "output handler"),
        ("sys.stdout.flush(); sys.stdout = None; ending.end_with(0)", 0, "output"),
        ("sys.exit(2)", 2, "output handler taken apart"),
        ("raise ValueError", 1, "output handler taken apart"),
    ],
)
def test_a_process_ends_with_its_code_and_its_handlers(last: str, code: int, output: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(last=last)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()) == (code, output.split())


COMMAND = """
import os, signal, sys
from chirpleaf.system.ending import run_command

def send(number):
    os.kill(os.getpid(), number)
    return lambda: 0

{program}
sys.exit(run_command(find_main))
"""


def run(program: str) -> tuple[int, str]:
    """Exit code and standard error of a command."""
    source = COMMAND.format(program=program)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_during_imports_is_one_line(name: str, code: int) -> None:
    assert run(f"find_main = lambda: send(signal.{name})") == (code, "stopped\n")


@pytest.mark.parametrize(
    ("program", "code", "line"),
    [
        # the command has said how to go on, and ends with the code of Ctrl-C
        ("def main():\n try: send(signal.SIGTERM)\n except KeyboardInterrupt: return 130", 143, ""),
        # worker processes were ended by the same signal
        ("def main():\n try: send(signal.SIGTERM)\n except KeyboardInterrupt: raise ValueError", 143, "stopped\n"),
        # the command ended all the same
        ("def main():\n try: send(signal.SIGTERM)\n except KeyboardInterrupt: return 3", 3, ""),
        # nohup
        ("signal.signal(signal.SIGHUP, signal.SIG_IGN)\ndef main(): return send(signal.SIGHUP)()", 0, ""),
        # a fork, as that which draws
        ("def main(): return os.waitpid(os.fork() or send(signal.SIGTERM), 0)[1] >> 8", 143, ""),
    ],
)
def test_the_exit_code_after_a_signal(program: str, code: int, line: str) -> None:
    assert run(f"{program}\nfind_main = lambda: main") == (code, line)


def test_other_errors_are_as_ever() -> None:
    code, errors = run("find_main = lambda: 1 / 0")
    assert code == 1
    assert "ZeroDivisionError" in errors


def test_nothing_slow_is_imported_before_signals_are_handled() -> None:
    program = "import sys, chirpleaf.__main__; print(*(set(sys.modules) & {'typer', 'rich', 'chirpleaf.cli', 'numpy'}))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"\n"


@pytest.mark.parametrize(
    ("arguments", "closed"),
    [("models", "stdout"), ("models --json", "stdout"), ("infer --help", "stdout"), ("infer", "stderr")],
)
def test_output_that_nobody_reads_ends_a_command_quietly(arguments: str, closed: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, closed: writing}
    command = [sys.executable, "-m", "chirpleaf", *arguments.split()]
    done = subprocess.run(command, text=True, check=False, **streams)  # type: ignore[call-overload]
    os.close(writing)
    assert (done.returncode, done.stdout or "", done.stderr or "") == (141, "", "")


def test_pictures_of_the_command_line_ignore_settings_of_matplotlib(tmp_path: Path) -> None:
    """A backend that does not exist, and a file that matplotlib cannot read, would end the command."""
    (tmp_path / "matplotlibrc").write_bytes(b"font.family: \xff\n")
    program = "from chirpleaf.__main__ import _import_main; _import_main(); import chirpleaf.plots.corner"
    hostile = {"MPLBACKEND": "nonsense", "MATPLOTLIBRC": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | hostile, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_settings_of_matplotlib_in_the_working_folder_that_cannot_be_read_end_in_one_line(tmp_path: Path) -> None:
    """Matplotlib reads them before all others."""
    (tmp_path / "matplotlibrc").write_bytes(b"font.family: \xff\n")
    command = [sys.executable, "-m", "chirpleaf", "infer", "GW150914", "--no-certify", "--out", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "correct matplotlibrc in the working folder" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
