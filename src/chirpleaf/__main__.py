"""Runs the command line as `python -m chirpleaf`."""

import sys

from chirpleaf.cli import main

if __name__ == "__main__":
    sys.exit(main())
