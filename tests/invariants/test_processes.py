"""Which processes run, and that Ctrl-C reaches none of the workers, from their first instruction."""

import os
import signal
import subprocess
import sys
from multiprocessing import SimpleQueue
from pathlib import Path

import pytest

from chirpleaf.system.files import is_stale, write_atomically
from chirpleaf.system.processes import Forks, NewInterpreters, is_running, shield_children, worker_pool


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


def report_blocked(queue: "SimpleQueue[bool]") -> None:
    queue.put(is_interrupt_blocked())


def is_interrupt_blocked() -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, set())


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # later versions of Python; the child has one thread
@pytest.mark.parametrize("context", [NewInterpreters(), Forks()])
def test_a_process_starts_with_ctrl_c_blocked(context: NewInterpreters | Forks) -> None:
    queue: SimpleQueue[bool] = context.SimpleQueue()
    process = context.Process(target=report_blocked, args=(queue,))
    process.start()
    assert queue.get()
    process.join()
    assert not is_interrupt_blocked()  # this process hears it again


def test_workers_of_a_pool_start_with_ctrl_c_blocked() -> None:
    with worker_pool(1) as pool:
        assert pool.submit(is_interrupt_blocked).result()


def test_the_shield_ends_after_an_error() -> None:
    with pytest.raises(ValueError, match="within"), shield_children():
        raise ValueError("within")
    assert not is_interrupt_blocked()


FIRST_PROCESS = """
import signal
from chirpleaf.system.processes import NewInterpreters
process = NewInterpreters().Process(target=signal.raise_signal, args=(signal.SIGINT,))
process.start()
process.join()
print(process.exitcode)
"""

CLUSTER = """
import signal
from contextlib import ExitStack
from chirpleaf.system.dask_cluster import connect
with ExitStack() as stack:
    blocked = connect(stack, 2, None).run(signal.pthread_sigmask, signal.SIG_BLOCK, ())
    print([signal.SIGINT in signals for signals in blocked.values()])
"""


@pytest.mark.parametrize(
    ("program", "output"),
    [(FIRST_PROCESS, "0"), pytest.param(CLUSTER, "[True, True]", marks=pytest.mark.slow)],
    ids=["a process", "a Dask cluster"],
)
def test_the_first_processes_of_a_program_start_with_ctrl_c_blocked(program: str, output: str) -> None:
    """With them `multiprocessing` starts a process of its own, and unblocks the signal then."""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (ran.stdout.strip(), ran.stderr) == (output, "")
