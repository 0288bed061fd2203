"""Runs the command line: the script `chirpleaf`, and `python -m chirpleaf`."""

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
    from chirpleaf.cli import main  # noqa: PLC0415 - a signal during these imports is handled, too

    return main


if __name__ == "__main__":
    sys.exit(run())
