"""Strain of events and times of the Open Science Center, from the cache if it is there.

Each file is downloaded under a temporary name, compared with the size and digest that the server states, read as a
check, and then renamed; the record of the event is written last. A cached event needs no network.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import requests

from chirpleaf.errors import InputError
from chirpleaf.strain.events import Event
from chirpleaf.strain.gwosc.archive import Archive, Listing, describe_failure
from chirpleaf.strain.gwosc.cache import CachedEvent, CachedFile, find_folder, open_folder, read_record
from chirpleaf.strain.gwosc.session import PatientSession
from chirpleaf.strain.gwosc.settings import DEFAULT_REQUESTS, RequestSettings, default_host
from chirpleaf.strain.readers import read
from chirpleaf.strain.strain import Strain
from chirpleaf.system.cache import cache_folder
from chirpleaf.system.files import write_atomically

SOURCE = "Gravitational Wave Open Science Center (https://gwosc.org), CC BY 4.0"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]*")
_TIME = re.compile(r"\d{9,10}(\.\d*)?")


def fetch_event(
    name: str,
    *,
    sample_rate: int = 4096,
    duration: int = 32,
    host: str | None = None,
    cache: Path | None = None,
    offline: bool = False,
    settings: RequestSettings = DEFAULT_REQUESTS,
) -> tuple[Event, dict[str, Strain]]:
    """Fetches the strain of an event of the open catalogues, or of a GPS time, from the cache if possible.

    Releases since GWTC-4.0, and times, have files of 4096 s only (120 MB for each detector).

    Args:
        name: name of the event, such as `"GW190521"` or `"GW200129_065458-v1"`, in any case; or a GPS time in s.
        sample_rate: sampling rate of the release in Hz, 4096 or 16384.
        duration: preferred length of the files in s, 32 or 4096; the release's own length if it has no such files.
        host: address of the server; `default_host()` if None.
        cache: folder for the files; by default `cache_folder()`.
        offline: whether the cache alone is used.
        settings: patience with the server.

    Returns:
        The event, and its strain by detector.

    Raises:
        InputError: the event is unknown, the server cannot be reached, it has no usable strain of the event, or there
            is no room in the cache.

    Source:
        https://gwosc.org/api; arXiv:1912.11716, arXiv:2302.03676.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"expected the name of an event, such as GW190521; got {name!r}; correct the name")
    root = (cache or cache_folder()) / "gwosc"
    is_time = _TIME.fullmatch(name) is not None
    name = _normalise(name)
    kind = f"{sample_rate}-{4096 if is_time else duration}"
    folder = find_folder(root, name) / kind
    record, fault = read_record(folder)
    if record is None and offline:
        raise InputError(
            f"expected strain of {name} ({sample_rate} Hz, {duration} s) in {root}, as --offline uses nothing else; "
            f"got {fault or 'none'}: run once without --offline"
        )
    if record is None:
        archive = Archive(host or default_host(), PatientSession(settings))
        with archive.session:
            listing = (
                archive.find_time(float(name), sample_rate)
                if is_time
                else archive.find_event(name, sample_rate, duration)
            )
            folder = root / (name if is_time else listing.name) / kind
            record = _download_event(archive, listing, folder, sample_rate)
    event = Event(record.name, record.trigger_time, tuple(record.files), SOURCE)
    return event, {detector: _read_files(folder, detector, record.files) for detector in record.files}


def _normalise(name: str) -> str:
    """A name as the server writes most of them: GW in capitals, the version in small letters."""
    name = re.sub(r"^(gw|lvt)(?=\d)", lambda found: found[0].upper(), name, flags=re.IGNORECASE)
    return re.sub(r"-v(\d+)$", r"-v\1", name, flags=re.IGNORECASE)


def _read_files(folder: Path, detector: str, files: Mapping[str, tuple[CachedFile, ...]]) -> Strain:
    paths = [folder / one.name for one in files[detector]]
    return read(paths if len(paths) > 1 else paths[0], detector)


def _download_event(archive: Archive, listing: Listing, folder: Path, sample_rate: int) -> CachedEvent:
    """Downloads the files of an event and records them, unless another process has done so meanwhile."""
    if not listing.urls:
        raise InputError(
            f"{listing.name}: expected strain at {sample_rate} Hz from {archive.host}; got no files; try another "
            "sampling rate or give the files by --strain"
        )
    with open_folder(folder, archive.session.settings.turn):
        record, _ = read_record(folder)
        if record is not None:
            return record
        files = {
            detector: tuple(
                _download(archive, listing, url, folder / f"{detector}{f'-{number}' if number else ''}.hdf5")
                for number, url in enumerate(urls)
            )
            for detector, urls in listing.urls.items()
        }
        for detector in files:
            _check_time(_read_files(folder, detector, files), listing)
        record = CachedEvent(listing.name, listing.trigger_time, files)
        record.write(folder)
    return record


def _download(archive: Archive, listing: Listing, url: str, path: Path) -> CachedFile:
    """Downloads one file under a temporary name, checks it, and renames it."""
    try:
        with write_atomically(path) as scratch:
            digest = archive.session.download(url, scratch, f"downloading {listing.name} {path.stem}")
            strain = read(scratch, path.stem[:2])
            if len(listing.urls[path.stem[:2]]) == 1:
                _check_time(strain, listing)
            size = scratch.stat().st_size
    except requests.RequestException as error:
        raise describe_failure(f"{listing.name} ({url})", error) from error
    except OSError as error:
        raise InputError(
            f"expected room for {path}; got {os.strerror(error.errno) if error.errno else error}: make room, or set "
            "CHIRPLEAF_CACHE to another folder"
        ) from error
    return CachedFile(path.name, url, size, digest)


def _check_time(strain: Strain, listing: Listing) -> None:
    """Refuses strain of another time."""
    if not strain.start_time <= listing.trigger_time < strain.end_time:
        raise InputError(
            f"{listing.name}: expected strain of {strain.detector} around GPS {listing.trigger_time}; got GPS "
            f"{strain.start_time} to {strain.end_time}; give the files by --strain"
        )
