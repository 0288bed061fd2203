"""Runs the command line: the script `chirpleaf`, and `python -m chirpleaf`."""

import os
import sys
from collections.abc import Callable

from chirpleaf.system.ending import run_command


def run() -> int:
    """Runs the command line in a process of its own.

    Returns:
        The exit code.
    """
    return run_command(_import_main)


def _import_main() -> Callable[[], int]:
    # The command's pictures do not depend on a backend or on settings that the user has for others.
    os.environ.update(MPLBACKEND="agg", MATPLOTLIBRC=os.devnull)
    from chirpleaf.cli import main  # noqa: PLC0415 - a signal during these imports is handled, too

    return main


if __name__ == "__main__":
    sys.exit(run())
