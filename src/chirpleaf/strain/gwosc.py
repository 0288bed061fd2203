"""Events that are not embedded: downloaded from the Gravitational Wave Open Science Center, once.

The catalogue is asked through the `gwosc` client for the trigger time and the strain files; each file is written beside
its final name, read as a check, and only then renamed, so that a broken download never passes for a file. A record,
`event.json`, is written last: with it in the cache the event needs no network again.

The cache is `$CHIRPLEAF_CACHE`, by default `~/.cache/chirpleaf`; deleting any of it is safe.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from chirpleaf.errors import InputError
from chirpleaf.strain.events import Event, events
from chirpleaf.strain.readers import read
from chirpleaf.strain.strain import Strain
from chirpleaf.system.files import write_atomically

HOST = "https://gwosc.org"
TIMEOUT = 20.0
"""Seconds without an answer after which the server counts as out of reach."""

SOURCE = "Gravitational Wave Open Science Center (https://gwosc.org), CC BY 4.0"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]*")


def cache_folder() -> Path:
    """Folder of downloaded strain: `$CHIRPLEAF_CACHE`, by default `~/.cache/chirpleaf`."""
    return Path(os.environ.get("CHIRPLEAF_CACHE") or Path.home() / ".cache" / "chirpleaf")


def fetch_event(
    name: str,
    *,
    sample_rate: int = 4096,
    duration: int = 32,
    host: str = HOST,
    cache: Path | None = None,
) -> tuple[Event, dict[str, Strain]]:
    """Strain of an event of the open catalogues, from the cache or else from the network.

    Releases since GWTC-4.0 have files of 4096 s only (120 MB a detector).

    Args:
        name: name of the event, such as `"GW190521"` or `"GW200129_065458"`.
        sample_rate: sampling rate of the release in Hz, 4096 or 16384.
        duration: length of the files in s, 32 or 4096; another one where the release has none of it.
        host: address of the server.
        cache: folder to keep the files in; by default `cache_folder()`.

    Returns:
        The event, and its strain by detector.

    Raises:
        InputError: if the catalogues know no such event, the server cannot be reached, or it holds no usable strain.

    Source:
        https://gwosc.org/api; arXiv:1912.11716, arXiv:2302.03676.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"expected the name of an event, such as GW190521; got {name!r}; mend the name")
    folder = (cache or cache_folder()) / "gwosc" / name / f"{sample_rate}-{duration}"
    cached = _load(folder)
    if cached is not None:
        return cached
    trigger_time, urls = _locate(name, sample_rate, duration, host)
    folder.mkdir(parents=True, exist_ok=True)
    for detector, url in urls.items():
        _download(name, host, url, folder / f"{detector}.hdf5", trigger_time)
    record = {"name": name, "trigger_time": trigger_time, "detectors": list(urls), "urls": urls}
    with write_atomically(folder / "event.json") as scratch:
        scratch.write_text(json.dumps(record))
    fetched = _load(folder)
    assert fetched is not None
    return fetched


def _load(folder: Path) -> tuple[Event, dict[str, Strain]] | None:
    """What the cache holds of an event, or None if that is not all of it and readable."""
    try:
        record = json.loads((folder / "event.json").read_text())
        event = Event(record["name"], float(record["trigger_time"]), tuple(record["detectors"]), SOURCE)
        return event, {detector: read(folder / f"{detector}.hdf5", detector) for detector in event.detectors}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _locate(name: str, sample_rate: int, duration: int, host: str) -> tuple[float, dict[str, str]]:
    """Trigger time (GPS, s) of an event and the address of each detector's file."""
    from gwosc.datasets import event_gps  # noqa: PLC0415 - seldom needed, and opens sessions
    from gwosc.locate import get_event_urls  # noqa: PLC0415

    with _talking(name, host):
        _probe(host)
        trigger_time = float(event_gps(name, host=host))
        with warnings.catch_warnings():
            # For a release without files of that length the client warns and names the others.
            warnings.simplefilter("ignore", UserWarning)
            found = get_event_urls(name, duration=duration, format="hdf5", sample_rate=sample_rate, host=host)
    # H-H1_GWOSC_4KHZ_R1-1126259447-32.hdf5
    urls = {Path(urlsplit(url).path).name.split("-")[1][:2]: url for url in sorted(found)}
    if not urls:
        raise InputError(
            f"{name}: expected strain at {sample_rate} Hz from {host}; got no files; try another sampling rate or give "
            "the files by --strain"
        )
    return trigger_time, urls


def _probe(host: str) -> None:
    """One quick request, because the client repeats ten times what times out."""
    import requests  # noqa: PLC0415

    requests.head(host, timeout=TIMEOUT)


@contextmanager
def _talking(name: str, host: str) -> Iterator[None]:
    """Say in one line what went wrong with the server, and what to do."""
    import requests  # noqa: PLC0415
    import tenacity  # noqa: PLC0415

    try:
        yield
    except requests.HTTPError as error:
        unknown = error.response is not None and error.response.status_code == requests.codes.not_found
        raise InputError(_unknown(name, host) if unknown else _unreachable(name, error)) from error
    except (OSError, tenacity.RetryError, KeyError, ValueError) as error:
        raise InputError(_unreachable(name, error)) from error


def _unknown(name: str, host: str) -> str:
    """Message for a name that the catalogues do not hold, with the names that look like it."""
    from gwosc.datasets import find_datasets  # noqa: PLC0415

    try:
        listed = find_datasets(type="events", host=host, pagesize=1000)
        known = {re.sub(r"-v\d+$", "", entry) for entry in listed}
    except (OSError, KeyError, ValueError):
        known = set()
    close = difflib.get_close_matches(name, sorted(known | set(events())), n=3)
    return f"expected an event of the open catalogues; got {name!r}; " + (
        f"close matches: {', '.join(close)}" if close else "see https://gwosc.org/eventapi for the names"
    )


def _unreachable(name: str, error: Exception) -> str:
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return (
        f"no such embedded event {name}, and GWOSC could not be reached: {reason}; embedded: {', '.join(events())}; "
        "or give --strain"
    )


def _download(name: str, host: str, url: str, path: Path, trigger_time: float) -> None:
    """Fetch one file beside its final name, check it, and rename it."""
    with write_atomically(path) as scratch:
        with _talking(name, host):
            _save(url, scratch)
        strain = read(scratch, path.stem)
        if not strain.start_time <= trigger_time < strain.end_time:
            raise InputError(
                f"{url}: expected strain around GPS {trigger_time}; got GPS {strain.start_time} to {strain.end_time}; "
                "give the files by --strain"
            )


def _save(url: str, path: Path) -> None:
    """Write what an address answers to a file."""
    import requests  # noqa: PLC0415

    with requests.get(url, stream=True, timeout=TIMEOUT) as answer, path.open("wb") as file:
        answer.raise_for_status()
        for chunk in answer.iter_content(1 << 20):
            file.write(chunk)
