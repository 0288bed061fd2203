"""Default numbers that the library and the command line share.

They stand here because `--help` shows them: the command line must not import the library to print its help.
"""

SAMPLES = 10_000
"""Draws of an analysis. More resolve the tails of the posterior better; time and size of the files grow with them."""

EVALUATION_SAMPLES = 2000
"""Draws for each injection of an evaluation: more resolve its percentile rank better, and take longer."""

DECOMPOSITION_EVENTS = 2048
"""Simulated events that a sub-network is measured on: more of them give smaller errors, and take longer."""
