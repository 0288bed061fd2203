"""Which processes run, and that Ctrl-C reaches none of the workers, from their first instruction."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
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


@pytest.mark.slow
def test_workers_of_a_dask_cluster_start_with_ctrl_c_blocked() -> None:
    from chirpleaf.system.dask_cluster import connect

    with ExitStack() as stack:
        client = connect(stack, 2, None)
        blocked = client.run(is_interrupt_blocked_in_main_thread)
        assert list(blocked.values()) == [True, True]


def is_interrupt_blocked_in_main_thread() -> bool:
    """Of the process, from /proc: the task may run in another thread."""
    mask = next(line for line in Path(f"/proc/{os.getpid()}/status").read_text().splitlines() if "SigBlk" in line)
    return bool(int(mask.split()[1], 16) & (1 << (signal.SIGINT - 1)))
