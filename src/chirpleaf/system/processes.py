"""Processes that work for another one: they leave Ctrl-C to it, and end when it ends, also when it is killed."""

import ctypes
import os
import signal
import sys
from multiprocessing import parent_process
from pathlib import Path

_SIGNAL_AT_DEATH_OF_PARENT = 1
"""PR_SET_PDEATHSIG of Linux."""


LAUNCHER = "CHIRPLEAF_LAUNCHER"
"""Environment variable by which a launcher of programs names its process."""


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
