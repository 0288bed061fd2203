"""Sources of an analysis: reads the strain that the user names."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import NamedTuple, TypeVar

import h5py

from chirpleaf.errors import InputError
from chirpleaf.physics.detectors import detector
from chirpleaf.strain.events import find_event, load_event
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.psd_hdf5 import has_analyses
from chirpleaf.strain.readers import read
from chirpleaf.strain.strain import Strain
from chirpleaf.strain.times import parse_time
from chirpleaf.system.checks import check_kind
from chirpleaf.system.limits import expand_user

LONG_DURATION = 4096
"""Length of the files of the open catalogues that are loaded when 32 s are too short for the signal, seconds."""

StrainSource = Strain | str | Path | Sequence[str | Path]
"""Strain, a file of it, or files of consecutive times."""

PsdSource = PowerSpectralDensity | str | Path
Value = TypeVar("Value")


class Kinds(NamedTuple):
    """What users may give for a detector.

    Attributes:
        types: types that are allowed.
        remedy: end of the message for others: what to do.
    """

    types: tuple[type, ...]
    remedy: str


_MAKE_STRAIN = "make chirpleaf.strain.Strain(detector, values, start_time, sample_rate) of an array"
_STRAIN = Kinds((Strain, str, Path, Sequence), f"give a file, or {_MAKE_STRAIN}")
STEP = Kinds((Strain,), _MAKE_STRAIN)
"""A step of a stream."""
_CHANNEL = Kinds((str,), "write the name of the channel as text")
SPECTRUM = Kinds(
    (PowerSpectralDensity, str, Path),
    "give a file, or make chirpleaf.strain.PowerSpectralDensity(frequencies, values) of an array",
)
"""A power spectral density."""


def name_detectors(values: Mapping[str, Value], what: str, kinds: Kinds | None = None) -> dict[str, Value]:
    """Values by the names of the detectors in upper case.

    Args:
        values: detector name in any case to value.
        what: the values, for the message.
        kinds: types that the values may have; any if None.

    Raises:
        InputError: these are no values by detector, one is of another type, or a detector is named twice.
    """
    check_kind(f"{what} by detector", values, Mapping, remedy="write {'H1': ...}")
    named: dict[str, Value] = {}
    for name, value in values.items():
        check_kind(f"a detector with {what}", name, str, remedy="use its two-letter name")
        if kinds is not None:
            check_kind(f"{what} of {name}", value, *kinds.types, remedy=kinds.remedy)
        if name.upper() in named:
            raise InputError(f"expected one {what} a detector; got two for {name.upper()}: leave one out")
        named[name.upper()] = value
    return named


@dataclass(frozen=True)
class ReadSettings:
    """What to read from files that hold several things, and from where.

    Attributes:
        channel: detector name to the channel of a frame file, or to the dataset of an HDF5 file; the only strain of the
            detector where none is named.
        psd_analysis: label of the analysis in a release of PESummary, or a part of it; None for the only one.
        offline: whether strain of the open catalogues comes from the cache alone.

    Raises:
        InputError: a value is of another type, or a detector is named twice.
    """

    channel: Mapping[str, str] = field(default_factory=dict)
    psd_analysis: str | None = None
    offline: bool = False

    def __post_init__(self) -> None:
        name_detectors(self.channel, "channel", _CHANNEL)
        check_kind("psd_analysis", self.psd_analysis, str, NoneType)
        check_kind("offline", self.offline, bool)


DEFAULT_READ_SETTINGS = ReadSettings()


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
    trigger_time: float | str | None,
    *,
    duration: int = 32,
    settings: ReadSettings = DEFAULT_READ_SETTINGS,
) -> Source:
    """Loads the strain that the user names.

    Args:
        event: name of an embedded event or of one in the open catalogues, in any case, or a GPS time (s) of open data;
            or None with `strain`.
        strain: detector name, in any case, to strain or to files of it.
        trigger_time: GPS time of the merger in s, or UTC as text (`strain.times`); needed with `strain`.
        duration: length of the files of the open catalogues, seconds.
        settings: what to read from the files.

    Returns:
        Name, trigger time and strain.

    Raises:
        InputError: both or neither are given, the time is missing, a detector does not exist, a file cannot be read, or
            strain is that of another detector.
    """
    if (event is None) == (strain is None):
        raise InputError("expected an event or strain; got both or neither: give EVENT, or --strain with --trigger")
    given = None if trigger_time is None else parse_time(trigger_time)
    if strain is not None:
        if given is None:
            raise InputError("expected the trigger time of the strain; got none: add --trigger GPS")
        named, channels = name_strain(strain), name_detectors(settings.channel, "channel")
        for name in named:
            detector(name)  # refuses one that does not exist
        check_owners("channels", channels, named)
        for name in channels:
            if isinstance(named[name], Strain):
                raise InputError(
                    f"expected channels of files; got one of {name}, whose strain is no file: leave it out"
                )
        return Source("strain", given, {name: _load(one, name, channels.get(name)) for name, one in named.items()})
    assert event is not None
    if settings.channel:
        raise InputError("expected channels of strain files; got an event, whose files have one: leave --channel out")
    embedded = find_event(event)
    if embedded is not None:
        trigger = embedded.trigger_time if given is None else given
        return Source(embedded.name, trigger, load_event(embedded.name))
    from chirpleaf.strain.gwosc import fetch_event  # noqa: PLC0415 - the open catalogues alone need it

    found, series = fetch_event(event, duration=duration, offline=settings.offline)
    return Source(found.name, found.trigger_time if given is None else given, series)


def name_strain(strain: Mapping[str, StrainSource]) -> dict[str, StrainSource]:
    """Strain by the names of the detectors in upper case.

    Args:
        strain: detector name in any case to strain or to files of it.

    Raises:
        InputError: as `name_detectors`, or one of several files is none.
    """
    named = name_detectors(strain, "strain", _STRAIN)
    for name, source in named.items():
        if not isinstance(source, Strain | str | Path):
            for file in source:
                check_kind(f"each file of {name}", file, str, Path, remedy=_STRAIN.remedy)
    return named


def check_owners(what: str, given: Iterable[str], owners: Collection[str], option: str = "--strain") -> None:
    """Refuses what is given for a detector without strain.

    Args:
        what: what is given, for the message.
        given: names of detectors.
        owners: names of detectors with strain.
        option: option that gives strain.

    Raises:
        InputError: there is one.
    """
    stray = [name for name in given if name not in owners]
    if stray:
        raise InputError(
            f"expected {what} of {', '.join(owners)}; got one of {stray[0]}, whose strain is missing: add "
            f"{option} {stray[0]}=FILE or leave it out"
        )


def check_analysis(analysis: str | None, sources: Iterable[PsdSource]) -> None:
    """Refuses the label of an analysis where no spectrum comes from a release that holds analyses.

    Args:
        analysis: label of the analysis; None if none is asked for.
        sources: all spectra that are given, of the network and of the likelihood. Missing files are not refused here.

    Raises:
        InputError: none is such a file.
    """
    paths = [expand_user(one) for one in sources if not isinstance(one, PowerSpectralDensity)]
    if analysis is None or any(not path.is_file() for path in paths):
        return
    if paths and not any(h5py.is_hdf5(path) and has_analyses(path) for path in paths):
        raise InputError(
            f"expected a release of PESummary with --psd-analysis; got {', '.join(path.name for path in paths)}: leave "
            "--psd-analysis out or give the release"
        )


def has_longer_strain(event: str | None) -> bool:
    """Whether `gather_strain` can load longer strain of an event: those of the open catalogues, not embedded ones.

    Args:
        event: name of the event; None for the user's own files.
    """
    return event is not None and find_event(event) is None


def _load(source: StrainSource, detector: str, channel: str | None) -> Strain:
    return source.require_detector(detector) if isinstance(source, Strain) else read(source, detector, channel=channel)
