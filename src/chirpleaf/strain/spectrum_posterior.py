"""The posterior of a noise spectrum given the strain it was estimated from, by draws.

Strain of Gaussian noise with the estimated spectrum S is simulated, with the gaps of the recorded strain, and its
spectrum S* is estimated in the same way, with the same overlap of stretches, smoothing and lines. ln S* - ln S is then
a draw of the error of ln S, with its correlation between frequencies. With a uniform prior of ln S, the posterior is
the distribution of the error, reflected about the estimate:

    ln S_k(f) = ln S(f) - (ln S*_k(f) - ln S(f)).

Resampling the recorded stretches instead (`bootstrap_spectrum`) would add their scatter to that of the estimate, and
treat stretches that overlap as independent ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chirpleaf.strain.conditioning import DEFAULT_CONDITIONING, Conditioning
from chirpleaf.strain.noise_spectrum import DEFAULT_SPECTRUM, SpectrumSettings, average, compute_stretches
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.psd_estimation import compute_periodograms
from chirpleaf.strain.strain import Strain


def draw_spectra(
    strain: Strain,
    n: int,
    rng: np.random.Generator,
    settings: SpectrumSettings = DEFAULT_SPECTRUM,
    conditioning: Conditioning = DEFAULT_CONDITIONING,
    *,
    exclude: tuple[float, float] | None = None,
) -> Iterator[PowerSpectralDensity]:
    """Draws noise spectra from their posterior.

    Args:
        strain: data of one detector; NaN where they are not to be used.
        n: number of draws.
        rng: source of randomness.
        settings: settings of the estimate.
        conditioning: conditioning of the analysed segment.
        exclude: (GPS start, GPS end) in s to exclude, such as the event's own segment.

    Yields:
        Densities at the frequencies of `estimate_spectrum`; infinite where the estimate is.

    Raises:
        InputError: there are too few seconds of good data.

    Source:
        Parametric bootstrap: Efron & Tibshirani (1993), An Introduction to the Bootstrap, section 6.5.
    """
    found = compute_stretches(strain, settings, conditioning, exclude=exclude)
    estimate = average(found, settings, conditioning)
    level = np.where(np.isfinite(estimate.values), estimate.values, 1.0)
    good = np.isfinite(strain.values)
    for _ in range(n):
        # Noise of density one at all frequencies, up to half the sampling rate.
        noise = rng.normal(scale=np.sqrt(strain.sample_rate / 2), size=len(strain.values))
        white = replace(strain, values=np.where(good, noise, np.nan))
        again = compute_periodograms(white, settings.stretch, settings.overlap, conditioning.roll_off, exclude)
        simulated = average(again._replace(values=again.values * level), settings, conditioning)
        with np.errstate(invalid="ignore"):
            drawn = level**2 / simulated.values
        yield PowerSpectralDensity(
            estimate.frequencies, np.where(np.isfinite(simulated.values), drawn, np.inf), estimate.note
        )
