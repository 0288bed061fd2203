"""From strain in memory to canonical input: the trigger is refined, the model chosen, the data made canonical.

A published trigger time may be tens of milliseconds off, and a detector sees the merger up to 21 ms before or after the
geocentre. Reference times on a grid around the trigger are tried, each with the canonical search itself; the loudest
wins, and the reference time moves to the arrival at its loudest detector. Far from the trigger, noise has more chances
to be the loudest than it had in training: what is found there counts less, as if triggers were off by 30 ms.

In training the reference time is near the true arrival. A template of other masses and spins arrives some milliseconds
earlier or later, and may be half as loud; so where a network has a posterior, draws of it are what is tried: the
loudest of their waveforms says when.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from chirpleaf.errors import InputError, ShortStrainError
from chirpleaf.inference.matched_filter import matched_filter, peak_times
from chirpleaf.models.estimator import PARAMETERS
from chirpleaf.models.model import Model
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.signals.quadrupole import face_on
from chirpleaf.representation.canonical import Canonical
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import Segment, cut_segment
from chirpleaf.strain.strain import Strain

Array = NDArray[Any]

SEARCH = 0.1
"""Half width of the search around the trigger, seconds."""

SPREAD = 0.03
"""Standard deviation of arrivals about triggers, seconds: its Gaussian's ln weighs against half the squared SNR."""

AUDIBLE = 8.0
"""Network signal-to-noise above which noise alone hardly comes, and a chirp mass means something."""

_STRIDE = 0.02
_DRAWS = 32
"""Waveforms that are tried at each reference time."""
_NEAR, _STEP = 0.015, 0.001
"""Half width and spacing of the arrival times that they are tried at, seconds."""
_AGAIN = 0.04
"""Half width of the arrival times about the reference time at which another look is taken, seconds."""


@dataclass(frozen=True)
class Observation:
    """Data as a model takes them.

    Attributes:
        model: the model.
        segment: the data, about the refined reference time.
        canonical: the canonical input, a batch of one.
        snr: network signal-to-noise of the loudest waveform that was tried.
    """

    model: Model
    segment: Segment
    canonical: Canonical
    snr: float

    @property
    def chirp_mass(self) -> float:
        """Chirp mass of the best template, solar masses."""
        return float(self.model.estimator.canonical.chirp_mass[self.canonical.template[0]])


def observe(
    model: Model,
    strain: Mapping[str, Strain],
    psd: Mapping[str, PowerSpectralDensity],
    trigger_time: float,
) -> Observation:
    """Cuts the segment, refines the trigger and makes the data canonical.

    Args:
        model: whose input is wanted.
        strain: of at least the model's detectors.
        psd: of these detectors.
        trigger_time: GPS time, within 0.1 s of the merger, seconds.

    Returns:
        What the model sees.

    Raises:
        InputError: a detector is missing, or the segment cannot be cut.
    """
    missing = [name for name in model.detectors if name not in strain]
    if missing:
        raise InputError(
            f"expected strain of {', '.join(model.detectors)} for model {model.name}; got "
            f"{', '.join(strain) or 'none'}: add --strain {missing[0]}=FILE or choose another model"
        )
    segment = cut_segment(
        {name: strain[name] for name in model.detectors},
        psd,
        reference_time=trigger_time,
        duration=model.duration,
        frequencies=model.architecture.grid.native_frequencies,
    )
    return refine(model, segment)


def refine(model: Model, segment: Segment) -> Observation:
    """Moves a segment's reference time to the arrival at the loudest detector, and makes it canonical.

    Args:
        model: whose input is wanted.
        segment: data about a trigger time.

    Returns:
        What the model sees.
    """
    offsets = np.arange(-SEARCH, SEARCH + _STRIDE / 2, _STRIDE)
    tries = [segment.with_reference_time(segment.reference_time + offset) for offset in offsets]
    data, weights = _compressed(model, tries)
    found = _seen(model, data, weights)
    snr, arrivals = found.snr.double().numpy(), found.time.double().numpy()
    if model.estimator.can_propose:
        snr, arrivals = _heard(model, data, weights, found)
    arrival = np.take_along_axis(arrivals, snr.argmax(axis=1)[:, None], axis=1)[:, 0]
    loudness = np.square(snr).sum(axis=1)
    best = int((loudness - np.square((offsets + arrival) / SPREAD)).argmax())
    centred = tries[best].with_reference_time(tries[best].reference_time + float(arrival[best]))
    return Observation(model, centred, canonicalise(model, [centred]), float(loudness[best] ** 0.5))


