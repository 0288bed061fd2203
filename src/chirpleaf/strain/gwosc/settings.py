"""Settings of requests to the Open Science Center, and the address of its server."""

import os
from dataclasses import dataclass

HOST = "https://gwosc.org"


@dataclass(frozen=True)
class RequestSettings:
    """Patience with a server: every request and every wait is bounded.

    Attributes:
        attempts: requests for one address. More of them outlast a longer trouble of the server or the line; a user of a
            server that is down waits longer for the message.
        timeout: time without a byte after which a request counts as failed, seconds. A shorter one fails on slow lines.
        first_wait: time before the second request, which doubles before each further one, seconds. Longer waits spare
            a busy server.
        longest_wait: longest time that a busy server may ask for (Retry-After), seconds. If it asks for more, the
            user is told at once.
        most_results: events or files that are read from an answer in pages. A server whose pages do not end would be
            read for ever; the catalogues have some hundreds of events.
        turn: time to wait for another process that fetches the same event, seconds. 240 MB take that long at 4 Mbit/s.
    """

    attempts: int = 4
    timeout: float = 20.0
    first_wait: float = 1.0
    longest_wait: float = 30.0
    most_results: int = 20_000
    turn: float = 600.0


DEFAULT_REQUESTS = RequestSettings()


def default_host() -> str:
    """Address of the server: `$GWOSC_SERVER_URL`, as for the `gwosc` client, by default https://gwosc.org."""
    return (os.environ.get("GWOSC_SERVER_URL") or HOST).rstrip("/")
