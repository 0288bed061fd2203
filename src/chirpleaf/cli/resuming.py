"""Runs that can be interrupted and resumed: what `train`, `bank` and `catalog` share."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from chirpleaf.cli.console import errors
from chirpleaf.errors import InputError
from chirpleaf.system.ending import INTERRUPTED


def check_resume(*, resume: bool, overwrite: bool) -> None:
    """Refuses to go on with a run and to replace it.

    Raises:
        InputError: both are asked for.
    """
    if resume and overwrite:
        raise InputError("expected --resume or --overwrite; got both: leave one out")


@contextmanager
def explain_interruption(command: str) -> Iterator[None]:
    """After Ctrl-C: states how to go on, and ends with `INTERRUPTED`.

    Args:
        command: the command line that goes on with the run.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        errors.print(f"stopped: go on with `{command}`", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from interrupt
