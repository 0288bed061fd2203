"""From strain in memory to canonical input: the trigger is refined, the model chosen, the data made canonical.

A published trigger time may be tens of milliseconds off, and a detector sees the merger up to 21 ms before or after the
geocentre. Reference times on a grid around the trigger are tried, each with the canonical search itself; the loudest
wins, and the reference time moves to the arrival at its loudest detector. Far from the trigger, noise has more chances
to be the loudest than it had in training: what is found there counts less, as if triggers were off by 30 ms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from chirpleaf.errors import InputError, ShortStrainError
from chirpleaf.models.model import Model
from chirpleaf.representation.canonical import Canonical
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import Segment, cut_segment
from chirpleaf.strain.strain import Strain

SEARCH = 0.1
"""Half width of the search around the trigger, seconds."""

SPREAD = 0.03
"""Standard deviation of arrivals about triggers, seconds: its Gaussian's ln weighs against half the squared SNR."""

_STRIDE = 0.02


@dataclass(frozen=True)
class Observation:
    """Data as a model takes them.

    Attributes:
        model: the model.
        segment: the data, about the refined reference time.
        canonical: the canonical input, a batch of one.
    """

    model: Model
    segment: Segment
    canonical: Canonical

    @property
    def snr(self) -> float:
        """Network signal-to-noise of the best template."""
        return float(self.canonical.snr.square().sum().sqrt())

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
    tries = [segment.about(segment.reference_time + offset) for offset in offsets]
    found = canonicalise(model, tries)
    arrivals = found.time.gather(1, found.snr.argmax(1, keepdim=True))[:, 0]
    late = (torch.from_numpy(offsets) + arrivals) / SPREAD
    best = int((found.snr.square().sum(-1) - late.square()).argmax())
    arrival = float(arrivals[best])
    centred = tries[best].about(tries[best].reference_time + arrival)
    return Observation(model, centred, canonicalise(model, [centred]))


@torch.no_grad()
def canonicalise(model: Model, segments: Sequence[Segment]) -> Canonical:
    """The canonical input of a batch of segments.

    Args:
        model: whose preprocessing is used.
        segments: of the model's detectors, duration and frequencies.
    """
    estimator = model.estimator
    grid = estimator.canonical.grid
    pairs = [grid.compress(segment.strain, segment.psd) for segment in segments]
    data = np.stack([data for data, _ in pairs]).astype(np.complex64)
    weights = np.stack([weights / estimator.canonical.reference_weights for _, weights in pairs]).astype(np.float32)
    return estimator.see(torch.from_numpy(data), torch.from_numpy(weights))


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
            if found.chirp_mass < border:
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
