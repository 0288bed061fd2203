"""Copies: one detector's strain under the names of two.

Whitened noise of two detectors is independent: its correlation is about one over the root of the number of frequencies,
at any delay. A signal of amplitude signal-to-noise ratios rho_1 and rho_2 adds rho_1 rho_2 / (2 F). Only a copy reaches
one, also a filtered, resampled, scaled or shifted one.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from chirpleaf.strain.segment import Segment

_LEAST_CORRELATION = 0.5
"""Correlation from which on strain is a copy. A signal of ratio 100 in both detectors has 0.4 in 8 s, noise 0.05."""

_LEAST_POWER = 0.25
"""Whitened power below which a detector has no noise: signals without any are alike in two detectors."""


def find_copy(segment: Segment) -> tuple[str, str] | None:
    """Finds two detectors with the same strain.

    Args:
        segment: the data of all detectors.

    Returns:
        The two names; None if all differ.
    """
    whitened = segment.strain * np.sqrt(4 / (segment.duration * segment.psd))
    used = np.isfinite(segment.psd)
    noisy = [row for row in range(len(whitened)) if np.mean(np.abs(whitened[row, used[row]]) ** 2) / 2 > _LEAST_POWER]
    for first, second in combinations(noisy, 2):
        if _correlate(whitened[first], whitened[second], segment) > _LEAST_CORRELATION:
            return segment.detectors[first], segment.detectors[second]
    return None


def _correlate(first: NDArray[np.complex128], second: NDArray[np.complex128], segment: Segment) -> float:
    """Greatest magnitude of the correlation over all delays."""
    places = np.rint(segment.frequencies * segment.duration).astype(int)
    n = int(2 ** np.ceil(np.log2(places[-1] + 1)))
    product = np.zeros(n, dtype=np.complex128)
    product[places] = first * second.conj()
    power = np.sqrt(np.sum(np.abs(first) ** 2) * np.sum(np.abs(second) ** 2))
    return float(np.abs(np.fft.ifft(product)).max() * n / power)
