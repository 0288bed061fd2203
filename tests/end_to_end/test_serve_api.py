"""The API of the server by a client in this process, with a worker that answers at once."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from made_workers import REPORT, run_made_worker
from starlette.testclient import TestClient

from chirpleaf.report.page import hash_styles
from chirpleaf.server.api import create_app
from chirpleaf.server.guard import HEADERS, Guard
from chirpleaf.server.service import Service
from chirpleaf.server.settings import ServerSettings

SETTINGS = ServerSettings(
    workers=1, queue=4, upload_bytes=20_000, json_bytes=2000, samples=50_000, jobs=500, disk_bytes=10**7
)
SECONDS = 60.0
"""How long a test waits on a busy machine."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    settings = ServerSettings(**{**vars(SETTINGS), "folder": folder})
    app = Guard(create_app(Service(settings, run_made_worker)), settings)
    with TestClient(app, base_url="http://localhost:8000") as client:
        deadline = time.monotonic() + SECONDS
        while client.get("/healthz").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield client
    assert list(folder.iterdir()) == []  # nothing stays behind


def follow(client: TestClient, answer: Any) -> dict[str, Any]:
    """The job of an answer when it has ended."""
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + SECONDS
    while True:
        job: dict[str, Any] = client.get(answer.headers["location"]).json()
        if job["state"] in ("done", "failed"):
            return job
        assert time.monotonic() < deadline
        time.sleep(0.01)


def infer(client: TestClient, **query: Any) -> Any:
    """Starts a job; waits for a place in the queue."""
    while (answer := client.post("/v1/infer", json=query)).status_code == 429:
        time.sleep(0.02)
    return answer


def upload(client: TestClient, files: Any, **fields: Any) -> Any:
    return client.post("/v1/infer", data={"trigger_time": "1126259462.4", **fields}, files=files)


def test_an_event_from_request_to_report(client: TestClient) -> None:
    job = follow(client, infer(client, event="GW150914", detectors=["H1"], samples=300))
    assert job["state"] == "done"
    assert job["summary"]["verdict"] == "trusted"
    assert job["summary"]["parameters"]["mass_1"]["median"] == 36.0
    report = client.get(job["links"]["report"])
    assert report.text == REPORT
    assert report.headers["content-type"].startswith("text/html")
    assert client.get(job["links"]["summary.json"]).json() == {}
    samples = client.get(job["links"]["posterior.hdf5"])
    assert samples.content == b"\x89HDF"
    assert "attachment" in samples.headers["content-disposition"]
    assert client.delete(job["links"]["self"]).status_code == 204
    assert {client.get(link).status_code for link in job["links"].values()} == {404}


def test_the_names_of_uploaded_files_are_not_used(client: TestClient, folder: Path) -> None:
    before = set(folder.rglob("*"))
    files = [
        ("strain_H1", ("../../../../evil", b"one", "application/x-anything")),
        ("strain_H1", ("/etc/passwd", b"two")),
        ("strain_L1", ("..", b"three")),
        ("psd_H1", ("a\x00b", b"psd")),
    ]
    job = follow(client, upload(client, files, samples="700"))
    assert job["summary"]["sentence"] == "{'H1': ['one', 'two'], 'L1': ['three']} at 1126259462.4"
    assert job["summary"]["binary"] == "700 samples"
    new = {path.name for path in folder.rglob("*") if path.is_file()} - {path.name for path in before}
    assert new <= {"report.html", "summary.json", "posterior.hdf5"}  # the uploads are gone
    assert not list(folder.parent.rglob("evil"))


def test_fields_that_a_browser_sends_empty_are_none(client: TestClient) -> None:
    files = [("strain_H1", ("x", b"one")), ("strain_L1", ("", b"")), ("psd_H1", ("", b""))]
    job = follow(client, upload(client, files, model="", prior="", effective_samples=""))
    assert job["summary"]["detectors"] == ["H1"]


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ({}, "event"),
        ({"event": "../../etc/passwd"}, "event"),
        ({"event": "GW150914", "model": "/etc/passwd"}, "model"),
        ({"event": "GW150914", "model": "x.safetensors"}, "model"),
        ({"event": "GW150914", "model": "unknown"}, "expected one of bbh"),
        ({"event": "GW150914", "prior": "/etc/passwd"}, "prior"),
        ({"event": "GW150914", "samples": 50_001}, "at most 50000"),
        ({"event": "GW150914", "samples": "300"}, "samples"),
        ({"event": "GW150914", "samples": True}, "samples"),
        ({"event": "GW150914", "seed": -1}, "seed"),
        ({"event": "GW150914", "detectors": ["H1", "H1"]}, "each detector once"),
        ({"event": "GW150914", "detectors": ["X1"]}, "detectors"),
        ({"event": "GW150914", "strain": {"H1": "/etc/passwd"}}, "strain"),
        ({"event": "GW150914", "trigger_time": 1.0}, "trigger_time"),
    ],
)
def test_wrong_json_is_refused_in_one_line(query: dict[str, Any], part: str, client: TestClient) -> None:
    answer = client.post("/v1/infer", json=query)
    assert answer.status_code == 422
    assert part in answer.json()["message"]
    assert "\n" not in answer.json()["message"]


H1 = ("strain_H1", ("x", b"strain"))


