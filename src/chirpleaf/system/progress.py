"""Progress of long work: those who work report it, and whoever shows it watches; nobody does by default.

    with watch_progress(lambda what, done, total: ...):
        report_progress("waveforms", 8192, 65536)

The watcher is a context variable, so that the functions between a command and the loop that does the work need no
argument for it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Watcher = Callable[[str, int, int], object]
"""Is called with the kind of work, how much is done, and how much there is."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watch_progress(watcher: Watcher) -> Iterator[None]:
    """Calls a function whenever progress is reported in this context.

    Args:
        watcher: the function.
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def report_progress(what: str, done: int, total: int) -> None:
    """Reports progress to the watcher, if there is one.

    Args:
        what: kind of work, such as "waveforms".
        done: how much of it is done.
        total: how much there is.
    """
    if (watcher := _watcher.get()) is not None:
        watcher(what, done, total)
