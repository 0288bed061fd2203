"""What stands before the API: who may ask, how much and for how long, and the headers of every answer.

The server has no passwords: it trusts the person at this machine. A page of another site in that person's browser must
not use it. Therefore the name that a request asks for must be one of this server's (a foreign name that resolves to
this machine is DNS rebinding), and a request that changes something must come from this server's page, or from none.
"""

import asyncio
import ipaddress
import time
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chirpleaf.server.settings import ServerSettings
from chirpleaf.system.limits import show_bytes

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What the page may load: its own files."""

HEADERS: Mapping[str, str] = {
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
"""Headers of every answer that does not set its own."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone.

    Args:
        host: a name or an address.

    Example:
        >>> is_loopback("127.0.0.2"), is_loopback("0.0.0.0")
        (True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_host(value: str) -> str | None:
    """The name in a Host header, in lower case and without port and brackets; None if it is none.

    Args:
        value: the header.

    Example:
        >>> parse_host("[::1]:8000"), parse_host("Localhost"), parse_host("a@b")
        ('::1', 'localhost', None)
    """
    try:
        parts = urlsplit(f"//{value}")
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        return None
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname


class Guard:
    """ASGI middleware that refuses what must not reach the API, and adds the headers to what leaves it.

    Args:
        app: the API.
        settings: limits of the body.
        hosts: names by which clients may ask for this server, in lower case.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings, hosts: frozenset[str] = LOOPBACK_NAMES) -> None:
        self._app, self._settings, self._hosts = app, settings, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; other kinds of connections pass, or are closed."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    own.setdefault(name, value)
            await send(message)

        refusal = self._refuse(scope["method"], headers)
        if refusal is not None:
            await refusal(scope, receive, answer)
            return
        limit = _Body(receive, self._find_limit(headers), self._settings.upload_seconds)
        await self._app(scope, limit.receive, answer)

    def _refuse(self, method: str, headers: Headers) -> JSONResponse | None:
        """The answer to a request that goes no further; None if it may."""
        hosts = headers.getlist("host")
        name = parse_host(hosts[0]) if len(hosts) == 1 else None
        if name not in self._hosts:
            message = "expected a name of this server in the header Host: open it by the address that it printed"
            return refuse(HTTPStatus.MISDIRECTED_REQUEST, "host", message)
        if method not in SAFE_METHODS and not _comes_from_here(headers, hosts[0]):
            message = "expected a request of this server's own page or of a program; got one of another site's page"
            return refuse(HTTPStatus.FORBIDDEN, "origin", message)
        if headers.get("content-encoding", "identity") != "identity":
            message = "expected a body that is not compressed: strain files may be gzipped, requests may not"
            return refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "encoding", message)
        limit, length = self._find_limit(headers), headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > limit:
            return refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", _explain_limit(limit))
        return None

    def _find_limit(self, headers: Headers) -> int:
        """Largest size of a body, bytes."""
        form = headers.get("content-type", "").lower().startswith("multipart/form-data")
        return self._settings.upload_bytes if form else self._settings.json_bytes


def refuse(status: HTTPStatus, code: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An answer that says why a request is refused, after which the connection is closed.

    Args:
        status: the status.
        code: kind of the refusal.
        message: one line for the client.
        headers: further headers.
    """
    # The body of the request is not read; the next request would begin in the middle of it.
    return JSONResponse({"code": code, "message": message}, status, {"connection": "close", **(headers or {})})


def _explain_limit(limit: int) -> str:
    return f"expected a body of at most {show_bytes(limit)}: send shorter strain, or use `chirpleaf infer`"


def _comes_from_here(headers: Headers, host: str) -> bool:
    """Whether a request comes from a page of this server, or from a program, which has no origin."""
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return False
    origin = headers.get("origin")
    return origin is None or origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower())


class _Body:
    """The body of a request, which must not be longer, nor take longer, than allowed."""

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive, self._limit, self._seconds = receive, limit, seconds
        self._deadline = time.monotonic() + seconds
        self._read, self._complete = 0, False

    async def receive(self) -> Message:
        """The next part of the body.

        Raises:
            HTTPException: it is too long (413) or too late (408).
        """
        if self._complete:
            return await self._receive()
        close = {"connection": "close"}
        try:
            message = await asyncio.wait_for(self._receive(), max(self._deadline - time.monotonic(), 0.0))
        except TimeoutError as error:
            late = (
                f"expected the whole request within {self._seconds:g} s: use a faster connection, or `chirpleaf infer`"
            )
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, late, close) from error
        self._complete = message["type"] != "http.request" or not message.get("more_body", False)
        self._read += len(message.get("body", b""))
        if self._read > self._limit:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _explain_limit(self._limit), close)
        return message
