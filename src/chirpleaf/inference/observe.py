"""From strain and noise spectra in memory to the input of a model, and the choice between models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chirpleaf.errors import InputError, ShortStrainError
from chirpleaf.inference.observation import Observation, UntriedModel
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models.model import Model
from chirpleaf.models.shipped import Candidate
from chirpleaf.strain.conditioning import DEFAULT_CONDITIONING, Conditioning
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import cut_segment
from chirpleaf.strain.strain import Strain


@dataclass(frozen=True)
class ChoiceSettings:
    """Settings of the choice between models.

    Attributes:
        audible_snr: network signal-to-noise ratio above which noise alone is rare and the chirp mass of the best
            template is reliable. With a lower value, noise alone requires longer strain; with a higher one, more events
            try all models.
        edge: chirp mass of the best template over the least one of a model, below which the next model is taken. A
            larger value keeps posteriors farther from the edge of the prior, and asks for longer strain more often.
        clear: the same ratio above which no longer model is tried. A lighter signal never fits such a template best; a
            larger value is safer and takes more time.
    """

    audible_snr: float = 8.0
    edge: float = 7 / 6
    clear: float = 1.5


DEFAULTS = ChoiceSettings()
"""Default settings."""


def observe(
    model: Model,
    strain: Mapping[str, Strain],
    psd: Mapping[str, PowerSpectralDensity],
    trigger_time: float,
    conditioning: Conditioning = DEFAULT_CONDITIONING,
) -> Observation:
    """Cuts the segment, refines the reference time and makes the model's input.

    Args:
        model: the model.
        strain: strain of the model's detectors, or of some of them if it takes subsets; others are not used.
        psd: power spectral densities of these detectors.
        trigger_time: GPS time within 0.1 s of the merger, seconds.
        conditioning: high-pass filter and window.

    Returns:
        The data in the form that the model takes.

    Raises:
        InputError: a detector is missing, or the segment cannot be cut.
    """
    segment = cut_segment(
        {name: strain[name] for name in model.select_detectors(strain)},
        psd,
        reference_time=trigger_time,
        duration=model.duration,
        frequencies=model.architecture.grid.native_frequencies,
        conditioning=conditioning,
    )
    return refine_reference_time(model, segment)


def choose_model(
    models: Sequence[Candidate],
    strain: Mapping[str, Strain],
    psd: Mapping[str, PowerSpectralDensity],
    trigger_time: float,
    conditioning: Conditioning = DEFAULT_CONDITIONING,
    settings: ChoiceSettings = DEFAULTS,
) -> Observation:
    """Observes with the model that suits the signal.

    Models are tried in the order of their segments, the shortest first, until one finds an audible signal that is
    clearly heavier than its lightest one. The next model is taken if the best template of the former lies at the edge
    of its chirp masses, or if the next one finds a louder signal below this edge. A model is loaded when it is tried.

    Args:
        models: the candidates, at least one.
        strain: as for `observe`.
        psd: as for `observe`.
        trigger_time: as for `observe`, seconds.
        conditioning: as for `observe`.
        settings: settings of the choice.

    Returns:
        The data in the form that the chosen model takes; it names the models that could not be tried although the
        signal may be theirs.

    Raises:
        ShortStrainError: the signal needs a longer segment than the strain allows.
        InputError: the shortest model cannot take the data.
    """
    first, *longer = sorted(models, key=lambda model: model.duration)
    found = latest = observe(first.load(), strain, psd, trigger_time, conditioning)
    untried: list[UntriedModel] = []
    for candidate in longer:
        if latest.snr > settings.audible_snr and _relative_mass(latest, latest) > settings.clear:
            break
        light = _relative_mass(found, found) < settings.edge
        try:
            latest = observe(candidate.load(), strain, psd, trigger_time, conditioning)
        except InputError as error:
            short = isinstance(error, ShortStrainError)
            if light and found.snr > settings.audible_snr:
                kind = ShortStrainError if short else InputError
                raise kind(f"the signal needs a segment of {candidate.duration:g} s: {error}") from error
            untried.append(UntriedModel(candidate.name, str(error), short))
            continue
        if light or (_relative_mass(latest, found) < settings.edge and latest.snr > found.snr):
            found = latest
    return replace(found, untried=tuple(untried))


def _relative_mass(observation: Observation, other: Observation) -> float:
    """Chirp mass of the best template over the least one of the other's model."""
    lightest, _ = other.model.architecture.prior.chirp_mass_range
    return observation.chirp_mass / lightest
