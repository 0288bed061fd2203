"""Noise spectra of an analysis: the user's, or estimates from clean strain around the trigger."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.inference.sources import (
    DEFAULT_READ_SETTINGS,
    SPECTRUM,
    PsdSource,
    ReadSettings,
    Source,
    check_owners,
    name_detectors,
)
from chirpleaf.strain.conditioning import Conditioning
from chirpleaf.strain.flaws import Flaws, find_flaws
from chirpleaf.strain.noise_spectrum import (
    DEFAULT_SPECTRUM,
    SpectrumSettings,
    bootstrap_spectrum,
    choose_excluded,
    estimate_spectrum,
    has_enough,
)
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.psd_files import read_psd
from chirpleaf.strain.psd_scale import check_agreement, check_strain_scale
from chirpleaf.strain.segment import AFTER_TRIGGER
from chirpleaf.strain.spectrum_posterior import draw_spectra
from chirpleaf.strain.strain import Spectrum, Strain

SCALE_BAND = (40.0, 400.0)
"""Frequencies in Hz between which the scale of a spectrum is compared with the strain: away from the wall below and the
roll-off above. A wider band would compare frequencies where tables differ by purpose."""


@dataclass(frozen=True, eq=False)
class NoiseData:
    """What the noise spectrum of one detector is estimated from, and how.

    Attributes:
        strain: strain around the trigger; NaN where it is flawed.
        exclude: (GPS start, GPS end) in s of the event's own segment; None where it is needed for the estimate.
        settings: of the estimate.
        conditioning: high-pass filter and window.
    """

    strain: Strain
    exclude: tuple[float, float] | None
    settings: SpectrumSettings
    conditioning: Conditioning

    @classmethod
    def select(
        cls,
        strain: Strain,
        flaws: Flaws,
        durations: Sequence[float],
        settings: SpectrumSettings,
        conditioning: Conditioning,
    ) -> "NoiseData":
        """Selects clean strain around the trigger.

        Bursts are used where too little is left without them: a spectrum with a burst is better than none, and the
        result names it.

        Args:
            strain: strain of the detector; NaN where there are no data.
            flaws: its flaws.
            durations: lengths of the segments that may be analysed, seconds.
            settings: of the estimate.
            conditioning: high-pass filter and window.
        """
        around = strain.cut_around(flaws.trigger_time, settings.length)
        clean = flaws.mask(around, "burst")
        chosen = clean if has_enough(clean, settings) else around
        exclude = choose_excluded(chosen.good_stretches, flaws.trigger_time, durations, settings)
        return cls(chosen, exclude, settings, conditioning)

    def estimate(self) -> PowerSpectralDensity:
        """Estimates the noise spectrum.

        Raises:
            InputError: there are too few good seconds.
        """
        return estimate_spectrum(self.strain, self.settings, self.conditioning, exclude=self.exclude)

    def bootstrap(self, n: int, rng: np.random.Generator) -> Iterator[PowerSpectralDensity]:
        """Draws noise spectra that are compatible with the strain.

        Args:
            n: number of draws.
            rng: source of randomness.
        """
        return bootstrap_spectrum(self.strain, n, rng, self.settings, self.conditioning, exclude=self.exclude)

    def draw(self, n: int, rng: np.random.Generator) -> Iterator[PowerSpectralDensity]:
        """Draws noise spectra from their posterior given the strain.

        Args:
            n: number of draws.
            rng: source of randomness.
        """
        return draw_spectra(self.strain, n, rng, self.settings, self.conditioning, exclude=self.exclude)


def inspect_source(source: Source, durations: Sequence[float], settings: SpectrumSettings) -> dict[str, Flaws]:
    """Finds gaps, constant samples and bursts in all that an analysis uses.

    Args:
        source: the strain.
        durations: lengths of the segments that may be analysed, seconds.
        settings: of the noise spectra.

    Returns:
        Detector name to flaws.
    """
    flaws = {}
    for name, series in source.strain.items():
        around = series.cut_around(source.trigger_time, settings.length)
        first = min(around.start_time, source.trigger_time + AFTER_TRIGGER - max(durations))
        last = max(around.end_time, source.trigger_time + AFTER_TRIGGER)
        flaws[name] = find_flaws(series, source.trigger_time, search=(first, last))
    return flaws


def select_noise(
    source: Source, durations: Sequence[float], settings: SpectrumSettings, conditioning: Conditioning
) -> tuple[Source, dict[str, Flaws], dict[str, NoiseData]]:
    """Finds the flaws of the strain, and selects what noise spectra are estimated from.

    Args:
        source: the strain.
        durations: lengths of the segments that may be analysed, seconds.
        settings: of the noise spectra.
        conditioning: high-pass filter and window.

    Returns:
        The source, NaN where samples are constant; detector name to flaws; detector name to the data of an estimate.
    """
    flaws = inspect_source(source, durations, settings)
    clean = source._replace(strain={name: flaws[name].mask(one, "constant") for name, one in source.strain.items()})
    noise = {
        name: NoiseData.select(series, flaws[name], durations, settings, conditioning)
        for name, series in clean.strain.items()
    }
    return clean, flaws, noise


def gather_spectra(
    source: Source,
    psd: Mapping[str, PsdSource],
    noise: Mapping[str, NoiseData],
    settings: ReadSettings = DEFAULT_READ_SETTINGS,
    *,
    estimated: Mapping[str, PowerSpectralDensity] | None = None,
) -> dict[str, PowerSpectralDensity]:
    """The noise spectrum of each detector: the user's, or an estimate from its noise.

    Args:
        source: the strain.
        psd: detector name, in any case, to the user's power spectral density or to a file of it.
        noise: detector name to the data of an estimate.
        settings: what to read from the files.
        estimated: detector name to an estimate that was made before, which is used in place of a new one.

    Returns:
        Detector name to power spectral density.

    Raises:
        InputError: a spectrum belongs to a detector without strain, does not agree with the strain by orders of
            magnitude, there are too few good seconds to estimate one, settings of the estimate are given although none
            is made, or the strain has another scale than strain.
    """
    psd = name_detectors(psd, "power spectral density", SPECTRUM)
    if settings.psd_analysis is not None and not psd:
        raise InputError("expected --psd with --psd-analysis; got no file of noise spectra: add --psd DETECTOR=FILE")
    check_owners("power spectral densities", psd, source.strain)
    changed = [name for name in source.strain if name in noise and noise[name].settings != DEFAULT_SPECTRUM]
    if changed and psd.keys() >= set(source.strain):
        raise InputError(
            "expected --psd-method or --psd-length where a noise spectrum is estimated; got --psd of every detector: "
            "leave them out"
        )
    spectra = {}
    for name in source.strain:
        given = psd.get(name)
        if given is None and estimated and name in estimated:
            spectra[name] = estimated[name]
        elif given is None:
            spectra[name] = noise[name].estimate()
            check_strain_scale(name, _find_in_band(spectra[name], *SCALE_BAND).values)
        else:
            spectra[name] = load_spectrum(given, name, noise[name], settings)
    return spectra


def load_spectrum(
    source: PsdSource, detector: str, noise: NoiseData, settings: ReadSettings = DEFAULT_READ_SETTINGS
) -> PowerSpectralDensity:
    """Loads the noise spectrum that a user gives for a detector, and compares its scale with that of the strain.

    Args:
        source: the spectrum, or a file of it.
        detector: its name.
        noise: the data of an estimate.
        settings: what to read from the file.

    Raises:
        InputError: the file cannot be read, or the spectrum is of another scale.
    """
    given = (
        source
        if isinstance(source, PowerSpectralDensity)
        else read_psd(source, detector, analysis=settings.psd_analysis)
    )
    _compare_with_strain(detector, given, noise)
    return given


def _compare_with_strain(name: str, given: PowerSpectralDensity, noise: NoiseData) -> None:
    """Refuses a spectrum of another scale than that of the strain, as far as the strain allows an estimate."""
    try:
        estimate = noise.estimate()
    except InputError:
        return
    check_strain_scale(name, _find_in_band(estimate, *SCALE_BAND).values)
    low, high = max(SCALE_BAND[0], given.frequencies[0]), min(SCALE_BAND[1], given.frequencies[-1])
    compared = _find_in_band(estimate, low, high)
    kept = ~given.is_notched(compared.frequencies)
    if kept.any():
        check_agreement(name, given.at(compared.frequencies[kept], name), compared.values[kept])


class _Values(NamedTuple):
    """Finite values of a spectrum at their frequencies in Hz."""

    frequencies: Spectrum
    values: Spectrum


def _find_in_band(spectrum: PowerSpectralDensity, low: float, high: float) -> _Values:
    """The values of a spectrum from `low` to `high` Hz, without those of no weight."""
    inside = (spectrum.frequencies >= low) & (spectrum.frequencies <= high) & np.isfinite(spectrum.values)
    return _Values(spectrum.frequencies[inside], spectrum.values[inside])


def resample_spectra(
    noise: Mapping[str, NoiseData],
    spectra: Mapping[str, PowerSpectralDensity],
    known: frozenset[str],
    n: int,
    seed: int,
) -> Iterator[Mapping[str, PowerSpectralDensity]]:
    """Noise spectra that are compatible with the strain, by the bootstrap.

    Args:
        noise: detector name to the data of an estimate.
        spectra: the spectrum of each detector, as `gather_spectra` gives them.
        known: detectors whose spectrum is the user's and does not vary.
        n: number of draws.
        seed: seed of the draws.

    Yields:
        Detector name to power spectral density.
    """
    rng = np.random.default_rng(seed)
    draws = {name: data.bootstrap(n, rng) for name, data in noise.items() if name not in known}
    for _ in range(n):
        yield {**spectra, **{name: next(found) for name, found in draws.items()}}
