"""Frequencies of a segment of duration T: multiples of 1 / T. Data at other frequencies are not independent."""

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.strain import Spectrum
from chirpleaf.system.checks import check_positive

_ROUNDING = 1e-6
"""Distance from a multiple that is rounding, in units of 1 / T."""


def check_frequencies(frequencies: Spectrum, duration: float) -> None:
    """Checks that frequencies are those of a segment.

    Args:
        frequencies: shape (F,), Hz.
        duration: length of the segment, seconds.

    Raises:
        InputError: the duration is no positive number, or the frequencies are not positive multiples of 1 / duration,
            increasing, at least one.

    Example:
        >>> check_frequencies(np.array([20.0, 20.3]), 4.0)
        Traceback (most recent call last):
        ...
        chirpleaf.errors.InputError: expected multiples of 0.25 Hz, those of 4 s; got 20.3 Hz: change one of them
    """
    check_positive("duration in seconds", duration)
    multiples = frequencies * duration
    if not (len(multiples) and multiples[0] > 0 and np.isfinite(multiples).all() and (np.diff(multiples) > 0).all()):
        raise InputError("expected frequencies above 0 Hz in increasing order; got others: sort them, leave out 0 Hz")
    wrong = np.abs(multiples - np.rint(multiples)) > _ROUNDING
    if wrong.any():
        raise InputError(
            f"expected multiples of {1 / duration:g} Hz, those of {duration:g} s; got {frequencies[wrong][0]:g} Hz: "
            "change one of them"
        )
