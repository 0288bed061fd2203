"""Sources of an analysis: reads the strain and the noise spectra that the user names."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.events import events, load_event
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.psd_estimation import bootstrap_welch, welch
from chirpleaf.strain.psd_files import read_psd
from chirpleaf.strain.readers import read
from chirpleaf.strain.strain import Strain

PSD_STRETCH = 256.0
"""Longest stretch of strain around the trigger that noise spectra are estimated from, seconds. More averages the noise
better, but follows its changes worse."""

LONG_DURATION = 4096
"""Length of the files of the open catalogues that are loaded when 32 s are too short for the signal, seconds."""

StrainSource = Strain | str | Path
PsdSource = PowerSpectralDensity | str | Path


class Source(NamedTuple):
    """Strain of an event.

    Attributes:
        event: name of the event; "strain" for the user's own files.
        trigger_time: GPS time of the trigger, seconds.
        strain: detector name to strain.
    """

    event: str
    trigger_time: float
    strain: Mapping[str, Strain]


def gather_strain(
    event: str | None,
    strain: Mapping[str, StrainSource] | None,
    trigger_time: float | None,
    *,
    duration: int = 32,
) -> Source:
    """Loads the strain that the user names.

    Args:
        event: name of an embedded event or of one in the open catalogues; or None with `strain`.
        strain: detector name to strain or to a file of it.
        trigger_time: GPS time of the merger, needed with `strain`, seconds.
        duration: length of the files of the open catalogues, seconds.

    Returns:
        Name, trigger time and strain.

    Raises:
        InputError: both or neither are given, the time is missing, or a file cannot be read.
    """
    if (event is None) == (strain is None):
        raise InputError("expected an event or strain; got both or neither: give EVENT, or --strain with --trigger")
    if strain is not None:
        if trigger_time is None:
            raise InputError("expected the trigger time of the strain; got none: add --trigger GPS")
        return Source("strain", trigger_time, {name: _load(source, name) for name, source in strain.items()})
    assert event is not None
    if event in events():
        return Source(event, trigger_time or events()[event].trigger_time, load_event(event))
    from chirpleaf.strain.gwosc import fetch_event  # noqa: PLC0415 - the open catalogues alone need it

    found, series = fetch_event(event, duration=duration)
    return Source(event, trigger_time or found.trigger_time, series)


def has_longer_strain(event: str | None) -> bool:
    """Whether `gather_strain` can load longer strain of an event: those of the open catalogues, not embedded ones.

    Args:
        event: name of the event; None for the user's own files.
    """
    return event is not None and event not in events()


def gather_spectra(source: Source, psd: Mapping[str, PsdSource]) -> dict[str, PowerSpectralDensity]:
    """The noise spectrum of each detector: the user's, or the median Welch estimate around the trigger.

    Args:
        source: the strain.
        psd: detector name to the user's power spectral density or to a file of it.

    Returns:
        Detector name to power spectral density.

    Raises:
        InputError: a spectrum belongs to a detector without strain, or there are too few good seconds to estimate one.
    """
    stray = [name for name in psd if name not in source.strain]
    if stray:
        raise InputError(
            f"expected power spectral densities of {', '.join(source.strain)}; got one of {stray[0]}, whose strain is "
            f"missing: add --strain {stray[0]}=FILE or leave it out"
        )
    spectra = {}
    for name, series in source.strain.items():
        given = psd.get(name)
        if given is None:
            spectra[name] = welch(_cut_around(series, source.trigger_time))
        else:
            spectra[name] = read_psd(given, name) if isinstance(given, str | Path) else given
    return spectra


def resample_spectra(
    source: Source, spectra: Mapping[str, PowerSpectralDensity], known: frozenset[str], n: int, seed: int
) -> Iterator[Mapping[str, PowerSpectralDensity]]:
    """Noise spectra that are compatible with the strain, by the bootstrap (`bootstrap_welch`).

    Args:
        source: the strain.
        spectra: the spectrum of each detector, as `gather_spectra` gives them.
        known: detectors whose spectrum is the user's and does not vary.
        n: number of draws.
        seed: seed of the draws.

    Yields:
        Detector name to power spectral density.
    """
    rng = np.random.default_rng(seed)
    draws = {
        name: bootstrap_welch(_cut_around(series, source.trigger_time), n, rng)
        for name, series in source.strain.items()
        if name not in known
    }
    for _ in range(n):
        yield {**spectra, **{name: next(found) for name, found in draws.items()}}


def _load(source: StrainSource, detector: str) -> Strain:
    return read(source, detector) if isinstance(source, str | Path) else source


def _cut_around(series: Strain, trigger_time: float) -> Strain:
    """The stretch of at most `PSD_STRETCH` around the trigger."""
    if series.duration <= PSD_STRETCH:
        return series
    start = np.clip(trigger_time - PSD_STRETCH / 2, series.start_time, series.end_time - PSD_STRETCH)
    first = round((start - series.start_time) * series.sample_rate)
    values = series.values[first : first + round(PSD_STRETCH * series.sample_rate)]
    return Strain(series.detector, values, series.start_time + first / series.sample_rate, series.sample_rate)
