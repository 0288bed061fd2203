"""First stage of an analysis: from the user's input to the data in the form that a model takes.

    prepare: strain -> noise spectra -> the model that fits the signal -> `PreparedData`

`propose` and `certify` work on its result.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from chirpleaf.errors import InputError, ShortStrainError
from chirpleaf.inference.noise_spectra import NoiseData, gather_spectra, select_noise
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.observe import choose_model, is_below_model
from chirpleaf.inference.options import DEFAULT_DATA, DataOptions
from chirpleaf.inference.reference_time import DEFAULTS as DEFAULT_SEARCH
from chirpleaf.inference.reference_time import SearchSettings
from chirpleaf.inference.sources import (
    DEFAULT_READ_SETTINGS,
    LONG_DURATION,
    SPECTRUM,
    PsdSource,
    ReadSettings,
    Source,
    StrainSource,
    gather_strain,
    has_longer_strain,
    name_detectors,
)
from chirpleaf.inference.timing import Stopwatch
from chirpleaf.models.model import Model
from chirpleaf.models.shipped import Candidate, load_model, posteriors
from chirpleaf.physics.approximants import can_precess
from chirpleaf.strain.copies import find_copy
from chirpleaf.strain.flaws import Flaws
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import AFTER_TRIGGER, Segment, cut_segment

ALIGNED_REMEDY = "choose aligned spins by --approximant IMRPhenomXHM"
"""What a user does where no model of precessing spins can be used."""


@dataclass(frozen=True, eq=False)
class PreparedData:
    """Data of one event, ready for a model.

    Attributes:
        source: name of the event, trigger time and strain of all its detectors; NaN where samples are constant.
        flaws: detector name to gaps, constant samples and bursts.
        noise: detector name to the data and settings of its noise spectrum.
        spectra: detector name to power spectral density.
        known: detectors whose spectrum the user gave.
        options: data of the likelihood.
        observation: the chosen model and the data in the form that it takes.
        likelihood_spectra: detector name to the power spectral density of the likelihood, where it is not that which
            the network sees.
    """

    source: Source
    flaws: Mapping[str, Flaws]
    noise: Mapping[str, NoiseData]
    spectra: Mapping[str, PowerSpectralDensity]
    known: frozenset[str]
    options: DataOptions
    observation: Observation
    likelihood_spectra: Mapping[str, PowerSpectralDensity] = field(default_factory=dict)

    @property
    def model(self) -> Model:
        """The chosen model."""
        return self.observation.model

    def describe_flaws(self) -> tuple[str, ...]:
        """All gaps, constant samples and bursts, one sentence each."""
        return tuple(line for flaws in self.flaws.values() for line in flaws.describe())

    def doubt(self, detectors: Sequence[str]) -> tuple[str, ...]:
        """Reasons to distrust an analysis of the segment: bursts in it.

        Args:
            detectors: those whose data are analysed.
        """
        segment, trigger = self.observation.segment, self.source.trigger_time
        end = segment.reference_time + AFTER_TRIGGER
        duration = max(segment.duration, self.options.duration or 0.0)
        return tuple(
            f"{name}: {flaw.describe(trigger)} of the trigger, within the {duration:g} s that are analysed; "
            "subtract it or leave this detector out"
            for name in detectors
            for flaw in self.flaws[name].find("burst", within=(end - duration, end))
        )

    def cut_network_segment(self) -> Segment:
        """Cuts the segment of the likelihood out of the strain of all detectors.

        Returns:
            A segment of the same reference time as that of the observation. It also has the same limits and
            frequencies, unless the options change the band: it then ends 2 s after the trigger, as published segments.
            Its noise spectra are those of the likelihood.

        Raises:
            InputError: the strain or its spectra do not cover the segment.
        """
        segment, options = self.observation.segment, self.options
        if set(self.source.strain) == set(segment.detectors) and not options.changes_band:
            return self.use_likelihood_spectra(segment)
        try:
            cut = cut_segment(
                self.source.strain,
                self.spectra,
                reference_time=self.source.trigger_time if options.changes_band else segment.reference_time,
                duration=options.duration or segment.duration,
                frequencies=options.choose_frequencies([*self.source.strain], segment.duration, segment.frequencies),
                conditioning=options.conditioning,
            )
        except ShortStrainError as error:
            raise ShortStrainError(f"{error}{', or lower --duration' if options.duration else ''}") from error
        return self.use_likelihood_spectra(options.drop_frequencies(cut.with_reference_time(segment.reference_time)))

    def mask_notches(self, segment: Segment) -> Segment:
        """Gives the notches of given spectra an infinite density, for checks that count frequencies.

        Args:
            segment: data of some detectors.
        """
        spectra = {**self.spectra, **self.likelihood_spectra}
        notched = np.array([spectra[name].is_notched(segment.frequencies) for name in segment.detectors])
        return replace(segment, psd=np.where(notched, np.inf, segment.psd)) if notched.any() else segment

    def use_likelihood_spectra(self, segment: Segment) -> Segment:
        """Gives a segment the noise spectra of the likelihood where these are not those that the network sees.

        Args:
            segment: data of some detectors.

        Raises:
            InputError: a spectrum does not cover the frequencies of the segment.
        """
        psd = segment.psd.copy()
        for row, name in zip(psd, segment.detectors, strict=True):
            if name in self.likelihood_spectra:
                used = np.isfinite(row)
                row[used] = self.likelihood_spectra[name].at(segment.frequencies[used], name)
        return replace(segment, psd=psd) if self.likelihood_spectra else segment


def load_candidates(model: str | Path | None = None, approximant: str | None = None) -> list[Candidate]:
    """Finds the models that an analysis may use, the one of the shortest segment first.

    Args:
        model: name of a shipped model or a model file; all shipped models of all parameters if None.
        approximant: waveforms of the likelihood; those that precess have models of precessing spins.

    Returns:
        At least one model. The first is loaded, the others when they are tried.

    Raises:
        InputError: there is no such model, or none is shipped.
    """
    if model is not None:
        return [load_model(model)]
    candidates = posteriors(approximant)
    if not candidates and approximant is not None and can_precess(approximant):
        raise InputError(
            f"expected a shipped model of precessing spins for {approximant}; got none in this installation: give "
            f"--model FILE of one, or {ALIGNED_REMEDY}"
        )
    if not candidates:
        raise InputError("expected a shipped model; got none in this installation: give --model FILE")
    return [candidates[0].load(), *candidates[1:]]


def check_precessing_fit(data: PreparedData) -> None:
    """Refuses a signal that is lighter than the shipped models of precessing spins, of which the data chose one.

    Args:
        data: data of an analysis that names no model.

    Raises:
        InputError: the model precesses, and the best template lies at the least chirp mass of its prior.
    """
    if not data.model.architecture.space.has_inclination or not is_below_model(data.observation):
        return
    lowest, _ = data.model.architecture.prior.chirp_mass_range
    raise InputError(
        f"expected a signal above the least chirp mass of {data.model.name}, {lowest:g} solar masses; got one of about "
        f"{data.observation.chirp_mass:.1f}, for which no model of precessing spins is shipped: {ALIGNED_REMEDY}"
    )


def prepare(
    models: Sequence[Candidate],
    event: str | None = None,
    *,
    strain: Mapping[str, StrainSource] | None = None,
    trigger_time: float | str | None = None,
    psd: Mapping[str, PsdSource] | None = None,
    options: DataOptions = DEFAULT_DATA,
    settings: ReadSettings = DEFAULT_READ_SETTINGS,
    search: SearchSettings = DEFAULT_SEARCH,
    estimated: Mapping[str, PowerSpectralDensity] | None = None,
    watch: Stopwatch | None = None,
) -> PreparedData:
    """Loads strain and noise spectra, chooses the model and makes its input.

    Where the model that fits the signal, or may fit it, needs a longer segment than the strain holds, the choice is
    made again with longer strain of the open catalogues, if there is any.

    Args:
        models: candidates, at least one.
        event: name of an embedded event or of one in the open catalogues; or None with `strain`.
        strain: detector name to strain or to files of it (`strain.readers`).
        trigger_time: GPS time of the merger within 0.1 s, seconds, or UTC as text; needed with `strain`.
        psd: detector name to power spectral density or to a file of it; estimated from the strain otherwise.
        options: detectors, conditioning, noise spectra, and the segment of the likelihood.
        settings: what to read from the files.
        search: settings of the search of the reference time about the trigger time.
        estimated: detector name to power spectral density that was estimated from earlier strain, in place of a new
            estimate.
        watch: measures load_s and infer_s.

    Returns:
        The data, with the model that was chosen.

    Raises:
        InputError: the input is incomplete, cannot be read, or does not suit the models.
        ShortStrainError: the signal needs longer strain, and there is none.
    """
    watch, psd = watch or Stopwatch(), name_detectors({} if psd is None else psd, "power spectral density", SPECTRUM)
    source = gather_strain(event, strain, trigger_time, settings=settings)
    watch.lap("load_s")

    def observe(source: Source) -> PreparedData:
        return _observe(models, source, psd, options, settings, search, estimated)

    def fetch() -> Source:
        return gather_strain(event, strain, trigger_time, duration=LONG_DURATION, settings=settings)

    data = retry_with_longer_strain(observe, source, fetch) if has_longer_strain(event) else observe(source)
    watch.lap("infer_s")
    return data


def retry_with_longer_strain(
    observe: Callable[[Source], PreparedData], source: Source, fetch: Callable[[], Source]
) -> PreparedData:
    """Observes, and once more with longer strain if a model needs a longer segment than the strain holds.

    Args:
        observe: chooses the model and makes its input.
        source: the strain at hand.
        fetch: gets longer strain.

    Returns:
        The data of the first attempt, if the strain was long enough for every model that may fit the signal.

    Raises:
        InputError: the longer strain cannot be had, or does not suit the models either.
    """
    try:
        data = observe(source)
    except ShortStrainError:
        return observe(fetch())
    return observe(fetch()) if any(model.short for model in data.observation.untried) else data


def _observe(
    models: Sequence[Candidate],
    source: Source,
    psd: Mapping[str, PsdSource],
    options: DataOptions,
    settings: ReadSettings,
    search: SearchSettings,
    estimated: Mapping[str, PowerSpectralDensity] | None,
) -> PreparedData:
    """Selects the detectors, finds flaws, estimates the spectra and chooses the model."""
    source = source._replace(strain=options.choose_detectors(source.strain))
    options = options.choose_lowest(source.strain)
    durations = [*(model.duration for model in models), *([options.duration] if options.duration else [])]
    lowest = float(models[0].load().architecture.grid.native_frequencies[0])  # of the network, which f_min leaves alone
    options.conditioning.check_corner(lowest, "lower --high-pass, 15 is usual")
    source, flaws, noise = select_noise(source, durations, options.spectrum, options.conditioning)
    spectra = gather_spectra(source, psd, noise, settings, estimated=estimated)
    observation = choose_model(models, source.strain, spectra, source.trigger_time, options.conditioning, search=search)
    if (copy := find_copy(observation.segment)) is not None:
        raise InputError(
            f"expected strain of each detector; got the same for {copy[0]} and {copy[1]}: give each its own file, or "
            "leave one out"
        )
    return PreparedData(source, flaws, noise, spectra, frozenset(psd), options, observation)
