"""Download of events from the Gravitational Wave Open Science Center, with a cache.

The `gwosc` client looks up the trigger time and the addresses of the strain files. Each file is downloaded under a
temporary name, read as a check, and then renamed, so that an incomplete download is never used. A record, `event.json`,
is written last; an event with a record in the cache is loaded without internet access.

The cache folder is `$CHIRPLEAF_CACHE`, by default `~/.cache/chirpleaf`. It can be deleted at any time.
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
"""Seconds without a response after which the server counts as unreachable."""

SOURCE = "Gravitational Wave Open Science Center (https://gwosc.org), CC BY 4.0"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]*")


def cache_folder() -> Path:
    """Folder for downloaded strain: `$CHIRPLEAF_CACHE`, by default `~/.cache/chirpleaf`."""
    return Path(os.environ.get("CHIRPLEAF_CACHE") or Path.home() / ".cache" / "chirpleaf")


def fetch_event(
    name: str,
    *,
    sample_rate: int = 4096,
    duration: int = 32,
    host: str = HOST,
    cache: Path | None = None,
) -> tuple[Event, dict[str, Strain]]:
    """Fetch the strain of an event of the open catalogues, from the cache if possible.

    Releases since GWTC-4.0 provide files of 4096 s only (120 MB per detector).

    Args:
        name: name of the event, such as `"GW190521"` or `"GW200129_065458"`; GW may be in lower case.
        sample_rate: sampling rate of the release in Hz, 4096 or 16384.
        duration: preferred length of the files in s, 32 or 4096; the release's own length if it has no such files.
        host: address of the server.
        cache: folder for the files; by default `cache_folder()`.

    Returns:
        The event, and its strain by detector.

    Raises:
        InputError: if the event is unknown, the server cannot be reached, or it has no usable strain of the event.

    Source:
        https://gwosc.org/api; arXiv:1912.11716, arXiv:2302.03676.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"expected the name of an event, such as GW190521; got {name!r}; correct the name")
    name = re.sub(r"^gw(?=\d)", "GW", name, flags=re.IGNORECASE)
    folder = (cache or cache_folder()) / "gwosc" / name / f"{sample_rate}-{duration}"
    cached = _read_cache(folder)
    if cached is not None:
        return cached
    trigger_time, urls = _locate(name, sample_rate, duration, host)
    folder.mkdir(parents=True, exist_ok=True)
    for detector, url in urls.items():
        _download(name, host, url, folder / f"{detector}.hdf5", trigger_time)
    record = {"name": name, "trigger_time": trigger_time, "detectors": list(urls), "urls": urls}
    with write_atomically(folder / "event.json") as scratch:
        scratch.write_text(json.dumps(record))
    fetched = _read_cache(folder)
    assert fetched is not None
    return fetched


def _read_cache(folder: Path) -> tuple[Event, dict[str, Strain]] | None:
    """Read an event from the cache; None if it is incomplete or unreadable."""
    try:
        record = json.loads((folder / "event.json").read_text())
        event = Event(record["name"], float(record["trigger_time"]), tuple(record["detectors"]), SOURCE)
        return event, {detector: read(folder / f"{detector}.hdf5", detector) for detector in event.detectors}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _locate(name: str, sample_rate: int, duration: int, host: str) -> tuple[float, dict[str, str]]:
    """Look up the trigger time (GPS, s) of an event and the address of each detector's file."""
    from gwosc.datasets import event_gps  # noqa: PLC0415 - rarely needed, and opens sessions
    from gwosc.locate import get_event_urls  # noqa: PLC0415

    with _convert_errors(name, host):
        _check_server(host)
        trigger_time = float(event_gps(name, host=host))
        with warnings.catch_warnings():
            # If the release has no files of this length, the client warns and returns the others.
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


def _check_server(host: str) -> None:
    """Send one short request, because the client repeats a request ten times after a timeout."""
    import requests  # noqa: PLC0415

    requests.head(host, timeout=TIMEOUT)


@contextmanager
def _convert_errors(name: str, host: str) -> Iterator[None]:
    """Convert errors of the server or the connection to an `InputError` of one line."""
    import requests  # noqa: PLC0415
    import tenacity  # noqa: PLC0415

    try:
        yield
    except requests.HTTPError as error:
        unknown = error.response is not None and error.response.status_code == requests.codes.not_found
        raise InputError(_describe_unknown_event(name, host) if unknown else _describe_failure(name, error)) from error
    except (OSError, tenacity.RetryError, KeyError, ValueError) as error:
        raise InputError(_describe_failure(name, error)) from error


def _describe_unknown_event(name: str, host: str) -> str:
    """Message for an unknown event, with similar names."""
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


def _describe_failure(name: str, error: Exception) -> str:
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return (
        f"no such embedded event {name}, and GWOSC could not be reached: {reason}; embedded: {', '.join(events())}; "
        "or give --strain"
    )


def _download(name: str, host: str, url: str, path: Path, trigger_time: float) -> None:
    """Download one file under a temporary name, check it, and rename it."""
    with write_atomically(path) as scratch:
        with _convert_errors(name, host):
            _save_response(url, scratch)
        strain = read(scratch, path.stem)
        if not strain.start_time <= trigger_time < strain.end_time:
            raise InputError(
                f"{url}: expected strain around GPS {trigger_time}; got GPS {strain.start_time} to {strain.end_time}; "
                "give the files by --strain"
            )


def _save_response(url: str, path: Path) -> None:
    """Write the response of an address to a file."""
    import requests  # noqa: PLC0415

    with requests.get(url, stream=True, timeout=TIMEOUT) as answer, path.open("wb") as file:
        answer.raise_for_status()
        for chunk in answer.iter_content(1 << 20):
            file.write(chunk)
