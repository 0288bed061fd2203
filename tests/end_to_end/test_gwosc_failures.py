"""Open data when something goes wrong: one line each, whole files or none, and no wait without end."""

import errno
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import requests
from open_data import NAME, QUICK, START, TRIGGER, VALUES, Server, cached_files, file_name, strain_file

from chirpleaf.errors import InputError
from chirpleaf.strain import gwosc
from chirpleaf.strain.gwosc.session import PatientSession

fetch_event = partial(gwosc.fetch_event, settings=QUICK)


def assert_refused(server: Server, cache: Path, pattern: str, left: tuple[str, ...] = ()) -> None:
    with pytest.raises(InputError, match=pattern) as caught:
        fetch_event(NAME, host=server.host, cache=cache)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert cached_files(cache) == list(left)


def test_without_network_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    pattern = "no such embedded event GW190521, and GWOSC could not be reached: .*; embedded: GW150914, GW170814"
    with pytest.raises(InputError, match=f"{pattern}; or give --strain") as caught:
        gwosc.fetch_event("GW190521", host="http://127.0.0.1:9", cache=tmp_path)
    assert len(str(caught.value)) < 320
    with pytest.raises(InputError, match=r"^the catalogues: GWOSC could not be reached: .*; check the con"):
        gwosc.fetch_catalogue("GWTC-3", host="http://127.0.0.1:9", cache=tmp_path)


@pytest.mark.parametrize("trouble", [429, 500, 503, "hang", "cut", "digest"])
def test_troubles_that_pass_are_outlasted(server: Server, tmp_path: Path, trouble: int | str) -> None:
    server.troubles = [trouble] * (QUICK.attempts - 1)
    _, strains = fetch_event(NAME, host=server.host, cache=tmp_path)
    np.testing.assert_array_equal(strains["H1"].values, VALUES)
    assert server.asked.count(f"/archive/{file_name('H1')}") == QUICK.attempts


@pytest.mark.parametrize(
    ("trouble", "pattern"),
    [
        (429, "could not be reached: the server answers 429 Too Many Requests"),
        (503, "could not be reached: the server answers 503 Service Unavailable"),
        (404, "could not be reached: 404 Client Error"),
        ("hang", "could not be reached: no answer within 0.3 s, 3 times"),
        ("cut", r"could not be reached: .*(IncompleteRead|bytes of)"),
        ("digest", "could not be reached: the sha256 of what arrived is not the one that the server states"),
    ],
)
def test_troubles_of_a_download_that_stay_are_reported(
    server: Server, tmp_path: Path, trouble: int | str, pattern: str
) -> None:
    server.troubles = [200, *[trouble] * QUICK.attempts]
    assert_refused(server, tmp_path, pattern, ("H1.hdf5",))


@pytest.mark.parametrize(
    ("trouble", "pattern"),
    [(503, "answers 503"), ("hang", "no answer within 0.3 s, 3 times"), ("cut", "could not be reached")],
)
def test_troubles_of_the_interface_that_stay_are_reported(
    server: Server, tmp_path: Path, trouble: int | str, pattern: str
) -> None:
    server.api_troubles = [trouble] * QUICK.attempts
    assert_refused(server, tmp_path, pattern)
    assert len(server.asked) == QUICK.attempts


def test_a_server_that_asks_for_a_long_wait_is_not_waited_for(server: Server, tmp_path: Path) -> None:
    server.api_troubles, server.retry_after = [429], "3600"
    assert_refused(server, tmp_path, "answers 429 Too Many Requests, asks to wait 3600 s")
    assert len(server.asked) == 1


def test_waits_double_and_respect_the_server(server: Server) -> None:
    waits: list[float] = []
    server.api_troubles, server.retry_after = [503, 503, 503], "3"
    session = PatientSession(sleep=waits.append)
    assert session.get(f"{server.host}/api/v2/catalogs").status_code == requests.codes.ok
    assert waits == [3.0, 3.0, 4.0]


@pytest.mark.parametrize(
    "changed",
    [
        b"<html>maintenance</html>",
        [],
        {"name": NAME},
        {"gps": None},
        {"gps": TRIGGER, "results": [], "next": None},
        {"gps": TRIGGER, "num_pages": 1, "next": None, "results": [{"url": "x"}]},
        {"gps": TRIGGER, "num_pages": 1, "next": None, "results": [{"download_url": "http://x/strain.hdf5"}]},
        {"gps": TRIGGER, "num_pages": 1, "next": None, "results": [{"download_url": "file:///H-H1_4-1-32.hdf5"}]},
        {"gps": TRIGGER, "num_pages": 1, "next": None, "results": [{"download_url": "http://x/H-../1-1-32.hdf5"}]},
    ],
)
def test_a_changed_layout_is_reported(server: Server, tmp_path: Path, changed: object) -> None:
    server.change = lambda _: changed
    assert_refused(server, tmp_path, "got an answer of another layout .*: update chirpleaf and gwosc, or give --strain")


