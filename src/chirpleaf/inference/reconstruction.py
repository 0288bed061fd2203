"""Reconstruction: the signal of a posterior in the data.

The masses and spins of a sample fix the series of the waveform up to their amplitudes, phases and arrival time in each
detector. These are set to their best fit by `matched_filter`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex128, Float64
from numpy.typing import ArrayLike

from chirpleaf.inference.matched_filter import matched_filter
from chirpleaf.inference.observation import Observation
from chirpleaf.strain.segment import AFTER_TRIGGER, whiten_series

Signals = Complex128[np.ndarray, "sample detector frequency"]

SEARCH = 0.05
"""Half width of the arrival times about the segment's reference time at which signals are fitted, seconds: more than
the light takes between any two detectors."""


def reconstruct(observation: Observation, samples: Mapping[str, ArrayLike]) -> Signals:
    """Fits the signal of each sample in each detector: amplitude, phase and arrival time.

    Args:
        observation: the data and the model.
        samples: intrinsic parameters by name (masses in the detector frame, solar masses), each (n,) or a float.

    Returns:
        Strain about the segment's reference time on its frequencies, shape (n, detector, F), 1/Hz; fewer than samples
        where waveforms cannot be computed.
    """
    segment = observation.segment
    waves = observation.model.architecture.signal_model.series(samples, segment.frequencies, skip_failures=True)
    waves = waves[np.isfinite(waves[:, :, 0]).all(axis=1)]
    signals = [matched_filter(segment, wave, SEARCH).fit_signal(segment.frequencies) for wave in waves]
    return np.array(signals, np.complex128).reshape(len(waves), *segment.strain.shape)


class WhitenedView(NamedTuple):
    """Whitened strain and signal in the time domain, in standard deviations of the band's noise.

    Attributes:
        times: GPS times, shape (time,), seconds.
        strain: shape (detector, time).
        signal: 5 %, 50 % and 95 % quantiles of the signal over the posterior, shape (3, detector, time); None without
            samples of a signal.
    """

    times: Float64[np.ndarray, " time"]
    strain: Float64[np.ndarray, "detector time"]
    signal: Float64[np.ndarray, "quantile detector time"] | None


def whiten_view(
    observation: Observation,
    trigger_time: float,
    samples: Mapping[str, ArrayLike] | None = None,
    *,
    band: tuple[float, float] = (30.0, 400.0),
    sample_rate: float = 4096.0,
    half_width: float = 0.5,
) -> WhitenedView:
    """Whitens the strain about the trigger, and the signals of posterior samples.

    Args:
        observation: the data and the model.
        trigger_time: GPS time of the middle of the view, seconds.
        samples: intrinsic parameters of equal weight, each (n,), as for `reconstruct`; None for the strain alone.
        band: lower and upper frequency, Hz.
        sample_rate: sampling rate of the series, Hz.
        half_width: seconds before and after the trigger.

    Returns:
        Times, strain and signal.
    """
    segment = observation.segment
    inside = (segment.frequencies >= band[0]) & (segment.frequencies <= band[1])
    view = replace(
        segment,
        strain=segment.strain[:, inside],
        psd=segment.psd[:, inside],
        frequencies=segment.frequencies[inside],
    )
    strain = view.whiten(sample_rate)
    times = segment.reference_time + AFTER_TRIGGER - segment.duration + np.arange(strain.shape[-1]) / sample_rate
    shown = np.abs(times - trigger_time) <= half_width
    if samples is None:
        return WhitenedView(times[shown], strain[:, shown], None)
    signals = reconstruct(replace(observation, segment=view), samples)  # fitted to what is shown
    if not len(signals):
        return WhitenedView(times[shown], strain[:, shown], None)
    series = np.stack([whiten_series(view, signal, sample_rate)[:, shown] for signal in signals])
    return WhitenedView(times[shown], strain[:, shown], np.quantile(series, (0.05, 0.5, 0.95), axis=0))
