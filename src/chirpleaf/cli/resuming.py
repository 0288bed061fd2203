"""Runs that can be interrupted and resumed: what `train`, `bank` and `catalog` share."""

from collections.abc import Iterator
from contextlib import contextmanager

from chirpleaf.errors import InputError, InterruptedRunError


def check_resume(*, resume: bool, overwrite: bool) -> None:
    """Refuses to go on with a run and to replace it.

    Raises:
        InputError: both are asked for.
    """
    if resume and overwrite:
        raise InputError("expected --resume or --overwrite; got both: leave one out")


@contextmanager
def explain_interruption(command: str) -> Iterator[None]:
    """After Ctrl-C: states how to go on.

    Args:
        command: the command line that goes on with the run.

    Raises:
        InterruptedRunError: Ctrl-C was pressed.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise InterruptedRunError(f"go on with `{command}`") from interrupt
