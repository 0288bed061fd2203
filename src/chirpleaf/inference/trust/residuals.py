"""Residuals: what is left of the data without the best signal, in each detector.

Three statistics of the whitened residual, all of which are those of white Gaussian noise if model and spectrum are
right: the evidence of a burst in it (`strain.wavelets`), the power of tiles in time and frequency about the merger, and
the autocorrelation about the merger (`strain.whiteness`).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Complex128

from chirpleaf.inference.trust.levels import grade_value
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, ResidualSettings
from chirpleaf.result.trust import Finding
from chirpleaf.strain.residual_power import correlate_residual, find_loudest_tile
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.wavelets import find_burst


def examine_residuals(
    segment: Segment,
    signal: Complex128[np.ndarray, "detector frequency"],
    merger: float = 0.0,
    settings: ResidualSettings = DEFAULT_TRUST.residuals,
) -> tuple[Finding, ...]:
    """Examines the data without a signal.

    Args:
        segment: the data.
        signal: the best signal in each detector, shape (detector, F), 1/Hz.
        merger: time of its merger, seconds after the segment's reference time.
        settings: the statistics and their limits.

    Returns:
        A finding for each statistic of each detector; a note within its limits.
    """
    checks: tuple[Callable[..., Finding], ...] = (_find_burst, _find_tile, _find_correlation)
    return tuple(
        check(segment, index, segment.strain[index] - signal[index], merger, settings)
        for index in range(len(segment.detectors))
        for check in checks
    )


def _find_burst(
    segment: Segment,
    index: int,
    residual: Complex128[np.ndarray, " frequency"],
    merger: float,
    settings: ResidualSettings,
) -> Finding:
    """A burst beside the signal, or what the model misses of it."""
    name = segment.detectors[index]
    burst = find_burst(
        residual, segment.psd[index], segment.frequencies, segment.duration, settings.wavelets, middle=merger
    )
    message = (
        f"{name}: without the signal, a burst of signal-to-noise {burst.snr:.1f} is left {burst.time - merger:+.2f} s "
        f"from the merger, at {burst.frequency:.0f} Hz: a glitch, or a signal that the model does not describe"
    )
    level = grade_value(burst.log_evidence, settings.burst)
    return Finding("model.residual", level, message, name, burst.log_evidence)


def _find_tile(
    segment: Segment,
    index: int,
    residual: Complex128[np.ndarray, " frequency"],
    merger: float,
    settings: ResidualSettings,
) -> Finding:
    """Excess power in a tile of time and frequency."""
    name = segment.detectors[index]
    tile = find_loudest_tile(segment, index, residual, merger, settings.bands, settings.times)
    message = (
        f"{name}: without the signal, the power at {tile.band[0]:.0f}-{tile.band[1]:.0f} Hz is {tile.ratio:.1f} times "
        f"that of the noise from {tile.interval[0]:+.2f} to {tile.interval[1]:+.2f} s of the merger"
    )
    return Finding("model.tile", grade_value(tile.excess, settings.tile), message, name, tile.excess)


def _find_correlation(
    segment: Segment,
    index: int,
    residual: Complex128[np.ndarray, " frequency"],
    merger: float,
    settings: ResidualSettings,
) -> Finding:
    """Correlation between samples of the whitened residual."""
    name = segment.detectors[index]
    excess = correlate_residual(segment, index, residual, merger, settings.around, settings.lags)
    message = f"{name}: without the signal, the data about the merger are not white ({excess:.1f} standard deviations)"
    return Finding("model.correlation", grade_value(excess, settings.correlation), message, name, excess)