@pytest.mark.parametrize(
    ("files", "fields", "part"),
    [
        ([], {"strain_H1": "/etc/passwd"}, "expected a file"),
        ([("psd_H1", ("x", b"p"))], {}, "at least one strain file"),
        ([H1, ("psd_L1", ("x", b"p"))], {}, "detector with strain"),
        ([H1, ("psd_H1", ("x", b"p")), ("psd_H1", ("x", b"p"))], {}, "at most one noise spectrum"),
        ([H1, ("strain_X1", ("x", b"p"))], {}, "strain_H1 or psd_H1 alone"),
        ([H1], {"trigger_time": ""}, "trigger_time"),
        ([H1], {"samples": "many"}, "samples"),
        ([H1], {"model": "../x"}, "model"),
        ([H1], {"channel": "x"}, "channel"),
    ],
)
def test_wrong_forms_are_refused_in_one_line(files: Any, fields: Any, part: str, client: TestClient) -> None:
    answer = upload(client, [*files, ("psd_K1", ("", b""))], **fields)  # an empty file makes it a form with parts
    assert answer.status_code == 422, answer.text
    assert part in answer.json()["message"]
    assert client.get("/healthz").json()["waiting"] == 0  # its place in the queue is free again


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {"content-type": "application/json"}, 422),
        (b"\xff\xfe", {"content-type": "application/json"}, 422),
        (b"[" * 1900, {"content-type": "application/json"}, 422),
        (b" " * 2001, {"content-type": "application/json"}, 413),
        (b"event=GW150914", {"content-type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {}, 415),
        (b"\x1f\x8b", {"content-type": "application/json", "content-encoding": "gzip"}, 415),
        (b"x" * 20_001, {"content-type": "multipart/form-data; boundary=x"}, 413),
        (b"no form", {"content-type": "multipart/form-data; boundary=x"}, 400),
        (b"no form", {"content-type": "multipart/form-data"}, 400),
        (b"--y\r\nbroken", {"content-type": "multipart/form-data; boundary=x"}, 400),
    ],
)
def test_wrong_bodies(content: bytes, headers: dict[str, str], status: int, client: TestClient) -> None:
    answer = client.post("/v1/infer", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"code", "message"}
    assert client.get("/healthz").json()["waiting"] == 0


def test_a_body_of_unknown_length_is_cut_off(client: TestClient) -> None:
    def stream() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="strain_H1"; filename="x"\r\n\r\n'
        for _ in range(300):
            yield b"0" * 100

    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post("/v1/infer", content=stream(), headers=headers).status_code == 413
    assert client.get("/healthz").json()["waiting"] == 0


def test_too_many_files(client: TestClient) -> None:
    assert upload(client, [("strain_H1", (str(n), b"x")) for n in range(25)]).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/v1/jobs/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/v1/jobs/../../etc/passwd",
        "/v1/jobs/x/../../healthz.py",
        "/page.html",
    ],
)
def test_no_path_of_a_client_is_opened(path: str, client: TestClient) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_files_of_a_job_that_is_not_done(client: TestClient) -> None:
    running = infer(client, event="SLOW").json()
    waiting = client.post("/v1/infer", json={"event": "GW150914"})
    assert client.get(f"{running['links']['self']}/report").status_code == 409
    assert client.get(f"{waiting.headers['location']}/report").status_code == 409
    assert client.delete(running["links"]["self"]).status_code == 204  # the worker is free again
    assert client.get(running["links"]["self"]).status_code == 404
    assert follow(client, waiting)["state"] == "done"


def test_fifty_clients_at_once_are_answered_or_refused(client: TestClient) -> None:
    def ask(_: int) -> tuple[int, dict[str, Any] | None]:
        answer = client.post("/v1/infer", json={"event": "BRIEF"})
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
            return 429, None
        return answer.status_code, follow(client, answer)

    with ThreadPoolExecutor(50) as executor:
        answers = list(executor.map(ask, range(50)))
    assert {status for status, _ in answers} == {202, 429}
    assert {job["state"] for _, job in answers if job is not None} == {"done"}
    assert 4 <= sum(status == 202 for status, _ in answers) < 50


def test_every_answer_has_the_headers(client: TestClient) -> None:
    answers = [client.get(path) for path in ("/", "/page.js", "/page.css", "/healthz", "/openapi.json", "/none")]
    answers.append(client.get("/", headers={"host": "evil.example"}))
    answers.append(client.post("/v1/infer", json={}, headers={"origin": "http://evil.example"}))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 404, 421, 403]
    for answer in answers:
        assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "server" not in answer.headers


def test_the_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    texts = [client.get(path).text for path in ("/", "/page.css", "/page.js")]
    assert not any("http://" in text or "https://" in text or "//cdn" in text for text in texts)
    assert "<script>" not in texts[0]
    assert "style=" not in texts[0]


def test_the_report_may_show_its_own_style_and_pictures_alone(client: TestClient) -> None:
    job = follow(client, infer(client, event="GW150914"))
    policy = client.get(job["links"]["report"]).headers["content-security-policy"]
    (style,) = hash_styles()
    assert f"style-src '{style}'" in policy
    assert "default-src 'none'" in policy
    assert policy.endswith("sandbox")
    assert "script" not in policy


def test_lists(client: TestClient) -> None:
    assert [one["name"] for one in client.get("/v1/models").json()] == ["bbh"]
    assert [one["name"] for one in client.get("/v1/events").json()] == ["GW150914"]
    assert client.get("/healthz").json()["ready"] == 1
