"""From strain and noise spectra in memory to the input of a model, and the choice between models."""

from collections.abc import Mapping, Sequence

from chirpleaf.errors import InputError, ShortStrainError
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models.model import Model
from chirpleaf.strain.conditioning import STANDARD, Conditioning
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import cut_segment
from chirpleaf.strain.strain import Strain

AUDIBLE_SNR = 8.0
"""Network signal-to-noise ratio above which noise alone is rare and the chirp mass of the best template is
reliable. With a lower value, noise alone requires longer strain; with a higher one, the model of heavy binaries
analyses faint light signals."""


def observe(
    model: Model,
    strain: Mapping[str, Strain],
    psd: Mapping[str, PowerSpectralDensity],
    trigger_time: float,
    conditioning: Conditioning = STANDARD,
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
    models: Sequence[Model],
    strain: Mapping[str, Strain],
    psd: Mapping[str, PowerSpectralDensity],
    trigger_time: float,
    conditioning: Conditioning = STANDARD,
) -> Observation:
    """Observes with the model that suits the signal.

    Models are tried in the order of their segments, the shortest first. The next model is taken if the best template
    of the former is lighter than the middle of the chirp masses that both cover, or if the next one finds a louder
    signal that is lighter than this middle.

    Args:
        models: the candidates, at least one.
        strain: as for `observe`.
        psd: as for `observe`.
        trigger_time: as for `observe`, seconds.
        conditioning: as for `observe`.

    Returns:
        The data in the form that the chosen model takes.

    Raises:
        ShortStrainError: the signal needs a longer segment than the strain allows.
        InputError: the shortest model cannot take the data.
    """
    short, *longer = sorted(models, key=lambda model: model.duration)
    found = observe(short, strain, psd, trigger_time, conditioning)
    for model in longer:
        border = _middle_of_overlap(short, model)
        try:
            other = observe(model, strain, psd, trigger_time, conditioning)
        except InputError as error:
            if found.chirp_mass < border and found.snr > AUDIBLE_SNR:
                raise ShortStrainError(f"the signal needs a segment of {model.duration:g} s: {error}") from error
            continue
        if found.chirp_mass < border or (other.chirp_mass < border and other.snr > found.snr):
            found = other
    return found


def _middle_of_overlap(heavy: Model, light: Model) -> float:
    """Middle of the chirp masses that two models share, solar masses."""
    lightest_of_heavy, _ = heavy.architecture.prior.chirp_mass_range
    _, heaviest_of_light = light.architecture.prior.chirp_mass_range
    return (lightest_of_heavy + heaviest_of_light) / 2
