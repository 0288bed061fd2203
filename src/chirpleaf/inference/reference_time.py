"""Search of the reference time: the GPS time with respect to which the data are aligned.

In training, the reference time is near the true arrival. But a published trigger time may be off by tens of
milliseconds, and a detector records the merger up to 21 ms before or after the geocentre. Therefore reference times on
a grid about the trigger are tried. The waveform with the largest signal-to-noise ratio decides: the reference time is
its arrival time in the detector where it is loudest. The wide grid gives noise more chances to exceed the signal than
in training. A Gaussian prior on arrivals about the trigger compensates for this: its logarithm is added to half the
squared signal-to-noise ratio.

The waveforms are draws from the network's posterior, if it has one, and else templates. The best template may have
other masses and spins than the signal: it then arrives some milliseconds earlier or later, and may be half as loud.
Draws are not tried about reference times where the best template is much less loud than about another one.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor

from chirpleaf.inference.matched_filter import matched_filter, orthonormalise, peak_times
from chirpleaf.inference.observation import Observation, canonicalise, compress, preprocess
from chirpleaf.models.model import Model
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.detectors import light_travel_times
from chirpleaf.strain.segment import Segment

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SearchSettings:
    """Settings of the search of the reference time.

    Attributes:
        half_width: half width of the grid of reference times about the trigger, seconds. A wider one finds the signal
            about worse triggers, but gives noise more chances.
        spacing: spacing of the grid, seconds. It must not exceed twice the arrival times that templates or draws are
            tried at; a smaller one costs time in proportion.
        trigger_error: standard deviation of the prior on arrivals about the trigger, seconds. A larger one finds
            signals about worse triggers, but loses more faint signals to noise.
        draws: waveforms of the network that are tried about each reference time. More are nearer to the signal, at the
            cost of time in proportion.
        least_share: signal-to-noise ratio of the best template, over that about the best reference time, below which
            draws are not tried about a reference time. A smaller value is safer, and costs time for loud signals.
        reach: half width of the arrival times at which these are tried for H1 and L1, seconds. It is longer by as much
            as light travels longer between two of the detectors.
        step: spacing of these arrival times, seconds. The peak is interpolated between them.
        hypothesis_reach: half width of the arrival times about a reference time that may become another one, seconds.
            A wider one finds hypotheses farther away, and more of them in noise.
    """

    half_width: float = 0.1
    spacing: float = 0.02
    trigger_error: float = 0.03
    draws: int = 32
    least_share: float = 0.5
    reach: float = 0.015
    step: float = 0.001
    hypothesis_reach: float = 0.04


DEFAULTS = SearchSettings()
"""Default settings."""


def refine_reference_time(model: Model, segment: Segment, settings: SearchSettings = DEFAULTS) -> Observation:
    """Sets the reference time of a segment to the arrival in the loudest detector, and makes the model's input.

    Args:
        model: the model; its draws or templates are tried.
        segment: the data about a trigger time, as for `canonicalise`.
        settings: settings of the search.

    Returns:
        The data about the new reference time.
    """
    offsets = np.arange(-settings.half_width, settings.half_width + settings.spacing / 2, settings.spacing)
    tries = [segment.with_reference_time(segment.reference_time + offset) for offset in offsets]
    data, weights = compress(model, tries)
    canonical = preprocess(model, segment.detectors, data, weights)
    present = canonical.tokens.present[0]
    snr, arrivals = canonical.snr[:, present].double().numpy(), canonical.time[:, present].double().numpy()
    if model.estimator.can_propose:
        wide = replace(settings, reach=settings.reach + _extra_light_travel(segment.detectors, settings.step))
        theta, _ = model.posterior.sample(canonical, settings.draws, torch.Generator().manual_seed(0))
        height = np.hypot.reduce(snr, axis=1)
        rows = np.flatnonzero(height >= settings.least_share * height.max())
        snr[rows], arrivals[rows] = find_loudest_waveforms(model, data[rows], weights[rows], theta[:, rows], wide)
    arrival = np.take_along_axis(arrivals, snr.argmax(axis=1)[:, None], axis=1)[:, 0]
    loudness = np.square(snr).sum(axis=1)
    best = int((loudness - np.square((offsets + arrival) / settings.trigger_error)).argmax())
    centred = tries[best].with_reference_time(tries[best].reference_time + float(arrival[best]))
    by_detector = dict(zip(segment.detectors, snr[best].tolist(), strict=True))
    return Observation(model, centred, canonicalise(model, [centred]), by_detector)


def find_loudest_waveforms(
    model: Model,
    data: NDArray[np.complex128],
    weights: Array,
    theta: Float64[Tensor, "draw segment parameter"],
    settings: SearchSettings = DEFAULTS,
) -> tuple[Array, Array]:
    """Finds the loudest of some waveforms in each segment.

    Args:
        model: a model of all parameters.
        data: whitened multiband data of the detectors that are present, shape (segment, detector, n_bins).
        weights: their whitening weights, same shape.
        theta: parameters of the waveforms of each segment, in the model's parameter space.
        settings: settings of the search.

    Returns:
        Signal-to-noise ratio and arrival time (seconds after the reference time) of the loudest waveform, both of shape
        (segment, detector).
    """
    waves = _compute_waveforms(model, theta)[:, :, None] * weights[:, None, :, None]
    filtered = orthonormalise(waves)
    np.conj(filtered, out=filtered)
    filtered *= data[:, None, :, None]
    times = np.arange(-settings.reach, settings.reach + settings.step / 2, settings.step)
    delays = np.exp(2j * np.pi * np.outer(model.estimator.canonical.grid.frequencies, times)).astype(np.complex64)
    output = filtered.astype(np.complex64).reshape(*filtered.shape[:2], -1, filtered.shape[-1]) @ delays
    height = np.hypot.reduce(np.abs(output).reshape(*filtered.shape[:-1], -1), axis=-2).astype(np.float64)
    loudest = np.square(height.max(axis=-1)).sum(axis=-1).argmax(axis=1)
    height = height[np.arange(len(data)), loudest]
    return height.max(axis=-1), peak_times(height, times)


def find_reference_time_hypotheses(
    observation: Observation, theta: Samples, settings: SearchSettings = DEFAULTS
) -> list[Observation]:
    """Finds other reference times: arrival times of some waveforms, about which a different template fits best.

    Templates of similar signal-to-noise ratio may fit best about different reference times. A network whose input is
    aligned with one of them may give the masses of another almost no probability.

    Args:
        observation: the data about one reference time.
        theta: intrinsic parameters of the waveforms, each of shape (n,), the most likely first.
        settings: settings of the search.

    Returns:
        The data about the first reference time at which each other template is the best.
    """
    model, segment = observation.model, observation.segment
    waves = model.architecture.signal_model.series(theta, segment.frequencies, skip_failures=True)
    computed = (wave for wave in waves if np.isfinite(wave[:, 0]).all())
    arrivals = [matched_filter(segment, wave, settings.hypothesis_reach).peak[1] for wave in computed]
    centred = [segment.with_reference_time(segment.reference_time + arrival) for arrival in arrivals]
    if not centred:
        return []
    templates = canonicalise(model, centred).template.tolist()
    known = int(observation.canonical.template[0])
    first = {template: templates.index(template) for template in templates if template != known}
    return [
        Observation(model, centred[place], canonicalise(model, [centred[place]]), observation.snr_by_detector)
        for place in first.values()
    ]


def _extra_light_travel(detectors: tuple[str, ...], step: float) -> float:
    """How much longer than from H1 to L1 light travels between two of the detectors; whole steps, seconds."""
    longest, least = light_travel_times(detectors).max(), light_travel_times(("H1", "L1")).max()
    return step * max(0, int(np.ceil((longest - least) / step)))


def _compute_waveforms(model: Model, theta: Float64[Tensor, "draw segment parameter"]) -> NDArray[np.complex128]:
    """Series of waveforms on the multiband grid, with its carrier; (segment, draw, series, n_bins).

    Another draw takes the place of one whose waveform cannot be computed.
    """
    grid, space = model.estimator.canonical.grid, model.posterior.space
    binaries = space.unstack(theta.transpose(0, 1).reshape(-1, len(space)))
    signal = model.architecture.signal_model
    waves = signal.series(binaries, grid.frequencies, skip_failures=True)
    computed = np.isfinite(waves[:, :, 0]).all(axis=1)
    if not computed.any():
        waves = signal.series(binaries, grid.frequencies)  # raises the reason
    elif not computed.all():
        waves[~computed] = waves[computed][0]
    return np.asarray((waves * grid.carrier(grid.frequencies)).reshape(-1, len(theta), *waves.shape[1:]))
