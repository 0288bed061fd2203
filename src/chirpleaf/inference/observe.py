"""From strain and noise spectra in memory to the input of a model, and the choice between models."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import torch

from chirpleaf.errors import InputError, ShortStrainError
from chirpleaf.inference.observation import Observation, UntriedModel
from chirpleaf.inference.reference_time import DEFAULTS as DEFAULT_SEARCH
from chirpleaf.inference.reference_time import SearchSettings, refine_reference_time
from chirpleaf.models.model import Model
from chirpleaf.models.shipped import Candidate, posteriors
from chirpleaf.strain.conditioning import DEFAULT_CONDITIONING, Conditioning
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import AFTER_TRIGGER, Segment, cut_segment
from chirpleaf.strain.strain import Strain


@dataclass(frozen=True)
class ChoiceSettings:
    """Settings of the choice between models.

    Attributes:
        audible_snr: network signal-to-noise ratio above which noise alone is rare and the chirp mass of the best
            template is reliable. With a lower value, noise alone requires longer strain; with a higher one, more
            results depend on a model that could not be tried.
        edge: chirp mass of the best template over the least one of a model, below which a model of longer segments is
            taken. A larger value keeps posteriors farther from the edge of the prior, and asks for longer strain more
            often.
        clear: chirp mass over the least one of the model, above which a template is clear of the edge: those of light
            signals with unequal masses reach 1.7. A larger value is safer and takes more time.
        share: greatest share of the signal-to-noise ratio of a light signal that a template clear of the edge collects;
            0.56 was the most (`benchmarks/model_choice.py`). A larger value is safer: longer models are tried more
            often, which takes time.
        louder: how much larger the squared ratio of a longer model is, relative, at which it is taken: light signals of
            unequal masses may fit templates in the overlap of both models. A smaller value takes the longer model for
            signals that both cover, whose templates differ.
        nats: how much larger its ln of the likelihood is besides, so that noise does not decide on faint signals.
        draws: draws of the network that show whether its posterior ends at the least chirp mass of the model.
        wall: chirp mass over this least one, below which a draw lies at it. A larger value tries longer models for more
            signals that both cover.
        highest_frequency: end of the band in which the power of a light signal is looked for, Hz.
        deviates: allowance for the noise in this power, standard deviations.
        calibration: allowance for the noise spectrum, relative.
    """

    audible_snr: float = 8.0
    edge: float = 7 / 6
    clear: float = 2.0
    share: float = 0.56
    louder: float = 0.1
    nats: float = 10.0
    draws: int = 128
    wall: float = 1.02
    highest_frequency: float = 512.0
    deviates: float = 5.0
    calibration: float = 0.05


DEFAULTS = ChoiceSettings()
"""Default settings."""


def observe(
    model: Model,
    strain: Mapping[str, Strain],
    psd: Mapping[str, PowerSpectralDensity],
    trigger_time: float,
    conditioning: Conditioning = DEFAULT_CONDITIONING,
    search: SearchSettings = DEFAULT_SEARCH,
) -> Observation:
    """Cuts the segment, refines the reference time and makes the model's input.

    Args:
        model: the model.
        strain: strain of the model's detectors, or of some of them if it takes subsets; others are not used.
        psd: power spectral densities of these detectors.
        trigger_time: GPS time within 0.1 s of the merger, seconds.
        conditioning: high-pass filter and window.
        search: settings of the search of the reference time.

    Returns:
        The data in the form that the model takes.

    Raises:
        InputError: a detector is missing, the sampling rate is too low, or the segment cannot be cut.
    """
    taken = {name: strain[name] for name in model.select_detectors(strain)}
    check_sampling_rates(model, taken)
    segment = cut_segment(
        taken,
        psd,
        reference_time=trigger_time,
        duration=model.duration,
        frequencies=model.architecture.grid.native_frequencies,
        conditioning=conditioning,
    )
    return refine_reference_time(model, segment, search)


def check_sampling_rates(model: Model, strain: Mapping[str, Strain]) -> None:
    """Refuses strain of too low a sampling rate for the network, whose frequencies no option changes.

    Args:
        model: the model.
        strain: detector name to strain.

    Raises:
        InputError: there is such strain.
    """
    highest = float(model.architecture.grid.native_frequencies[-1])
    for name, series in strain.items():
        if series.sample_rate < 2 * highest:
            raise InputError(
                f"{name} strain: expected a sampling rate of at least {2 * highest:g} Hz for model {model.name}, whose "
                f"network takes frequencies up to {highest:g} Hz, whatever the likelihood takes; got "
                f"{series.sample_rate:g} Hz: give strain of a higher sampling rate"
            )


def choose_model(
    models: Sequence[Candidate],
    strain: Mapping[str, Strain],
    psd: Mapping[str, PowerSpectralDensity],
    trigger_time: float,
    conditioning: Conditioning = DEFAULT_CONDITIONING,
    settings: ChoiceSettings = DEFAULTS,
    search: SearchSettings = DEFAULT_SEARCH,
) -> Observation:
    """Observes with the model that suits the signal.

    The model of the shortest segment, for the heaviest binaries, is tried first. Unless its best template is clear of
    the edge and the data have too little power for a light signal, the longest model that the strain allows is tried as
    well; its templates cover those of the models between. It is taken if the first one's best template, or most draws
    of its network, lie at the edge of its chirp masses, if it finds a louder signal below this edge, or a much louder
    one anywhere. Of the models that suit a light signal, the one of the shortest segment is used, whatever the strain
    allows. A model is loaded when it is tried.

    Args:
        models: the candidates, at least one.
        strain: as for `observe`.
        psd: as for `observe`.
        trigger_time: as for `observe`, seconds.
        conditioning: as for `observe`.
        settings: settings of the choice.
        search: as for `observe`.

    Returns:
        The data in the form that the chosen model takes; if no signal is audible, it names the models that could not be
        tried.

    Raises:
        ShortStrainError: the signal needs a longer segment than the strain allows.
        InputError: the shortest model cannot take the data.
    """
    first, *longer = sorted(models, key=lambda model: model.duration)

    def attempt(model: Candidate) -> Observation:
        _check_length(strain, trigger_time, model.duration)  # before the model is read, which takes 0.3 s
        return observe(model.load(), strain, psd, trigger_time, conditioning, search)

    try:
        found = attempt(first)
    except ShortStrainError as error:
        raise ShortStrainError(f"{error}{_name_shorter(first, strain, trigger_time)}") from error
    at_wall = _is_at_wall(found, settings)
    clear = not at_wall and not _is_light(found, found, settings.clear)
    if clear and _excludes_light(found.segment, found.snr, conditioning.roll_off, settings):
        return found
    other, untried = _try_longest(longer, attempt)
    edge = settings.edge
    if other is not None and (
        at_wall
        or _is_light(found, found, edge)
        or (_is_light(other, found, edge) and other.snr > found.snr)
        or is_louder(other, found, settings)
    ):
        found = _use_shortest(longer, other, attempt, edge)
    if untried and found.snr > settings.audible_snr:
        if _is_light(found, found, edge):
            kind = ShortStrainError if untried[-1].short else InputError
            raise kind(f"the signal needs a longer segment, of {untried[-1].name}: {untried[-1].reason}")
        untried = ()
    return replace(found, untried=untried)


def is_below_model(observation: Observation, settings: ChoiceSettings = DEFAULTS) -> bool:
    """Whether an audible signal lies at the least chirp mass of its model, so that it needs a model of lighter ones.

    Args:
        observation: the data in the form that the model takes.
        settings: settings of the choice.
    """
    return observation.snr > settings.audible_snr and _is_light(observation, observation, settings.edge)


def _is_at_wall(observation: Observation, settings: ChoiceSettings) -> bool:
    """Whether most draws of the network lie at the least chirp mass of the model: the signal may lie beyond."""
    model = observation.model
    if observation.snr < settings.audible_snr or not model.estimator.can_propose:
        return False
    theta, _ = model.posterior.sample(observation.canonical, settings.draws, torch.Generator().manual_seed(0))
    lowest, _ = model.architecture.prior.chirp_mass_range
    chirp_mass = model.posterior.space.unstack(theta[:, 0])["chirp_mass"]
    return bool(np.median(chirp_mass) < settings.wall * lowest)


def is_louder(other: Observation, found: Observation, settings: ChoiceSettings = DEFAULTS) -> bool:
    """Whether another model fits so much better that no binary of the first one is like the signal.

    Args:
        other: the data in the form that the other model takes.
        found: the same for the first one.
        settings: settings of the choice.
    """
    return other.snr**2 > (1.0 + settings.louder) * found.snr**2 + 2.0 * settings.nats


def _excludes_light(segment: Segment, snr: float, roll_off: float, settings: ChoiceSettings) -> bool:
    """Whether the data have less power than a light signal of which a template clear of the edge has collected this."""
    low = segment.frequencies < settings.highest_frequency
    power = float((np.abs(segment.strain) ** 2 / segment.psd)[:, low].sum() * 4 / segment.duration)
    flat = 1.0 - 1.25 * min(roll_off / segment.duration, 0.5)  # mean square of the Tukey window
    noise = 2.0 * flat * len(segment.detectors) * int(low.sum())
    allowance = settings.deviates * np.sqrt(2.0 * noise) + settings.calibration * noise
    return bool(power - noise + allowance < (snr / settings.share) ** 2)


def _check_length(strain: Mapping[str, Strain], trigger_time: float, duration: float) -> None:
    """Refuses strain that is too short in every detector."""
    short = None
    for one in strain.values():
        try:
            one.segment(trigger_time + AFTER_TRIGGER - duration, duration)
        except ShortStrainError as error:
            short = short or error
        except InputError:
            return
        else:
            return
    if short is not None:
        raise short


def _name_shorter(model: Candidate, strain: Mapping[str, Strain], trigger_time: float) -> str:
    """The remedy that a shipped model of shorter segments is; empty if none helps, as where a trigger has no strain."""
    covered = all(one.start_time <= trigger_time <= one.end_time - AFTER_TRIGGER for one in strain.values())
    for one in posteriors(model.load().architecture.approximant):
        if not covered or one.duration >= model.duration:
            continue
        with suppress(ShortStrainError):
            _check_length(strain, trigger_time, one.duration)
            return (
                f", or choose a model of shorter segments than the {model.duration:g} s of {model.name}: add --model "
                f"{one.name}, or leave --model out"
            )
    return ""


Attempt = Callable[[Candidate], Observation]


def _try_longest(models: Sequence[Candidate], attempt: Attempt) -> tuple[Observation | None, tuple[UntriedModel, ...]]:
    """The data for the longest of some models that can take them, and the longer models that cannot."""
    untried: list[UntriedModel] = []
    for model in reversed(models):
        try:
            return attempt(model), tuple(untried)
        except InputError as error:
            untried.append(UntriedModel(model.name, str(error), isinstance(error, ShortStrainError)))
    return None, tuple(untried)


def _use_shortest(models: Sequence[Candidate], found: Observation, attempt: Attempt, edge: float) -> Observation:
    """The data for the shortest of the models whose chirp masses hold the best template, away from the edge."""
    for candidate in models:
        if candidate.duration >= found.model.duration:
            break
        lowest, highest = candidate.load().architecture.prior.chirp_mass_range
        if edge * lowest < found.chirp_mass < highest:
            return attempt(candidate)
    return found


def _is_light(observation: Observation, other: Observation, ratio: float) -> bool:
    """Whether the best template has less than `ratio` times the least chirp mass of the other's model."""
    lowest, _ = other.model.architecture.prior.chirp_mass_range
    return observation.chirp_mass < ratio * lowest
