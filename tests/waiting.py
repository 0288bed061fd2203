"""Waiting for what another process does."""

import time
from collections.abc import Callable

SECONDS = 120.0
"""How long a test waits on a busy machine."""


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Waits for a condition; `what` says what is wrong if it is not met in time."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
