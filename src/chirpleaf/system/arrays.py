"""Arrays of numbers that users give: numpy would also convert text, dates, Booleans and complex numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError

_REAL_KINDS = "iuf"
"""Kinds of numpy types that are real numbers: signed and unsigned integers, floating point."""


def make_real_array(name: str, values: Any) -> NDArray[np.float64]:
    """Makes a contiguous array of float64 of real numbers.

    Args:
        name: the values, for the message.
        values: array or list of integers or floating-point numbers, of any byte order. Masked values become NaN.

    Returns:
        The values in the unit that they have, of the same shape, and of shape (1,) for a single number.

    Raises:
        InputError: the values are no real numbers.

    Example:
        >>> make_real_array("strain", np.ma.masked_greater([1, 2, 9], 5))
        array([ 1.,  2., nan])
    """
    kind, remedy = type(values).__name__, "give one array of integers or floating-point numbers"
    try:
        array = values if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
    except (TypeError, ValueError) as error:  # lists of several lengths, for example
        raise InputError(f"{name}: expected real numbers; got a {kind} that is no array: {remedy}") from error
    if array.dtype.kind not in _REAL_KINDS:
        raise InputError(f"{name}: expected real numbers; got {kind} of {array.dtype}: {remedy}")
    return np.ascontiguousarray(np.ma.filled(array.astype(np.float64, copy=False), np.nan))
