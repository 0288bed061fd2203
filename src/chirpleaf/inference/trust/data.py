"""Checks of the data before the analysis: are strain, header and noise spectrum what they claim to be?

What one stream cannot show: with a start in the header that is wrong by seconds, or data that run backwards, a detector
has noise at the trigger. It shows as a signal that one detector has and the other has not (`coherence`).
"""

from collections.abc import Sequence

from chirpleaf.errors import InputError
from chirpleaf.inference.data_notes import describe_quality
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.trust.levels import grade_value
from chirpleaf.inference.trust.loudness import examine_loudness
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, DataSettings
from chirpleaf.inference.trust.whitened import examine_whitened
from chirpleaf.result.trust import Finding, Level
from chirpleaf.strain.line_frequencies import find_rate_factor
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.psd_scale import typical
from chirpleaf.strain.quantisation import compute_rounding_noise, count_clipped
from chirpleaf.strain.segment import AFTER_TRIGGER
from chirpleaf.strain.strain import Strain

_BRIEF = ("CBC", "BURST", "DETCHAR")
"""Kinds of hardware injections that look like signals; the others are weak waves that last for months."""


def examine_data(
    data: PreparedData, detectors: Sequence[str], settings: DataSettings = DEFAULT_TRUST.data
) -> tuple[Finding, ...]:
    """Examines the data of each detector.

    Args:
        data: the prepared data.
        detectors: those whose data are analysed.
        settings: thresholds.

    Returns:
        What was found, those of one check after those of the other.
    """
    doubts = data.doubt(detectors)
    bursts = tuple(Finding("data.burst", Level.REFUSE, doubt, doubt.partition(":")[0]) for doubt in doubts)
    samples = tuple(
        found
        for name in detectors
        for found in examine_samples(cut_analysed(data, name), find_level(data.spectra[name], settings), settings)
    )
    rates = (*examine_rates(data, detectors, settings), *examine_loudness(data.spectra, detectors, settings))
    return (*bursts, *examine_bits(data, detectors), *rates, *samples, *examine_whitened(data, detectors, settings))


def examine_rates(
    data: PreparedData, detectors: Sequence[str], settings: DataSettings = DEFAULT_TRUST.data
) -> tuple[Finding, ...]:
    """Compares the sampling rate of the header with the frequencies of known lines.

    Args:
        data: the prepared data.
        detectors: those whose data are analysed.
        settings: threshold.
    """
    found = []
    for name in detectors:
        try:
            spectrum = data.noise[name].estimate() if name in data.known else data.spectra[name]
        except InputError:
            continue
        factor, excess = find_rate_factor(spectrum, name)
        if excess > settings.rate_refuse:
            rate = data.source.strain[name].sample_rate
            message = (
                f"{name}: the lines of mains and suspensions lie at about {factor:.3g} times their frequencies: check "
                f"the sampling rate of the header, {rate:g} Hz"
            )
            found.append(Finding("data.rate", Level.REFUSE, message, name, excess))
    return tuple(found)


def examine_bits(data: PreparedData, detectors: Sequence[str]) -> tuple[Finding, ...]:
    """Reads the bits of open data: checks of data quality that fail, and hardware injections.

    Data that fail category 1 are gaps and never get here.

    Args:
        data: the prepared data.
        detectors: those whose data are analysed.
    """
    found = []
    for name, quality in describe_quality(data).items():
        if name not in detectors:
            continue
        for kind in quality.hardware_injections:
            level = Level.WARN if kind in _BRIEF else Level.NOTE
            message = f"{name}: hardware injection ({kind}) in the analysed segment"
            found.append(Finding("data.injection", level, message, name))
        if quality.failed:
            compact = any(check.startswith("CBC") for check in quality.failed)
            message = f"{name}: data-quality checks {', '.join(quality.failed)} fail in the analysed segment"
            found.append(Finding("data.quality", Level.WARN if compact else Level.NOTE, message, name))
    return tuple(found)


def cut_analysed(data: PreparedData, detector: str) -> Strain:
    """The strain of the analysed segment, as far as there is any.

    Args:
        data: the prepared data.
        detector: its name.
    """
    strain, segment = data.source.strain[detector], data.observation.segment
    duration = max(segment.duration, data.options.duration or 0.0)
    end = data.source.trigger_time + AFTER_TRIGGER
    return strain.cut(end - duration, end)


def find_level(spectrum: PowerSpectralDensity, settings: DataSettings = DEFAULT_TRUST.data) -> float:
    """Median density of a spectrum where the detector is most sensitive, 1/Hz; zero where it has none there.

    Args:
        spectrum: noise spectrum of a detector.
        settings: the band.
    """
    low, high = settings.rounding_band
    return typical(spectrum.values[(spectrum.frequencies >= low) & (spectrum.frequencies <= high)])


def examine_samples(strain: Strain, density: float, settings: DataSettings = DEFAULT_TRUST.data) -> tuple[Finding, ...]:
    """Looks for rounded and clipped samples.

    Args:
        strain: the analysed strain of a detector.
        density: one-sided power spectral density of the noise where it is lowest, 1/Hz.
        settings: thresholds.
    """
    found, name = [], strain.detector
    share = compute_rounding_noise(strain) / density if density > 0 else 0.0
    level = grade_value(share, settings.rounding)
    if level is not Level.NOTE:
        message = f"{name}: samples are rounded; their rounding noise is {share:.2g} of the noise: use unrounded strain"
        found.append(Finding("data.rounding", level, message, name, share))
    clipped = count_clipped(strain.values)
    if clipped >= settings.clipped:
        message = f"{name}: {clipped} samples lie at the largest or smallest value: the strain is clipped"
        found.append(Finding("data.clipping", Level.REFUSE, message, name, float(clipped)))
    return tuple(found)
