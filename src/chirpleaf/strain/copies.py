"""Copies: one detector's strain under the names of two.

Noise of two detectors is independent. Its correlation is small even where few low frequencies dominate, and a
gravitational wave is far below the noise of all frequencies: only a copy, in whatever format, reaches one.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from chirpleaf.strain.strain import Strain

_LEAST_CORRELATION = 0.999
"""Correlation from which on strain is a copy; one at another sampling rate or of fewer digits has more than 0.9999."""


def find_copy(strain: Mapping[str, Strain]) -> tuple[str, str] | None:
    """Finds two detectors with the same strain, also with the opposite sign or at another sampling rate.

    Args:
        strain: detector name to strain, some seconds of it.

    Returns:
        The two names; None if all differ, or nothing is known at common times.
    """
    pairs = combinations(strain, 2)
    return next((pair for pair in pairs if _correlate(strain[pair[0]], strain[pair[1]]) > _LEAST_CORRELATION), None)


def _correlate(first: Strain, second: Strain) -> float:
    """Magnitude of the correlation at the samples of the slower one; zero if it is undefined."""
    slow, fast = sorted((first, second), key=lambda one: one.sample_rate)
    places = np.rint((slow.times - fast.start_time) * fast.sample_rate).astype(int)
    common = (places >= 0) & (places < len(fast))
    a, b = slow.values[common], fast.values[places[common]]
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < 2:
        return 0.0
    a, b = (values[known] - values[known].mean() for values in (a, b))
    power = float(np.sqrt((a @ a) * (b @ b)))
    return abs(float(a @ b)) / power if power > 0 else 0.0
