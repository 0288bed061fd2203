"""The Tukey window, and the correction of power spectral densities for its loss of power.

A Tukey window is one in the middle and falls to zero as half a cosine over the first and the last `roll_off` samples
(Harris 1978, Proc. IEEE 66, 51):

    w(j) = [1 - cos(pi j' / roll_off)] / 2,  j' = j n / (n - 1)    for j' < roll_off, mirrored at the other end,

so that the first and the last of the n samples are zero.

**Power correction.** A window reduces the power of white noise by the factor `power(w)` = mean(w^2). This factor is
divided out in one place only:

- *The estimate of the power spectral density is corrected.* The periodogram of a windowed stretch is low by mean(w^2),
  so `chirpleaf.strain.psd_estimation.welch` divides by it. The estimate then does not depend on the window.
- *The data and the density of the analysis segment are not corrected.* The signal lies in the flat part of the window,
  where w = 1, and is not attenuated. Dividing the data by sqrt(mean(w^2)) would amplify the signal; scaling the density
  by mean(w^2) would change the noise level. In either case the signal-to-noise ratio would be wrong by
  sqrt(mean(w^2)), distances would be biased and posteriors too narrow or too wide. Parameter-estimation codes carried
  such a factor for years (arXiv:2508.11091). For a 4 s segment with a roll-off of 0.2 s, mean(w^2) = 0.937, hence 3 %
  in amplitude.

The noise in the tapered ends is weaker than the density states. This does not matter, because they contain no signal.
"""

from __future__ import annotations

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.strain import Series

STRETCH = 4.0
"""Length of the stretches of Welch's method, s: a longer one resolves lines better, and leaves fewer to average."""


def tukey(n: int, roll_off_samples: float) -> Series:
    """Compute a Tukey window.

    Args:
        n: number of samples.
        roll_off_samples: length of each roll-off in samples (seconds times sampling rate), from 0 (a rectangular
            window) to n / 2 (a Hann window).

    Returns:
        Symmetric, dimensionless window of shape (n,), zero at both ends and one in the middle.

    Raises:
        InputError: if there are no samples or the two roll-offs are longer than the window.

    Source:
        Harris (1978), Proc. IEEE 66, 51.

    Example:
        >>> tukey(8, 2).round(2)
        array([0.  , 0.61, 1.  , 1.  , 1.  , 1.  , 0.61, 0.  ])
    """
    if n < 1:
        raise InputError(f"window: expected at least 1 sample; got n = {n}; give a longer segment")
    if not 0.0 <= roll_off_samples <= n / 2:
        raise InputError(
            f"window: expected a roll-off between 0 and half of the {n} samples; got {roll_off_samples:g} samples; "
            "shorten the roll-off or lengthen the segment"
        )
    sample = np.arange(n)
    from_the_end = np.minimum(sample, n - 1 - sample) * n / max(n - 1, 1)
    window = np.ones(n)
    rising = from_the_end < roll_off_samples
    window[rising] = (1.0 - np.cos(np.pi * from_the_end[rising] / roll_off_samples)) / 2.0
    return window


def power(window: Series) -> float:
    """Compute the fraction of the power of white noise that a window keeps, mean(w^2).

    It normalises a spectral estimate that uses the same window. Do not apply it to data; see the module docstring.

    Args:
        window: window of shape (n,), dimensionless.

    Returns:
        Mean square of the window, between 0 and 1.

    Example:
        >>> round(power(tukey(16384, 0.2 * 4096)), 4)
        0.9374
    """
    return float(np.mean(np.square(window)))
