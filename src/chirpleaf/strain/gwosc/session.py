"""Requests that are repeated a bounded number of times, and downloads that are checked by size and digest.

The `gwosc` client asks through this session. By itself it would wait as long as a server asks it to, ten times.
"""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import requests
from urllib3.exceptions import NewConnectionError

from chirpleaf.strain.gwosc.settings import DEFAULT_REQUESTS, RequestSettings
from chirpleaf.system.progress import report_progress

Answer = TypeVar("Answer")

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Codes of HTTP after which a request is repeated."""

_PART = 1 << 20
"""Bytes that are written at once."""

_DIGESTS = {"md5": "md5", "sha": "sha1", "sha-256": "sha256", "sha-512": "sha512"}
"""Names of digests in HTTP (RFC 3230, RFC 9530) and in hashlib."""


class BusyServerError(requests.RequestException):
    """The server answers that it cannot serve the request now.

    Args:
        answer: the response.
    """

    def __init__(self, answer: requests.Response) -> None:
        asked = answer.headers.get("Retry-After", "")
        self.wait = float(asked) if re.fullmatch(r"\d{1,9}", asked) else 0.0
        then = f", asks to wait {self.wait:.0f} s" if self.wait else ""
        super().__init__(f"the server answers {answer.status_code} {answer.reason}{then}", response=answer)


class BrokenDownloadError(requests.RequestException):
    """A download has another size or digest than the server states."""


class NoAnswerError(requests.RequestException):
    """The server did not answer in time."""


class PatientSession(requests.Session):
    """A session that repeats requests after timeouts, cut connections and answers of a busy server.

    Args:
        settings: number of requests and length of waits.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self, settings: RequestSettings = DEFAULT_REQUESTS, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        super().__init__()
        self.settings, self._sleep = settings, sleep
        # Sizes and digests are those of the file itself, not of a compressed form of it.
        self.headers["Accept-Encoding"] = "identity"

    def get(self, url: Any, **keywords: Any) -> requests.Response:  # type: ignore[override]
        """As `requests.Session.get`, with the time limit of the settings.

        Raises:
            requests.RequestException: no attempt was answered; never `requests.Timeout`, which the `gwosc` client
                would take for a reason to ask again.
        """
        return self._repeat(lambda: self._get_once(url, **keywords))

    def download(self, url: str, path: Path, label: str) -> str:
        """Saves a file, and compares its size and digest with those that the server states.

        Args:
            url: its address.
            path: where it is written.
            label: what progress reports call it.

        Returns:
            SHA-256 of the content.

        Raises:
            requests.RequestException: no attempt succeeded.
            OSError: the file cannot be written.
        """
        return self._repeat(lambda: self._save_once(url, path, label))

    def _get_once(self, url: str, **keywords: Any) -> requests.Response:
        answer = super().get(url, **{**keywords, "timeout": self.settings.timeout})
        if answer.status_code in TRANSIENT:
            answer.close()
            raise BusyServerError(answer)
        return answer

    def _save_once(self, url: str, path: Path, label: str) -> str:
        with self._get_once(url, stream=True) as answer:
            answer.raise_for_status()
            promised = answer.headers.get("Content-Length", "")
            total = int(promised) if promised.isdigit() else 0
            digests = dict(_list_digests(answer))
            hashes = {name: hashlib.new(name) for name in {"sha256", *digests}}
            done = 0
            with path.open("wb") as file:
                for part in answer.iter_content(_PART):
                    file.write(part)
                    for one in hashes.values():
                        one.update(part)
                    done += len(part)
                    report_progress(label, done, max(total, done))
        if total and done != total:
            raise BrokenDownloadError(f"{done:,} bytes of {total:,} arrived")
        for name, digest in digests.items():
            if hashes[name].digest() != digest:
                raise BrokenDownloadError(f"the {name} of what arrived is not the one that the server states")
        return hashes["sha256"].hexdigest()

    def _repeat(self, attempt: Callable[[], Answer]) -> Answer:
        """Repeats an attempt while there is hope."""
        for number in range(self.settings.attempts):
            wait = self.settings.first_wait * 2**number
            last = number + 1 == self.settings.attempts
            try:
                return attempt()
            except BusyServerError as error:
                if last or error.wait > self.settings.longest_wait:
                    raise
                wait = max(wait, error.wait)
            except requests.ConnectTimeout as error:
                raise NoAnswerError(f"no connection within {self.settings.timeout:g} s") from error
            except requests.Timeout as error:
                if last:
                    raise NoAnswerError(f"no answer within {self.settings.timeout:g} s, {number + 1} times") from error
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, BrokenDownloadError) as error:
                if last or _is_unreachable(error):
                    raise
            self._sleep(min(wait, self.settings.longest_wait))
        raise AssertionError("the last attempt returns or raises")


def _is_unreachable(error: Exception) -> bool:
    """Whether there is no such server or no network, so that another attempt would fail in the same way."""
    return any(isinstance(getattr(cause, "reason", None), NewConnectionError) for cause in error.args)


def _list_digests(answer: requests.Response) -> Iterator[tuple[str, bytes]]:
    """Digests of the file that the server states in a header: name in hashlib and value."""
    stated = answer.headers.get("Content-MD5")
    pairs = [f"md5={stated}"] if stated else []
    pairs += [one for header in ("Digest", "Repr-Digest") for one in answer.headers.get(header, "").split(",")]
    for pair in pairs:
        name, _, value = pair.strip().partition("=")
        known = _DIGESTS.get(name.lower())
        try:
            if known:
                yield known, base64.b64decode(value.strip(":"), validate=True)
        except ValueError:
            continue
