"""Numbers as text: as many digits as their intervals warrant."""

import math

from chirpleaf.plots.intervals import Interval


def decimals(lower: float, upper: float) -> int:
    """Number of decimals that shows the width of an interval with three digits.

    Args:
        lower: lower end.
        upper: upper end.

    Returns:
        From 0 to 6; three if the interval has no width.

    Example:
        >>> decimals(29.28, 32.71), decimals(0.614, 0.731), decimals(210.0, 480.0)
        (2, 3, 0)
    """
    width = upper - lower
    return min(max(2 - math.floor(math.log10(width)), 0), 6) if width > 0 else 3


def format_errors(median: float, upper: float, lower: float) -> str:
    """A median with the distances to the ends of its interval, to two digits of the smaller one.

    Args:
        median: median.
        upper: upper end.
        lower: lower end.

    Example:
        >>> format_errors(38.53, 44.28, 35.21)
        '38.5 (+5.8 −3.3)'
    """
    above, below = upper - median, median - lower
    smaller = min(above, below)
    digits = min(max(1 - math.floor(math.log10(smaller)), 0), 4) if smaller > 0 else 2
    text = f"{median:.{digits}f} (+{above:.{digits}f} -{below:.{digits}f})"
    return text.replace("-", "\N{MINUS SIGN}")


def write_published(interval: Interval) -> str:
    """A published median with its errors, with the digits of the publication.

    Args:
        interval: as in the table of published values.

    Example:
        >>> write_published(Interval(-0.01, 0.12, 0.13)), write_published(Interval(440.0, 150.0, 170.0))
        ('−0.01 (+0.12 −0.13)', '440 (+150 −170)')
    """
    digits = max(len(f"{value:g}".partition(".")[2]) for value in interval)
    median, upper, lower = (f"{value:.{digits}f}" for value in interval)
    return f"{median} (+{upper} -{lower})".replace("-", "\N{MINUS SIGN}")
