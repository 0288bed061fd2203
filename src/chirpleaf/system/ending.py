"""The end of the process of a subcommand: exit code, also after a signal, and where nobody reads the output any more.

This module imports nothing that takes time, so that signals are handled before anything else is imported.
"""

import atexit
import errno
import os
import signal
import sys
from collections.abc import Callable

INTERRUPTED = 128 + signal.SIGINT
"""Exit code after Ctrl-C, as a shell has it."""

CLOSED_PIPE = 128 + signal.SIGPIPE
"""Exit code where the reader of the output has ended, such as `head`; that of programs that end by the signal."""


class QuickEnding:
    """Ends the process without taking the objects of torch apart, which takes 0.1 s.

    It is made before anything is imported that has work to do at the end of the process, such as removing temporary
    files. That work is then done before, because exit handlers run in the reverse order of their registration.
    """

    def __init__(self) -> None:
        self._status: int | None = None
        atexit.register(self._end)

    def end_with(self, status: int) -> int:
        """Has the process end with an exit code. After an exception it ends as ever.

        Args:
            status: the exit code.

        Returns:
            The exit code.
        """
        self._status = status
        return status

    def _end(self) -> None:
        if self._status is None:
            return
        try:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:  # none where the shell has closed it
                    stream.flush()
        except BrokenPipeError:
            os._exit(CLOSED_PIPE)
        except OSError:  # a full disk; Python has its own way to end with it
            return
        os._exit(self._status)


class SignalHandler:
    """Has SIGTERM and SIGHUP end the process as Ctrl-C does: files are whole or missing, and folders are tidied up.

    A signal that the process ignores, as under `nohup`, stays ignored.

    Attributes:
        received: number of the last signal; 0 before.
    """

    def __init__(self) -> None:
        self.received = 0
        self._process = os.getpid()
        for one in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(one) is signal.SIG_DFL:
                signal.signal(one, self._interrupt)

    def _interrupt(self, number: int, _frame: object) -> None:
        if os.getpid() != self._process:  # a fork; its parent tidies up
            os._exit(128 + number)
        self.received = number
        raise KeyboardInterrupt


def run_command(find_main: Callable[[], Callable[[], int]]) -> int:
    """Runs a command that has the process for itself.

    Args:
        find_main: imports and returns the command, which returns its exit code.

    Returns:
        The exit code: 128 and the number of the signal where one has ended the command.
    """
    ending, handler = QuickEnding(), SignalHandler()
    try:
        status = find_main()()
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        status = INTERRUPTED
    except Exception:
        if not handler.received:
            raise
        sys.stderr.write("stopped\n")
        status = INTERRUPTED  # worker processes may have ended by the signal before this one noticed it
    if handler.received and status == INTERRUPTED:
        status = 128 + handler.received
    return ending.end_with(status)


def is_closed_pipe(error: BaseException | None) -> bool:
    """Whether an exception goes back to a pipe that nobody reads any more; rich and typer then raise `SystemExit`.

    Args:
        error: the exception.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.EPIPE:
            return True
        error = error.__context__
    return False
