"""Questions to the event interface of the Open Science Center (https://gwosc.org/api, version 2).

The `gwosc` client asks them. Whatever goes wrong - no network, a busy server, an answer of another layout - becomes an
`InputError` of one line.
"""

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import requests
from gwosc.api import v2

from chirpleaf.errors import InputError
from chirpleaf.strain.events import events
from chirpleaf.strain.gwosc.session import PatientSession

_EITHER_SIDE = 32
"""Time before and after a GPS time within which strain is asked for, seconds: a signal may lie at the end of a file."""

_DETECTOR = re.compile(r"[A-Z]\d")
_MARGINAL = ("marginal", "preliminary")


@dataclass(frozen=True)
class Listing:
    """What the server has of an event.

    Attributes:
        name: name of the event.
        trigger_time: GPS time, seconds.
        urls: detector name to the addresses of files of consecutive times.
    """

    name: str
    trigger_time: float
    urls: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class CatalogueEvent:
    """An event of a catalogue.

    Attributes:
        name: name of the event.
        version: name with the version of the data that the catalogue refers to, such as `GW200129_065458-v1`.
        trigger_time: GPS time, seconds.
    """

    name: str
    version: str
    trigger_time: float


class UnknownNameError(InputError):
    """The server has no event of this name."""


@dataclass(frozen=True)
class Archive:
    """The event interface of a server.

    Attributes:
        host: address of the server.
        session: asks it.
    """

    host: str
    session: PatientSession

    @property
    def _where(self) -> dict[str, Any]:
        return {"host": self.host, "session": self.session}

    def find_event(self, name: str, sample_rate: int, duration: int) -> Listing:
        """Looks up trigger time and strain files of an event.

        Args:
            name: its name, in any case, with or without version; the date alone if one event of that day is listed.
            sample_rate: sampling rate, Hz.
            duration: preferred length of the files, seconds. Releases since GWTC-4.0 have files of 4096 s alone.

        Raises:
            UnknownNameError: there is no such event; the message has close matches.
            InputError: there is no usable answer.
        """
        try:
            return self._find_exact(name, sample_rate, duration)
        except UnknownNameError as error:
            meant = self._find_meant(name)
            if meant is None or meant == name:
                raise UnknownNameError(self._describe_unknown(name)) from error
        return self._find_exact(meant, sample_rate, duration)

    def find_time(self, gps: float, sample_rate: int) -> Listing:
        """Looks up the strain files of an observing run around a time.

        Args:
            gps: GPS time, seconds.
            sample_rate: sampling rate, Hz.

        Raises:
            InputError: there is no usable answer.
        """
        name, start, end = f"GPS {gps}", math.floor(gps) - _EITHER_SIDE, math.floor(gps) + _EITHER_SIDE
        with self._explain(name):
            files = v2.fetch_run_strain_files(start=start, end=end, sample_rate=sample_rate, **self._where)
            return Listing(name, gps, _sort_by_detector(one["hdf5_url"] for one in self._limit(files)))

    def list_catalogues(self) -> tuple[str, ...]:
        """Names of the catalogues.

        Raises:
            InputError: there is no usable answer.
        """
        with self._explain("the catalogues"):
            return tuple(str(one["name"]) for one in self._limit(v2.fetch_catalogs(**self._where)))

    def list_events(self, catalogue: str) -> tuple[CatalogueEvent, ...]:
        """Events of a catalogue in the order of time; of several versions of one, the newest.

        Args:
            catalogue: its exact name.

        Raises:
            InputError: there is no usable answer.
        """
        with self._explain(f"catalogue {catalogue}"):
            answer = self._limit(v2.fetch_event_versions(catalogs=catalogue, pagesize=200, **self._where))
            found = [(int(one["version"]), CatalogueEvent(*_describe_event(one))) for one in answer]
        newest = {one.name: one for _, one in sorted(found, key=lambda pair: pair[0])}
        return tuple(sorted(newest.values(), key=lambda one: one.trigger_time))

    def _find_exact(self, name: str, sample_rate: int, duration: int) -> Listing:
        with self._explain(name, is_event=True):
            event = v2.fetch_event_version(name, **self._where)
            trigger_time = float(event["gps"])
            answer = v2.fetch_event_strain_data(name, sample_rate=sample_rate, duration=duration, **self._where)
            urls = [one["download_url"] for one in self._limit(answer)]
            if not urls:
                times = {"start": math.floor(trigger_time), "end": math.floor(trigger_time)}
                found = v2.fetch_run_strain_files(run=event["run"], sample_rate=sample_rate, **times, **self._where)
                urls = [one["hdf5_url"] for one in self._limit(found)]
            return Listing(name, trigger_time, _sort_by_detector(urls))

    def _find_meant(self, name: str) -> str | None:
        """The name of the server for one in another case, or for the date of a single event."""
        same = [known for known in self._names if known.casefold() == name.casefold()]
        that_day = [known for known in self._names if known.casefold().startswith(f"{name.casefold()}_")]
        return same[0] if same else that_day[0] if len(that_day) == 1 else None

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """Names of all events; those of candidates that are no detections come last."""
        try:
            with self._explain("the names of the events"):
                answer = list(self._limit(v2.fetch_event_versions(pagesize=200, **self._where)))
                weak = {re.sub(r"-v\d+$", "", one["shortName"]): _is_marginal(one) for one in answer}
        except InputError:  # the name is unknown all the same
            return ()
        return tuple(sorted(weak, key=lambda known: (weak[known], known)))

    def _describe_unknown(self, name: str) -> str:
        """Message for an unknown event, with similar names."""
        known = {one.casefold(): one for one in (*self._names, *events())}
        close = difflib.get_close_matches(name.casefold(), list(known), n=3)
        return f"expected an event of the open catalogues; got {name!r}; " + (
            f"close matches: {', '.join(known[one] for one in close)}"
            if close
            else "see https://gwosc.org/eventapi for the names"
        )

    def _limit(self, answer: Iterable[Any]) -> Iterator[Any]:
        """An answer in pages; those of a broken server may go on for ever."""
        most = self.session.settings.most_results
        for number, one in enumerate(islice(answer, most + 1)):
            if number == most:
                raise ValueError(f"more than {most} results")
            yield one

    @contextmanager
    def _explain(self, what: str, *, is_event: bool = False) -> Iterator[None]:
        """Converts errors of server, connection and layout to an `InputError` of one line."""
        try:
            yield
        except requests.HTTPError as error:
            missing = error.response is not None and error.response.status_code == requests.codes.not_found
            raise (
                UnknownNameError(f"no {what} at {self.host}")
                if missing
                else describe_failure(what, error, is_event=is_event)
            ) from error
        except requests.JSONDecodeError as error:
            raise self._describe_layout(what, "no JSON") from error
        except requests.RequestException as error:
            raise describe_failure(what, error, is_event=is_event) from error
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise self._describe_layout(what, f"{type(error).__name__}: {error}") from error

    def _describe_layout(self, what: str, reason: str) -> InputError:
        return InputError(
            f"expected the event interface of {self.host}, version 2, to tell of {what}; got an answer of another "
            f"layout ({_shorten(reason)}): update chirpleaf and gwosc, or give --strain"
        )