def test_pages_without_end_are_left(server: Server, tmp_path: Path) -> None:
    own = f"{server.host}/api/v2/event-versions/{NAME}/strain-files?sample-rate=4&file-format=hdf&duration=32"
    results = [{"download_url": f"{server.host}/archive/{file_name('H1')}"}]
    server.change = lambda _: {"gps": TRIGGER, "num_pages": 1, "next": own, "results": results}
    assert_refused(server, tmp_path, "another layout .*more than 20000 results")


def test_an_event_without_strain_is_refused(server: Server, tmp_path: Path) -> None:
    server.files.clear()
    assert_refused(server, tmp_path, r"expected strain at 4096 Hz .*; got no files")


@pytest.mark.parametrize("kept", [0.0005, 0.5, 0.999])
def test_a_file_cut_short_never_reaches_the_cache(server: Server, tmp_path: Path, kept: float) -> None:
    name = file_name("L1")
    server.files[name] = server.files[name][: int(kept * len(server.files[name]))]
    assert_refused(server, tmp_path, "download it again", ("H1.hdf5",))


def test_strain_of_another_time_or_detector_is_refused(server: Server, tmp_path: Path) -> None:
    server.files[file_name("H1")] = strain_file("H1", start=START + 4096)
    assert_refused(server, tmp_path, rf"expected strain of H1 around GPS {TRIGGER}")
    server.files[file_name("H1")] = strain_file("L1")
    assert_refused(server, tmp_path, "expected strain of H1; got that of L1")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [flip, Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:1000])])
def test_a_damaged_cache_is_mended_or_said_to_be_damaged(server: Server, tmp_path: Path, damage: object) -> None:
    fetch_event(NAME, host=server.host, cache=tmp_path)
    (path,) = tmp_path.rglob("L1.hdf5")
    damage(path)  # type: ignore[operator]
    with pytest.raises(
        InputError, match=r"as --offline uses nothing else; got L1.hdf5 (has|cannot).*: run once without"
    ):
        fetch_event(NAME, cache=tmp_path, offline=True)
    _, strains = fetch_event(NAME, host=server.host, cache=tmp_path)
    np.testing.assert_array_equal(strains["L1"].values, VALUES)


def test_a_damaged_record_is_mended(server: Server, tmp_path: Path) -> None:
    fetch_event(NAME, host=server.host, cache=tmp_path)
    (record,) = tmp_path.rglob("event.json")
    for text in ("{", "[]", '{"name": "x", "trigger_time": 1, "files": {}}', '{"files": {"H1": [{}]}}'):
        record.write_text(text)
        with pytest.raises(InputError, match="run once without"):
            fetch_event(NAME, cache=tmp_path, offline=True)
    assert fetch_event(NAME, host=server.host, cache=tmp_path)[0].name == NAME


def test_a_full_disk_is_reported_as_such(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _: bytes) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None:
            return None

    usual = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode="r", **own: Full() if mode == "wb" else usual(path, mode, **own)
    )
    assert_refused(
        server, tmp_path, "expected room for .*H1.hdf5; got No space left on device: make room, or set CHIRP"
    )


def test_a_cache_that_cannot_be_made_is_reported(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(
        InputError, match=r"expected a cache folder that can be written to; got .*: set CHIRPLEAF_CACHE"
    ):
        fetch_event(NAME, host=server.host, cache=file)


FETCH = """
import sys, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from chirpleaf.strain.gwosc import fetch_event
print(fetch_event(sys.argv[1], host=sys.argv[2], cache=Path(sys.argv[3]))[1]["V1"].values.sum())
"""


def test_two_processes_fetch_the_same_event_once(server: Server, tmp_path: Path) -> None:
    server.pause = 0.3
    command = [sys.executable, "-c", FETCH, NAME, server.host, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in processes:
        printed, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
        assert float(printed) == pytest.approx(VALUES.sum())
    assert cached_files(tmp_path) == ["H1.hdf5", "L1.hdf5", "V1.hdf5", "event.json"]
    assert sum("archive" in path for path in server.asked) == 3
