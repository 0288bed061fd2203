"""What `infer` is asked about, as strain and power spectral densities in memory."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.events import events, load_event
from chirpleaf.strain.psd import PowerSpectralDensity, read_psd
from chirpleaf.strain.psd_estimation import bootstrap_welch, welch
from chirpleaf.strain.readers import read
from chirpleaf.strain.strain import Strain

PSD_STRETCH = 256.0
"""Greatest stretch of strain around the trigger that the power spectral density is estimated from, seconds."""

StrainSource = Strain | str | Path
PsdSource = PowerSpectralDensity | str | Path


def gather(
    event: str | None,
    strain: Mapping[str, StrainSource] | None,
    trigger_time: float | None,
    *,
    duration: int = 32,
) -> tuple[str, float, dict[str, Strain]]:
    """Name, trigger time and strain of what was asked for.

    Args:
        event: name of an embedded event or of one in the open catalogues; or None with `strain`.
        strain: detector name to strain or to a file of it.
        trigger_time: GPS time of the merger, needed with `strain`, seconds.
        duration: of the files of the open catalogues, seconds.

    Returns:
        Name, GPS time (s), and detector name to strain.

    Raises:
        InputError: both or neither are given, the time is missing, or a file cannot be read.
    """
    if (event is None) == (strain is None):
        raise InputError("expected an event or strain; got both or neither: give EVENT, or --strain with --trigger")
    if strain is not None:
        if trigger_time is None:
            raise InputError("expected the trigger time of the strain; got none: add --trigger GPS")
        return "strain", trigger_time, {name: _series(source, name) for name, source in strain.items()}
    assert event is not None
    if event in events():
        return event, trigger_time or events()[event].trigger_time, load_event(event)
    from chirpleaf.strain.gwosc import fetch_event  # noqa: PLC0415 - the open catalogues alone need it

    found, series = fetch_event(event, duration=duration)
    return event, trigger_time or found.trigger_time, series


def noise(
    strain: Mapping[str, Strain], psd: Mapping[str, PsdSource], trigger_time: float
) -> dict[str, PowerSpectralDensity]:
    """The power spectral density of each detector: the user's, else the median Welch estimate around the trigger.

    Args:
        strain: detector name to strain.
        psd: detector name to the user's power spectral density or to a file of it.
        trigger_time: GPS time, seconds.

    Raises:
        InputError: a density is of a detector without strain, or there are too few good seconds to estimate one.
    """
    stray = [name for name in psd if name not in strain]
    if stray:
        raise InputError(
            f"expected power spectral densities of {', '.join(strain)}; got one of {stray[0]}, whose strain is "
            f"missing: add --strain {stray[0]}=FILE or leave it out"
        )
    densities = {}
    for name, series in strain.items():
        given = psd.get(name)
        if given is None:
            densities[name] = welch(_around(series, trigger_time))
        else:
            densities[name] = read_psd(given, name) if isinstance(given, str | Path) else given
    return densities


def likely_noise(
    strain: Mapping[str, Strain],
    psd: Mapping[str, PsdSource],
    densities: Mapping[str, PowerSpectralDensity],
    trigger_time: float,
    n: int,
    seed: int,
) -> Iterator[Mapping[str, PowerSpectralDensity]]:
    """Densities that the strain might as well have given (`bootstrap_welch`); those of the user count as known.

    Args:
        strain: detector name to strain.
        psd: those of the user, as for `noise`.
        densities: those of `noise`.
        trigger_time: as for `noise`.
        n: how many.
        seed: of the draws.

    Yields:
        Detector name to density.
    """
    rng = np.random.default_rng(seed)
    draws = {name: bootstrap_welch(_around(strain[name], trigger_time), n, rng) for name in strain if name not in psd}
    for _ in range(n):
        yield {**densities, **{name: next(found) for name, found in draws.items()}}


def _series(source: StrainSource, detector: str) -> Strain:
    return read(source, detector) if isinstance(source, str | Path) else source


def _around(series: Strain, trigger_time: float) -> Strain:
    """The stretch of at most `PSD_STRETCH` around the trigger."""
    if series.duration <= PSD_STRETCH:
        return series
    start = np.clip(trigger_time - PSD_STRETCH / 2, series.start_time, series.end_time - PSD_STRETCH)
    first = round((start - series.start_time) * series.sample_rate)
    values = series.values[first : first + round(PSD_STRETCH * series.sample_rate)]
    return Strain(series.detector, values, series.start_time + first / series.sample_rate, series.sample_rate)
