"""Interval: a median with its errors."""

from typing import NamedTuple


class Interval(NamedTuple):
    """Median and errors of a value, in the unit of the parameter; both errors are positive."""

    median: float
    upper: float
    lower: float