def other_looks(observation: Observation, theta: Samples) -> list[Observation]:
    """The same data about the times at which some waveforms arrive, where the search sees other templates there.

    Of several templates as loud as each other, each may be the best one about a time of its own; a network that is
    shown one of them may think another's masses all but impossible.

    Args:
        observation: data as a model sees them.
        theta: `PARAMETERS` of the waveforms, each of shape (n,).

    Returns:
        One look for each other template, about the first time at which it is seen.
    """
    model, segment = observation.model, observation.segment
    waves = face_on(theta, segment.frequencies, model.architecture.approximant)
    times = [segment.reference_time + matched_filter(segment, wave, _AGAIN).peak[1] for wave in waves]
    centred = [segment.with_reference_time(time) for time in times]
    templates = canonicalise(model, centred).template.tolist()
    known = int(observation.canonical.template[0])
    first = {template: templates.index(template) for template in templates if template != known}
    return [
        Observation(model, centred[place], canonicalise(model, [centred[place]]), observation.snr)
        for place in first.values()
    ]


def canonicalise(model: Model, segments: Sequence[Segment]) -> Canonical:
    """The canonical input of a batch of segments.

    Args:
        model: whose preprocessing is used.
        segments: of the model's detectors, duration and frequencies.
    """
    return _seen(model, *_compressed(model, segments))


def _compressed(model: Model, segments: Sequence[Segment]) -> tuple[Array, Array]:
    """Multiband data and whitening weights of segments, both of shape (segment, detector, n_bins)."""
    grid = model.estimator.canonical.grid
    data, weights = zip(*(grid.compress(segment.strain, segment.psd) for segment in segments), strict=True)
    return np.stack(data), np.stack(weights)


@torch.no_grad()
def _seen(model: Model, data: Array, weights: Array) -> Canonical:
    """What a network sees of multiband data."""
    relative = weights / model.estimator.canonical.reference_weights
    return model.estimator.preprocess(
        torch.from_numpy(data.astype(np.complex64)), torch.from_numpy(relative.astype(np.float32))
    )


def _heard(model: Model, data: Array, weights: Array, seen: Canonical) -> tuple[Array, Array]:
    """The loudest of some waveforms that a network thinks likely, in each of the data.

    Args:
        model: with a posterior.
        data: shape (segment, detector, n_bins).
        weights: same shape.
        seen: their canonical input.

    Returns:
        Its signal-to-noises and arrival times (s), both of shape (segment, detector).
    """
    theta, _ = model.posterior.sample(seen, _DRAWS, torch.Generator().manual_seed(0))
    grid = model.estimator.canonical.grid
    binaries = dict(zip(PARAMETERS, theta.transpose(0, 1).reshape(-1, len(PARAMETERS)).numpy().T, strict=True))
    waves = face_on(binaries, grid.frequencies, model.architecture.approximant) * grid.carrier(grid.frequencies)
    waves = waves.reshape(len(data), _DRAWS, 1, -1) * weights[:, None]
    waves /= np.linalg.norm(waves, axis=-1, keepdims=True)
    times = np.arange(-_NEAR, _NEAR + _STEP / 2, _STEP)
    delays = np.exp(2j * np.pi * np.outer(grid.frequencies, times)).astype(np.complex64)
    height = np.abs((waves.conj() * data[:, None]).astype(np.complex64) @ delays).astype(np.float64)
    loudest = np.square(height.max(axis=-1)).sum(axis=-1).argmax(axis=1)
    height = height[np.arange(len(data)), loudest]
    return height.max(axis=-1), peak_times(height, times)


def choose(
    models: Sequence[Model],
    strain: Mapping[str, Strain],
    psd: Mapping[str, PowerSpectralDensity],
    trigger_time: float,
) -> Observation:
    """Observes with the model that fits the data.

    Models are tried from the shortest segment to the longest. The first is left for the next when its best template is
    lighter than the middle of what the two share, or when the next one finds the signal louder and below that middle.

    Args:
        models: the candidates.
        strain: as for `observe`.
        psd: as for `observe`.
        trigger_time: as for `observe`.

    Returns:
        What the chosen model sees.

    Raises:
        ShortStrainError: the signal needs a longer segment than the strain has.
        InputError: the shortest model cannot take the data either.
    """
    short, *longer = sorted(models, key=lambda model: model.duration)
    found = observe(short, strain, psd, trigger_time)
    for model in longer:
        border = _border(short, model)
        try:
            other = observe(model, strain, psd, trigger_time)
        except InputError as error:
            if found.chirp_mass < border and found.snr > AUDIBLE:
                raise ShortStrainError(f"the signal needs a segment of {model.duration:g} s: {error}") from error
            continue
        if found.chirp_mass < border or (other.chirp_mass < border and other.snr > found.snr):
            found = other
    return found


def _border(heavy: Model, light: Model) -> float:
    """Middle of the chirp masses that two models share, solar masses."""
    lightest_of_heavy, _ = heavy.architecture.prior.chirp_mass_range
    _, heaviest_of_light = light.architecture.prior.chirp_mass_range
    return (lightest_of_heavy + heaviest_of_light) / 2
