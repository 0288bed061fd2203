"""A second process that draws figures.

Importing matplotlib and drawing take as long as the rest of a short `chirpleaf infer`. The second process starts before
the first one imports torch. It imports matplotlib during the analysis and draws while the results are written.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from chirpleaf.system.cores import available_cores
from chirpleaf.system.processes import Forks, follow_parent

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@contextmanager
def drawing_process(warm_up: Callable[[], object]) -> Iterator[Executor]:
    """An executor that runs functions one after the other in a second process.

    The process is a fork, which is cheap and safe as long as this process has one thread and little memory. Otherwise
    (another system than Linux, one core, torch already imported), functions run in this process.

    Args:
        warm_up: runs in the second process at once.

    Yields:
        The executor. Its functions, their arguments and their results must be picklable.
    """
    if not _can_fork():
        yield SameProcess()
        return
    import numpy  # noqa: F401 - both processes need it, so it is imported once

    executor = _fork_when_asked()
    executor.submit(warm_up)
    try:
        yield executor
    except BaseException:
        # Without waiting, Python 3.11 may write to a pipe that is closed already, and print a traceback at its end.
        executor.shutdown(cancel_futures=True)
        raise
    executor.shutdown()


def fork_later() -> Executor:
    """An executor in a fork of this process, which is made when the first function is submitted.

    For a process that `drawing_process` has made; the fork ends with it.
    """
    from multiprocessing.util import Finalize

    executor = _fork_when_asked()
    # At its end a process closes its queues (priority 10) and waits for its children: the fork has to end before.
    Finalize(None, executor.shutdown, kwargs={"cancel_futures": True}, exitpriority=20)
    return executor


def _fork_when_asked() -> "ProcessPoolExecutor":
    """A process pool of one fork of this process, which is made when the first function is submitted."""
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(1, mp_context=Forks(), initializer=follow_parent)


def _can_fork() -> bool:
    """Whether a fork is cheap and safe, and there is a second core for it."""
    return (
        sys.platform == "linux"
        and available_cores() > 1
        and threading.active_count() == 1
        and "torch" not in sys.modules
    )


class SameProcess(Executor):
    """Runs each function when it is submitted."""

    def submit(
        self, fn: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Result]:
        """Runs the function; an exception is raised here."""
        future: Future[Result] = Future()
        future.set_result(fn(*args, **kwargs))
        return future
