"""Opens the port and serves until SIGINT, SIGTERM or SIGHUP; then all jobs are ended and nothing stays behind."""

import signal
import socket
from asyncio import TimerHandle, Transport
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from chirpleaf.errors import InputError
from chirpleaf.server.api import create_app
from chirpleaf.server.guard import LOOPBACK_NAMES, Guard
from chirpleaf.server.service import Service
from chirpleaf.server.settings import ServerSettings
from chirpleaf.server.worker import run_worker

SHUTDOWN_SECONDS = 3
"""Time that open connections get to end; answers that are being sent are cut off after it."""


def open_port(host: str, port: int) -> socket.socket:
    """Opens a port.

    Args:
        host: name or address of this machine.
        port: number; 0 for any that is free.

    Raises:
        InputError: it is in use, or cannot be opened.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"expected an address that can be opened; got {host}:{port} ({reason}): choose another by --host and --port"
        ) from error


def list_names(host: str, further: tuple[str, ...] = ()) -> frozenset[str]:
    """Names by which clients may ask for a server.

    Args:
        host: address that the server is bound to.
        further: other names that the user allows.
    """
    own = () if host in ("0.0.0.0", "::") else (host.lower(),)
    return LOOPBACK_NAMES | {*own, *(name.lower() for name in further)}


def serve(
    port: socket.socket,
    settings: ServerSettings,
    names: frozenset[str] = LOOPBACK_NAMES,
    target: Callable[[Connection], object] = run_worker,
) -> None:
    """Serves until the process gets SIGINT, SIGTERM or SIGHUP.

    Args:
        port: an open port; it is closed at the end.
        settings: limits.
        names: names by which clients may ask for the server.
        target: what a worker process runs.

    Raises:
        InputError: no folder can be made for the jobs.
    """
    service = Service(settings, target)

    class Protocol(PatientProtocol):
        header_seconds = settings.header_seconds

    config = uvicorn.Config(
        Guard(create_app(service), settings, names),
        http=Protocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.connections,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    try:
        _Server(config).run(sockets=[port])
    finally:
        service.stop()
        port.close()


class PatientProtocol(H11Protocol):
    """Closes connections on which no request arrives in time: clients that send a byte a minute hold no place."""

    header_seconds = 10.0
    _timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begins to wait for a request."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.header_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the waiting."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Closes the connection unless a request is being answered."""
        cycle = cast(Any, self).cycle
        if cycle is None or cycle.response_complete:
            self.transport.close()
        else:
            self._timer = self.loop.call_later(self.header_seconds, self._look)


class _Server(uvicorn.Server):
    """A server for which a signal is the normal end; uvicorn's own would end the process by it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handles SIGINT and SIGTERM while the server runs, and SIGHUP unless it is ignored, as under `nohup`."""
        hangup = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
        former = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM, *hangup)}
        try:
            yield
        finally:
            for one, handler in former.items():
                signal.signal(one, handler)
