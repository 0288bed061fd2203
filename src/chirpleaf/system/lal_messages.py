"""Messages that LAL writes to standard error: silenced where the exception says what is needed, or captured."""

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_lock = threading.RLock()
_silent_calls = 0
_former_level = 0


@contextmanager
def silence_lal() -> Iterator[None]:
    """Stops LAL from writing its traceback to standard error; calls may overlap, also in threads."""
    global _silent_calls, _former_level  # noqa: PLW0603 - LAL's level belongs to the process as well
    import lal  # noqa: PLC0415 - takes a third of a second

    with _lock:
        if not _silent_calls:
            _former_level = lal.GetDebugLevel()
            lal.ClobberDebugLevel(_former_level & ~lal.LALERRORBIT)
        _silent_calls += 1
    try:
        yield
    finally:
        with _lock:
            _silent_calls -= 1
            if not _silent_calls:
                lal.ClobberDebugLevel(_former_level)


def capture_lal(call: Callable[[], object]) -> str:
    """What LAL writes to standard error during a call that is expected to fail, and the text of the exception.

    Args:
        call: the call. Its `RuntimeError` is caught.
    """
    import lal  # noqa: PLC0415

    with _lock, tempfile.TemporaryFile() as file:
        level, reason = lal.GetDebugLevel(), ""
        sys.stderr.flush()
        kept = os.dup(2)
        try:
            os.dup2(file.fileno(), 2)
            lal.ClobberDebugLevel(level | lal.LALERRORBIT)
            call()
        except RuntimeError as error:
            reason = str(error)
        finally:
            lal.ClobberDebugLevel(level)
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        return f"{file.read().decode(errors='replace')}\n{reason}"
