"""Open data over HTTP: a server on this machine that answers as the Open Science Center does."""

import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import h5py
import numpy as np
import pytest
from gwosc.api.v2 import JSON_CACHE

from chirpleaf.errors import InputError
from chirpleaf.strain.gwosc import cache_folder, fetch_event

NAME, TRIGGER, START = "GW200129_065458", 1264316116.4, 1264316101
DETECTORS = ("H1", "L1", "V1")
VALUES = np.random.default_rng(0).normal(scale=1e-21, size=32 * 128)


def strain_file(detector: str, start: float = START) -> bytes:
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        dataset = file.create_dataset("strain/Strain", data=VALUES)
        dataset.attrs.update(Xstart=start, Xspacing=1 / 128, Npoints=len(VALUES))
        file["meta/Detector"] = detector.encode()
    return memory.getvalue()


@dataclass
class Server:
    """A server with its files and a record of the requests."""

    host: str = ""
    short_files: bool = True
    status: int = 200
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    promised_length: int | None = None

    def answer(self, path: str, query: dict[str, list[str]]) -> object:
        """JSON of the interface, version 2; None if there is no such page."""
        versions = "/api/v2/event-versions"
        if path == versions:
            return self.catalogue(int(query.get("page", ["1"])[0]))
        if path == f"{versions}/{NAME}":
            return {"name": NAME, "gps": TRIGGER, "version": 1, "run": "O3b", "detectors": list(DETECTORS)}
        addresses = [f"{self.host}/archive/{name}" for name in self.files]
        if path == f"{versions}/{NAME}/strain-files":
            assert query["sample-rate"] == ["4"]
            assert query["duration"] == ["32"]
            return page([{"download_url": url} for url in addresses] if self.short_files else [])
        if path == "/api/v2/runs/O3b/strain-files":
            return page([{"hdf5_url": url} for url in addresses])
        return None

    def catalogue(self, number: int) -> dict[str, object]:
        names = (["GW200115_042309", "GW200128_022011"], [NAME, "GW200202_154313"])[number - 1]
        events = [
            {"shortName": f"{name}-v1", "name": name, "gps": TRIGGER, "version": 1, "catalog": "GWTC-3-confident"}
            for name in names
        ]
        return page(events, f"{self.host}/api/v2/event-versions?page=2" if number == 1 else None, pages=2)


def page(results: list[dict[str, object]], following: str | None = None, pages: int = 1) -> dict[str, object]:
    return {"results_count": len(results), "num_pages": pages, "next": following, "results": results}


def handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            server.asked.append(url.path)
            content = server.files.get(url.path.removeprefix("/archive/"))
            if content is None:
                found = server.answer(url.path, parse_qs(url.query))
                content = b"" if found is None else json.dumps(found).encode()
            self.send_response(server.status if content else 404)
            self.send_header("Content-Length", str(server.promised_length or len(content)))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    JSON_CACHE.clear()
    held = Server(files={f"{d[0]}-{d}_GWOSC_4KHZ_R1-{START}-32.hdf5": strain_file(d) for d in DETECTORS})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(held)) as http:
        held.host = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield held
        http.shutdown()
        thread.join()


def cached_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_an_event_is_fetched_once_and_needs_no_network_again(server: Server, tmp_path: Path) -> None:
    event, strains = fetch_event(NAME, host=server.host, cache=tmp_path)
    assert (event.name, event.trigger_time, event.detectors) == (NAME, TRIGGER, DETECTORS)
    assert "Open Science Center" in event.source
    for detector in DETECTORS:
        assert (strains[detector].detector, strains[detector].start_time) == (detector, START)
        np.testing.assert_array_equal(strains[detector].values, VALUES)
    assert cached_files(tmp_path) == ["H1.hdf5", "L1.hdf5", "V1.hdf5", "event.json"]
    server.asked.clear()
    again, cached = fetch_event(NAME, host=server.host, cache=tmp_path)
    assert again == event
    np.testing.assert_array_equal(cached["L1"].values, VALUES)
    assert server.asked == []


def test_names_may_be_in_lower_case(server: Server, tmp_path: Path) -> None:
    event, _ = fetch_event(NAME.lower(), host=server.host, cache=tmp_path)
    assert event.name == NAME
    server.asked.clear()
    assert fetch_event(NAME, host=server.host, cache=tmp_path)[0] == event
    assert server.asked == []


