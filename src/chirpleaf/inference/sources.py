"""Sources of an analysis: reads the strain that the user names."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from chirpleaf.errors import InputError
from chirpleaf.strain.events import events, load_event
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.readers import read
from chirpleaf.strain.strain import Strain

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


def _load(source: StrainSource, detector: str) -> Strain:
    return read(source, detector) if isinstance(source, str | Path) else source
