"""Servers as processes of their own: slow clients, signals, what is left behind, and one with a real worker."""

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import h5py
import psutil
import pytest
from waiting import SECONDS, wait_until

from chirpleaf.strain import load_event

PROGRAM = Path(__file__).parent / "programs" / "serve_made.py"


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        sent = json.dumps(body) if isinstance(body, dict) else body
        connection.request(method, path, sent, {"Content-Type": "application/json", **headers} if sent else headers)
        response = connection.getresponse()
        content = response.read()
        kind = response.getheader("content-type", "")
        return response.status, json.loads(content) if kind.startswith("application/json") else content
    finally:
        connection.close()


@contextmanager
def running(*command: object) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server, once a worker is ready; its port is the last number of its first line."""
    ran = [sys.executable, *map(str, command)]
    with subprocess.Popen(ran, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            port = int(re.findall(r"\d{4,5}", line)[-1])
            wait_until(lambda: ask(port, "GET", "/healthz")[0] == 200, "no worker is ready")
            yield server, port
        finally:
            server.kill()


def receive(client: socket.socket) -> bytes:
    """Everything until the server closes the connection."""
    client.settimeout(SECONDS)
    content = b""
    while part := client.recv(4096):
        content += part
    return content


def test_slow_clients_hold_no_place(tmp_path: Path) -> None:
    with running(PROGRAM, tmp_path, "header_seconds=0.3", "upload_seconds=0.3", "queue=1") as (_, port):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")  # and no more
            assert receive(client) == b""
        head = b"POST /v1/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nContent-Type: "
        for kind in (b"application/json", b"multipart/form-data; boundary=x"):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(head + kind + b"\r\n\r\n--")
                assert receive(client).startswith(b"HTTP/1.1 408")
        assert ask(port, "GET", "/healthz")[1]["waiting"] == 0


def test_an_upload_that_is_too_large_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    with running(PROGRAM, tmp_path, "upload_bytes=1000") as (_, port):
        with socket.create_connection(("127.0.0.1", port)) as client:
            head = b"POST /v1/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000\r\n"
            client.sendall(head + b"Content-Type: multipart/form-data; boundary=x\r\nExpect: 100-continue\r\n\r\n")
            assert receive(client).startswith(b"HTTP/1.1 413")
        with socket.create_connection(("127.0.0.1", port)) as client:  # in parts of unknown number
            head = b"POST /v1/infer HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            client.sendall(head + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n")
            start = b'--x\r\nContent-Disposition: form-data; name="strain_H1"; filename="x"\r\n\r\n'
            client.sendall(b"%x\r\n%s\r\n" % (len(start), start))
            client.sendall(b"400\r\n" + b"0" * 0x400 + b"\r\n")
            assert receive(client).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_jobs_and_workers_and_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    with running(PROGRAM, tmp_path) as (server, port):
        status, job = ask(port, "POST", "/v1/infer", {"event": "SLOW"})
        assert status == 202
        wait_until(lambda: ask(port, "GET", job["links"]["self"])[1]["state"] == "running", "no job runs")
        workers = psutil.Process(server.pid).children(recursive=True)
        assert workers
        server.send_signal(number)
        _, message = server.communicate(timeout=SECONDS)
        assert (server.returncode, message) == (0, "")
        _, alive = psutil.wait_procs(workers, timeout=SECONDS)  # the last ones end when they hear that the server has
        assert not alive
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers end with their job")
def test_workers_do_not_outlive_a_server_that_was_killed(tmp_path: Path) -> None:
    with running(PROGRAM, tmp_path) as (server, port):
        ask(port, "POST", "/v1/infer", {"event": "SLOW"})
        workers = psutil.Process(server.pid).children(recursive=True)
        os.kill(server.pid, signal.SIGKILL)
        psutil.wait_procs(workers, timeout=SECONDS)
        _, alive = psutil.wait_procs(workers, timeout=SECONDS)  # the last ones end when they hear that the server has
        assert not alive


def test_files_and_events_are_analysed_as_infer_does(tmp_path: Path, gwosc_file: Callable[..., Path]) -> None:
    """A real worker: the one test with models and pictures, some seconds long."""
    strain = {name: gwosc_file(one).read_bytes() for name, one in load_event("GW150914").items()}
    command = ("-m", "chirpleaf", "serve", "--port", "0", "--workers", "1", "--folder", tmp_path / "jobs")
    with running(*command) as (server, port):
        body = b"".join(
            b'--x\r\nContent-Disposition: form-data; name="strain_%s"; filename="../x"\r\n\r\n%s\r\n' % (n.encode(), c)
            for n, c in strain.items()
        )
        for name, value in (("trigger_time", "1126259462.4"), ("samples", "300"), ("certify", "false")):
            body += b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value.encode())
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        jobs = [ask(port, "POST", "/v1/infer", body + b"--x--\r\n", **kind)]
        jobs.append(ask(port, "POST", "/v1/infer", {"event": "gw150914", "samples": 300, "certify": False}))
        bad = b'--x\r\nContent-Disposition: form-data; name="trigger_time"\r\n\r\n1126259462.4\r\n--x\r\n'
        bad += b'Content-Disposition: form-data; name="strain_H1"; filename="a"\r\n\r\nno strain\r\n--x--\r\n'
        jobs.append(ask(port, "POST", "/v1/infer", bad, **kind))
        assert [status for status, _ in jobs] == [202] * 3
        links = [job["links"]["self"] for _, job in jobs]
        states = ("done", "failed")
        wait_until(lambda: all(ask(port, "GET", link)[1]["state"] in states for link in links), "jobs do not end")
        files, event, wrong = (ask(port, "GET", link)[1] for link in links)
        assert files["state"] == event["state"] == "done"
        # The embedded strain is the same, so that the answers are.
        assert files["summary"]["parameters"] == event["summary"]["parameters"]
        assert files["summary"]["verdict"] == "not certified"
        assert b"<figure>" in ask(port, "GET", files["links"]["report"])[1]
        assert ask(port, "GET", event["links"]["summary.json"])[1]["n_samples"] == 300
        assert ask(port, "GET", event["links"]["posterior.hdf5"])[1].startswith(b"\x89HDF")
        assert wrong["error"]["code"] == "input"
        assert "the file of strain_H1" in wrong["error"]["message"]
        assert str(tmp_path) not in wrong["error"]["message"]
        assert not list((tmp_path / "jobs").rglob("strain-H1-0"))  # uploads are removed
        assert {one["name"] for one in ask(port, "GET", "/v1/models")[1]} >= {"bbh", "masses"}
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=SECONDS)
        assert server.returncode == 0


BOUND = 800_000_000
"""Bytes that the memory of a worker may grow by; each of the files below claims more."""


def make_hostile_files(folder: Path) -> dict[str, bytes]:
    """Files of some kilobytes that claim, unpack to, or point to what they should not, by a word of the answer."""
    with h5py.File(folder / "claim", "w") as file:
        strain = file.create_dataset("strain/Strain", shape=(10**9,), chunks=(1024,), dtype="f8")
        strain.attrs.update(Xstart=0.0, Xspacing=1 / 4096)
    with h5py.File(folder / "link", "w") as file:
        file["strain/Strain"] = h5py.ExternalLink("/etc/passwd", "strain/Strain")
    with h5py.File(folder / "deep", "w") as file:
        group: Any = file
        for _ in range(50):
            group = group.create_group("g")
    member = gzip.compress(b"1 " * 25_000_000)
    return {
        "claims 8 GB": (folder / "claim").read_bytes(),
        "without end": 60 * member,  # three gigabytes without a new line
        "HDF5 with strain": (folder / "link").read_bytes(),
        "levels": (folder / "deep").read_bytes(),
        "": b"/etc/passwd",
    }


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is that of Linux")
def test_hostile_files_are_refused_and_the_worker_lives(tmp_path: Path) -> None:
    """A gzip bomb, an HDF5 file that claims gigabytes, and names of a named pipe and of paths; a real worker."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    names = (str(pipe), "../../../../etc/passwd", "a\x00b", "/dev/zero", "x" * 300)
    command = ("-m", "chirpleaf", "serve", "--port", "0", "--workers", "1", "--folder", tmp_path / "jobs")
    with running(*command) as (server, port):

        def find_worker() -> psutil.Process:
            """The child that has loaded the models; another one tracks resources for `multiprocessing`."""
            return max(psutil.Process(server.pid).children(recursive=True), key=lambda one: one.memory_info().rss)

        worker, before = find_worker(), find_worker().memory_info().rss
        hostile = make_hostile_files(tmp_path)
        for name, (word, content) in zip(names, hostile.items(), strict=True):
            body = b'--x\r\nContent-Disposition: form-data; name="trigger_time"\r\n\r\n1126259462.4\r\n--x\r\n'
            for field in ("strain_H1", "psd_H1"):
                body += f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode()
                body += content + b"\r\n--x" + (b"\r\n" if field == "strain_H1" else b"--\r\n")
            kind = {"Content-Type": "multipart/form-data; boundary=x"}
            status, job = ask(port, "POST", "/v1/infer", body, **kind)
            assert status == 202, job
            link = job["links"]["self"]
            wait_until(lambda link=link: ask(port, "GET", link)[1]["state"] in ("done", "failed"), "no end")
            found = ask(port, "GET", link)[1]
            message = found["error"]["message"]
            assert (found["state"], found["error"]["code"]) == ("failed", "input"), found
            assert word in message
            assert "the file of strain_H1" in message
            assert "\n" not in message
            assert not any(part in message for part in ("/etc", str(tmp_path), "Traceback"))
            assert ask(port, "GET", f"{link}/report") == (422, {"code": "content", "message": message})
        assert find_worker().pid == worker.pid
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{worker.pid}/status").read_text())
        assert peak is not None
        assert 1024 * int(peak[1]) - before < BOUND
        assert psutil.Process(server.pid).memory_info().rss < BOUND
        assert ask(port, "GET", "/healthz")[0] == 200


def test_without_its_packages_the_verb_says_how_to_get_them(
    chirpleaf: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from chirpleaf.cli import extras

    found = extras.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "uvicorn" else found(name))
    ran = chirpleaf("serve", "--port", "0")
    assert ran.status == 2
    assert "pip install 'chirpleaf[serve]'" in ran.stderr


def test_a_server_for_others_warns(chirpleaf: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from chirpleaf.server import running as server

    monkeypatch.setattr(server, "serve", lambda port, *_: port.close())
    assert "can be reached by others" in chirpleaf("serve", "--host", "0.0.0.0", "--port", "0").stderr
    assert "others" not in chirpleaf("serve", "--port", "0").stderr
