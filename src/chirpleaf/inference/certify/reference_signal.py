"""The reference signal of the heterodyned data: its waveform can be computed, and its arrival times fit the data."""

from contextlib import suppress

import numpy as np
from jaxtyping import Complex128, Float64
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.inference.certify.likelihood_settings import HeterodyneSettings
from chirpleaf.inference.matched_filter import matched_filter
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.detectors import Detector, light_travel_time
from chirpleaf.physics.signals import SignalModel
from chirpleaf.strain.segment import Segment


def find_computable(
    signal: SignalModel, theta: Samples, rows: NDArray[np.int64], frequencies: Float64[np.ndarray, " frequency"]
) -> int:
    """The first of some rows whose waveform can be computed, tried on the ends of the band.

    Args:
        signal: signal model.
        theta: intrinsic parameters, each of shape (n,).
        rows: indices of the binaries that are tried.
        frequencies: the band, Hz.

    Raises:
        InputError: none can.
    """
    ends = frequencies[[0, -1]]
    for row in rows[:-1]:
        with suppress(InputError):
            signal.series({name: values[[row]] for name, values in theta.items()}, ends)
            return int(row)
    signal.series({name: values[rows[-1:]] for name, values in theta.items()}, ends)
    return int(rows[-1])


def find_arrivals(
    segment: Segment,
    reference: Samples,
    signal: SignalModel,
    detectors: tuple[Detector, ...],
    settings: HeterodyneSettings,
) -> tuple[Float64[np.ndarray, " detector"], float, float]:
    """Arrival times of the reference waveform, the first of some binaries, by matched filters.

    The loudest detector is searched about the reference time, the others within the light travel time from it.

    Args:
        segment: the data.
        reference: intrinsic parameters of the binaries, each of shape (n,).
        signal: signal model.
        detectors: those of the data.
        settings: how far the times are searched, and when a detector's own is used.

    Returns:
        Arrival time in each detector (s), their largest error (s), and the network's signal-to-noise.
    """
    likely = {name: values[:1] for name, values in reference.items()}
    wave: Complex128[np.ndarray, " frequency"] = signal.series(likely, segment.frequencies)[0, signal.dominant]
    filtered = matched_filter(segment, wave, settings.search)
    times, height = filtered.times, filtered.snr
    loudest, first = filtered.peak
    arrivals, snr = np.full(len(detectors), first), np.zeros(len(detectors))
    reach = settings.timing_error
    for index, one in enumerate(detectors):
        light = light_travel_time(one, detectors[loudest])
        allowed = np.where(np.abs(times - first) <= light + settings.light_margin, height[index], 0.0)
        arrivals[index], snr[index] = times[allowed.argmax()], allowed.max()
        if snr[index] < settings.loud_snr:
            arrivals[index], reach = first, max(reach, light + settings.light_margin)
    return arrivals, reach, float(np.sqrt(np.sum(snr**2)))
