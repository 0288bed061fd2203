"""Runs the command line as `python -m chirpleaf`."""

import sys

from chirpleaf.cli import run

if __name__ == "__main__":
    sys.exit(run())