def describe_failure(what: str, error: Exception, *, is_event: bool = False) -> InputError:
    """The error for a server that cannot be reached or does not answer.

    Args:
        what: what was asked for.
        error: of `requests`.
        is_event: whether `what` is the name of an event, which may be meant to be an embedded one.
    """
    reason = _shorten(str(error) or type(error).__name__)
    if not is_event:
        return InputError(f"{what}: GWOSC could not be reached: {reason}; check the connection and try again")
    return InputError(
        f"no such embedded event {what}, and GWOSC could not be reached: {reason}; embedded: "
        f"{', '.join(events())}; or give --strain"
    )


def _shorten(reason: str) -> str:
    return " ".join(reason.split())[:120]


def _describe_event(one: Mapping[str, Any]) -> tuple[str, str, float]:
    """Name, name with version and GPS time of an event in a list."""
    version = str(one["shortName"])
    return re.sub(r"-v\d+$", "", version), version, float(one["gps"])


def _is_marginal(one: Mapping[str, Any]) -> bool:
    return any(word in str(one.get("catalog", "")).lower() for word in _MARGINAL)


def _sort_by_detector(urls: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Addresses by detector, in the order of time: H-H1_GWOSC_4KHZ_R1-1126259447-32.hdf5."""
    found: dict[str, dict[int, str]] = {}
    for url in urls:
        address = urlsplit(url)
        _, description, start, _ = PurePosixPath(address.path).name.split("-")
        detector = description[:2]
        if address.scheme not in ("http", "https") or not _DETECTOR.fullmatch(detector):
            raise ValueError(f"address {url}")
        found.setdefault(detector, {})[int(start)] = url
    return {name: tuple(own[start] for start in sorted(own)) for name, own in sorted(found.items())}
