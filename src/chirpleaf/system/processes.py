"""Processes that work for another one: they leave Ctrl-C to it, and end when it ends, also when it is killed."""

import ctypes
import os
import signal
import sys
from multiprocessing import parent_process

_SIGNAL_AT_DEATH_OF_PARENT = 1
"""PR_SET_PDEATHSIG of Linux."""


def follow_parent() -> None:
    """Makes this process ignore Ctrl-C, and end with its parent; the first thing that a worker process does.

    A terminal sends Ctrl-C to all processes of a command. The parent ends its workers; without this call each would
    print a traceback of its own. Workers of a parent that was killed would wait for work for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SIGNAL_AT_DEATH_OF_PARENT, signal.SIGKILL)
    parent = parent_process()
    if parent is not None and parent.pid != os.getppid():
        os._exit(1)  # it has died before the call
