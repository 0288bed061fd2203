"""Windows that taper a stretch of strain, and where the power they take away has to be put back.

A Tukey window is one in the middle and rolls off to zero as half a cosine over the first and the last `roll_off`
samples (Harris 1978, Proc. IEEE 66, 51):

    w(j) = [1 - cos(pi j' / roll_off)] / 2,  j' = j n / (n - 1)    for j' < roll_off, mirrored at the other end,

so that the first and the last of the n samples are zero.

**The power lost.** Of white noise a window keeps the fraction `power(w)` = mean(w^2), and the question where to divide
by it has one right answer:

- *In the estimate of the power spectral density, and only there.* A periodogram of a windowed stretch is low by
  mean(w^2) of the window *of the estimate*, so `chirpleaf.strain.psd.welch` divides by it. The result is the density of
  the noise itself, whatever window was used to find it.
- *Never in the data or in the density of the analysis segment.* The signal sits in the flat part, where w = 1, and is
  not attenuated. Dividing the data by sqrt(mean(w^2)) makes every signal louder than it is; dividing the density by it
  (or multiplying) makes the noise look quieter (louder) than it is. Either way the signal-to-noise ratio is off by
  sqrt(mean(w^2)), distances are biased and posteriors too narrow or too wide. Parameter-estimation codes carried such a
  factor for years (arXiv:2508.11091); for a 4 s segment that rolls off over 0.2 s, mean(w^2) = 0.937, hence 3 % in
  amplitude.

The noise in the tapered ends is indeed weaker than the density says; that costs nothing, for no signal is there.
"""

from __future__ import annotations

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.strain import Series


def tukey(n: int, roll_off_samples: float) -> Series:
    """Tukey window that rolls off over a given stretch at either end.

    Args:
        n: number of samples.
        roll_off_samples: length of each roll-off in samples, that is seconds times the sampling rate; from 0 (a box)
            to n / 2 (a Hann window).

    Returns:
        Symmetric window of shape (n,), dimensionless, from 0 at either end to 1.

    Raises:
        InputError: if there are no samples or the two roll-offs do not fit in.

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
    """Fraction of white noise's power that a window keeps, mean(w^2).

    It belongs in the normalisation of a spectral estimate made with that same window, and nowhere else: see the head
    of this module.

    Args:
        window: window of shape (n,), dimensionless.

    Returns:
        Mean square of the window, between 0 and 1.

    Example:
        >>> round(power(tukey(16384, 0.2 * 4096)), 4)
        0.9374
    """
    return float(np.mean(np.square(window)))
