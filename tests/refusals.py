"""Checks that a command is refused with exit code 2 and one line."""

from collections.abc import Callable
from typing import Any

Command = Callable[..., Any]


PRESET = "name: short\nduration: 4\nprior: {chirp_mass_min: 30}\n"


def assert_refused(status: int, stdout: str, stderr: str, *parts: str) -> None:
    """Exit code 2, silence, and one line that holds the parts in their order."""
    assert (status, stdout) == (2, "")
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1
    assert stderr.endswith("\n")
    assert "Traceback" not in stderr
    position = 0
    for part in parts:
        position = stderr.find(part, position)
        assert position >= 0, f"{part!r} is missing, or too early, in {stderr!r}"