def test_a_damaged_cache_is_mended(server: Server, tmp_path: Path) -> None:
    fetch_event(NAME, host=server.host, cache=tmp_path)
    (damaged,) = tmp_path.rglob("L1.hdf5")
    damaged.write_bytes(damaged.read_bytes()[:1000])
    _, strains = fetch_event(NAME, host=server.host, cache=tmp_path)
    np.testing.assert_array_equal(strains["L1"].values, VALUES)


@pytest.mark.filterwarnings("error")
def test_releases_without_short_files_give_the_runs(server: Server, tmp_path: Path) -> None:
    server.short_files = False
    _, strains = fetch_event(NAME, host=server.host, cache=tmp_path)
    assert set(strains) == set(DETECTORS)
    assert "/api/v2/runs/O3b/strain-files" in server.asked


def test_an_unknown_event_is_answered_with_close_matches(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"got 'GW200129_06545'; close matches: .*{NAME}"):
        fetch_event("GW200129_06545", host=server.host, cache=tmp_path)
    with pytest.raises(InputError, match="close matches: GW150914"):
        fetch_event("GW150915", host=server.host, cache=tmp_path)
    assert cached_files(tmp_path) == []


def test_without_network_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    pattern = "no such embedded event GW190521, and GWOSC could not be reached: .*; embedded: GW150914, GW170814"
    with pytest.raises(InputError, match=f"{pattern}; or give --strain") as caught:
        fetch_event("GW190521", host="http://127.0.0.1:9", cache=tmp_path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 320


def test_a_server_in_trouble_is_reported(server: Server, tmp_path: Path) -> None:
    server.status = 503
    with pytest.raises(InputError, match="could not be reached"):
        fetch_event(NAME, host=server.host, cache=tmp_path)


def test_an_event_without_strain_is_refused(server: Server, tmp_path: Path) -> None:
    server.files.clear()
    with pytest.raises(InputError, match=r"expected strain at 4096 Hz .*; got no files"):
        fetch_event(NAME, host=server.host, cache=tmp_path)


@pytest.mark.parametrize("kept", [0.0005, 0.5, 0.999])
def test_a_file_cut_short_never_reaches_the_cache(server: Server, tmp_path: Path, kept: float) -> None:
    name = next(name for name in server.files if name.startswith("L"))
    server.files[name] = server.files[name][: int(kept * len(server.files[name]))]
    with pytest.raises(InputError, match="download it again"):
        fetch_event(NAME, host=server.host, cache=tmp_path)
    assert cached_files(tmp_path) == ["H1.hdf5"]


def test_a_connection_that_breaks_never_reaches_the_cache(server: Server, tmp_path: Path) -> None:
    fetch_event(NAME, host=server.host, cache=tmp_path)
    (record,) = tmp_path.rglob("event.json")
    record.unlink()
    (kept,) = tmp_path.rglob("H1.hdf5")
    kept.unlink()
    server.promised_length = 10**6
    server.asked.clear()
    with pytest.raises(InputError, match="could not be reached"):
        fetch_event(NAME, host=server.host, cache=tmp_path)
    assert server.asked == [f"/archive/{next(iter(server.files))}"]
    assert cached_files(tmp_path) == ["L1.hdf5", "V1.hdf5"]


def test_strain_of_another_time_or_detector_is_refused(server: Server, tmp_path: Path) -> None:
    names = list(server.files)
    server.files[names[0]] = strain_file("H1", start=START + 4096)
    with pytest.raises(InputError, match=rf"expected strain around GPS {TRIGGER}"):
        fetch_event(NAME, host=server.host, cache=tmp_path)
    server.files[names[0]] = strain_file("L1")
    with pytest.raises(InputError, match="expected strain of H1; got that of L1"):
        fetch_event(NAME, host=server.host, cache=tmp_path)
    assert cached_files(tmp_path) == []


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "GW 1", "/tmp/x", "."])
def test_what_is_no_name_never_becomes_a_path(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the name of an event"):
        fetch_event(name, host="http://127.0.0.1:9", cache=tmp_path)


def test_the_cache_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHIRPLEAF_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("CHIRPLEAF_CACHE")
    assert cache_folder().parts[-2:] == (".cache", "chirpleaf")
