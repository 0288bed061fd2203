"""Functions of the package in a process of their own, with limits of time and memory.

C libraries trust their input. What makes them crash, loop without end or take all memory ends the other process alone.
"""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = "import sys; from {module} import {function}; {function}(sys.argv[1:])"
_LINUX = sys.platform == "linux"
_WAITING = 10.0
"""Seconds that are waited for one second of processor time. A smaller number would end processes on busy machines."""


@dataclass(frozen=True)
class Ending:
    """How another process ended.

    Attributes:
        code: its exit code; negative if a signal ended it.
        output: what it wrote to standard output.
    """

    code: int
    output: str

    @property
    def timed_out(self) -> bool:
        """Whether it took more time than it was allowed to."""
        return -self.code == signal.SIGXCPU


def run_isolated(module: str, function: str, arguments: Sequence[str], seconds: float | None = None) -> Ending:
    """Runs a function in a new interpreter: a fork of a process with threads may hang.

    Args:
        module: where the function is.
        function: its name. It takes a list of texts, and should begin with `limit_process`.
        arguments: the texts.
        seconds: processor time that it is allowed to take; a process that sleeps is ended, too. No limit if None.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    # -P keeps modules of the working folder, such as a user's random.py, out of the other process.
    command = [sys.executable, "-P", "-c", _PROGRAM.format(module=module, function=function), *arguments]
    waiting = None if seconds is None else _WAITING * seconds
    try:
        found = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, check=False, timeout=waiting
        )
    except subprocess.TimeoutExpired:
        return Ending(-signal.SIGXCPU, "")
    return Ending(found.returncode, found.stdout.decode(errors="replace"))


def limit_process(seconds: int, memory: int) -> None:
    """Limits this process, which is ended by a signal or a `MemoryError` beyond; it leaves no memory image behind.

    Args:
        seconds: processor time.
        memory: bytes above what the process has now.
    """
    _limit(resource.RLIMIT_CPU, seconds, seconds + 5)
    _limit(resource.RLIMIT_CORE, 0, 0)
    if _LINUX:
        own = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _limit(resource.RLIMIT_AS, own + memory, own + memory)


def _limit(kind: int, soft: int, hard: int) -> None:
    """Sets a limit of this process; those that a user or a scheduler has set lower are kept."""
    _, most = resource.getrlimit(kind)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(kind, (soft, hard))
