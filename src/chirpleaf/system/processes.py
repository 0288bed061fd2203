"""Processes that work for another one: they leave Ctrl-C to it, and end when it ends, also when it is killed."""

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import parent_process, resource_tracker
from multiprocessing.context import ForkContext, ForkProcess, SpawnContext, SpawnProcess
from pathlib import Path

_SIGNAL_AT_DEATH_OF_PARENT = 1
"""PR_SET_PDEATHSIG of Linux."""


LAUNCHER = "CHIRPLEAF_LAUNCHER"
"""Environment variable by which a launcher of programs names its process."""


@contextmanager
def shield_children() -> Iterator[None]:
    """Holds Ctrl-C back from processes and threads that this thread starts meanwhile, and from all that they start.

    A new process needs a second of imports before its call of `follow_parent`. A Ctrl-C within that second would print
    a traceback. A process that starts with the signal blocked keeps it blocked.
    """
    resource_tracker.ensure_running()  # of `multiprocessing`: when it starts, it unblocks the signal
    with _block_interrupts():
        yield


@contextmanager
def _block_interrupts() -> Iterator[None]:
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


class _ShieldedSpawnProcess(SpawnProcess):
    def start(self) -> None:
        with shield_children():
            super().start()


class _ShieldedForkProcess(ForkProcess):
    def start(self) -> None:
        with _block_interrupts():
            super().start()


class NewInterpreters(SpawnContext):
    """The context *spawn* of `multiprocessing`; Ctrl-C does not reach its processes."""

    Process = _ShieldedSpawnProcess


class Forks(ForkContext):
    """The context *fork* of `multiprocessing`; Ctrl-C does not reach its processes."""

    Process = _ShieldedForkProcess


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """Processes that take tasks from this one, leave Ctrl-C to it and end with it.

    They are new interpreters: a fork of a process with threads may hang.

    Args:
        workers: number of processes.
    """
    return ProcessPoolExecutor(workers, mp_context=NewInterpreters(), initializer=follow_parent)


def follow_parent() -> None:
    """Makes this process ignore Ctrl-C, and end with its parent; the first thing that a worker process does.

    A process that finds its parent gone ends at once. The parent is that of `multiprocessing` or, for programs that a
    launcher starts, the process in `LAUNCHER`.

    A terminal sends Ctrl-C to all processes of a command. The parent ends its workers; without this call each would
    print a traceback of its own. Workers of a parent that was killed would wait for work for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SIGNAL_AT_DEATH_OF_PARENT, signal.SIGKILL)
    parent = parent_process()
    expected = parent.pid if parent is not None else int(os.environ.get(LAUNCHER, os.getppid()))
    if expected != os.getppid():
        os._exit(1)  # it has died before the call


def is_running(process: int) -> bool:
    """Whether a process of this machine runs. One that has ended does not, though its parent may not have noticed yet.

    Args:
        process: number of the process.
    """
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # it runs under another user, or the number is none
    try:
        # The state follows the name, which is in parentheses and may hold any character.
        state = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True  # another system than Linux, or it has just ended
    return state not in {"Z", "X"}
