"""A server on this machine that answers as the Open Science Center does, and fails as servers and networks do."""

import base64
import hashlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import h5py
import numpy as np
from gwosc.api.v2 import JSON_CACHE

from chirpleaf.strain.gwosc.settings import RequestSettings

NAME, TRIGGER, START = "GW200129_065458", 1264316116.4, 1264316101
DETECTORS = ("H1", "L1", "V1")
VALUES = np.random.default_rng(0).normal(scale=1e-21, size=32 * 128)
QUICK = RequestSettings(attempts=3, timeout=0.3, first_wait=0.0)
"""Patience of the tests."""

CATALOGUES = ("GWTC-2.1-confident", "GWTC-3-confident", "GWTC-3-marginal")
LISTED = ("GW200115_042309", "GW200128_022011", NAME, "GW200202_154313", "GW200202_160000")


def strain_file(detector: str, start: float = START) -> bytes:
    """A strain file of 32 s."""
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        dataset = file.create_dataset("strain/Strain", data=VALUES)
        dataset.attrs.update(Xstart=start, Xspacing=1 / 128, Npoints=len(VALUES))
        file["meta/Detector"] = detector.encode()
    return memory.getvalue()


def file_name(detector: str, start: int = START) -> str:
    """Its name."""
    return f"{detector[0]}-{detector}_GWOSC_4KHZ_R1-{start}-32.hdf5"


@dataclass
class Server:
    """A server with its files and a record of the requests.

    Attributes:
        host: its address.
        short_files: whether events have files of 32 s.
        files: name to content.
        asked: paths of all requests.
        troubles: what goes wrong with the next requests of a file: a code, "hang", "cut" or "digest".
        api_troubles: the same for the next questions to the interface.
        retry_after: header of busy answers.
        change: alters an answer of the interface before it is sent.
        pause: seconds before a file is sent.
    """

    host: str = ""
    short_files: bool = True
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    troubles: list[int | str] = field(default_factory=list)
    api_troubles: list[int | str] = field(default_factory=list)
    retry_after: str = "0"
    change: Callable[[object], object] = lambda answer: answer
    pause: float = 0.0

    def answer(self, path: str, query: dict[str, list[str]]) -> object:
        """JSON of the interface, version 2; None if there is no such page."""
        versions = "/api/v2/event-versions"
        if path == "/api/v2/catalogs":
            return page([{"name": name} for name in CATALOGUES])
        if path == versions:
            return self.list_events(int(query.get("page", ["1"])[0]), query.get("release", [""])[0])
        addresses = [f"{self.host}/archive/{name}" for name in self.files]
        for name in (NAME, f"{NAME}-v1"):
            if path == f"{versions}/{name}":
                return {"name": NAME, "gps": TRIGGER, "version": 1, "run": "O3b", "detectors": list(DETECTORS)}
            if path == f"{versions}/{name}/strain-files":
                assert query["sample-rate"] == ["4"]
                assert query["duration"] == ["32"]
                return page([{"download_url": url} for url in addresses] if self.short_files else [])
        if path in ("/api/v2/runs/O3b/strain-files", "/api/v2/strain-files"):
            return page([{"hdf5_url": url} for url in addresses])
        return None

    def list_events(self, number: int, release: str) -> dict[str, object]:
        """A page of events; there are two."""
        names = LISTED[:2] if number == 1 else LISTED[2:]
        events = [
            {"shortName": f"{name}-v1", "name": name, "gps": TRIGGER + at, "version": 1, "catalog": "GWTC-3-confident"}
            for at, name in enumerate(names, number)
            if release in ("", "GWTC-3-confident")
        ]
        following = f"{self.host}/api/v2/event-versions?page=2&release={release}"
        return page(events, following if number == 1 else None, pages=2)


def page(results: list[dict[str, object]], following: str | None = None, pages: int = 1) -> dict[str, object]:
    """An answer in pages."""
    return {"results_count": len(results), "num_pages": pages, "next": following, "results": results}


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            server.asked.append(url.path)
            content = server.files.get(url.path.removeprefix("/archive/"))
            troubles = server.api_troubles if content is None else server.troubles
            trouble = troubles.pop(0) if troubles else 200
            if content is None:
                found = server.change(server.answer(url.path, parse_qs(url.query)))
                content = b"" if found is None else found if isinstance(found, bytes) else json.dumps(found).encode()
            else:
                time.sleep(server.pause)
            if trouble == "hang":
                time.sleep(3 * QUICK.timeout)
            status = trouble if isinstance(trouble, int) else 200
            self.send_response(status if content else 404)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Retry-After", server.retry_after)
            digest = hashlib.sha256(content + b"?" * (trouble == "digest")).digest()
            self.send_header("Digest", f"SHA-256={base64.b64encode(digest).decode()}")
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if trouble == "cut" else content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def finish(self) -> None:
            try:
                super().finish()
            except OSError:
                return  # the client has given up

    return Handler


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that have given up."""


def cached_files(folder: Path) -> list[str]:
    """Names of all files in a folder, sorted."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@contextmanager
def serve() -> Iterator[Server]:
    """A running server with the files of one event."""
    JSON_CACHE.clear()
    held = Server(files={file_name(detector): strain_file(detector) for detector in DETECTORS})
    with _QuietServer(("127.0.0.1", 0), _handler(held)) as http:
        held.host = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield held
        finally:
            http.shutdown()
            thread.join()
            JSON_CACHE.clear()
