"""The guard of the server: whose requests it lets through, and what it adds to each answer."""

import pytest
from starlette.datastructures import Headers

from chirpleaf.errors import InputError
from chirpleaf.server.guard import Guard, is_loopback, parse_host
from chirpleaf.server.running import list_names, open_port
from chirpleaf.server.settings import ServerSettings


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost:8000", "localhost"),
        ("LOCALHOST", "localhost"),
        ("[::1]:8000", "::1"),
        ("127.0.0.1:x", None),
        ("user@localhost", None),
        ("localhost/path", None),
        ("localhost?x", None),
        ("[::1", None),
        ("", None),
    ],
)
def test_names_in_the_host_header(header: str, name: str | None) -> None:
    assert parse_host(header) == name


@pytest.mark.parametrize(
    ("host", "here"),
    [("localhost", True), ("127.9.9.9", True), ("::1", True), ("0.0.0.0", False), ("example.org", False)],
)
def test_loopback(host: str, here: bool) -> None:
    assert is_loopback(host) is here


def refusal(method: str = "GET", **headers: str) -> int | None:
    """Status with which a request is refused; None if it may pass."""
    guard = Guard(lambda *_: None, ServerSettings(json_bytes=100, upload_bytes=1000))  # type: ignore[arg-type, return-value]
    given = {"host": "localhost:8000", **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = guard._refuse(method, Headers({name: value for name, value in given.items() if value}))
    return None if answer is None else answer.status_code


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, None),
        ("GET", {"host": "evil.example"}, 421),
        ("GET", {"host": "localhost.evil.example"}, 421),
        ("GET", {"host": ""}, 421),
        ("POST", {}, None),
        ("POST", {"origin": "http://localhost:8000"}, None),
        ("POST", {"origin": "http://localhost:9000"}, 403),
        ("POST", {"origin": "http://evil.example"}, 403),
        ("POST", {"origin": "null"}, 403),
        ("DELETE", {"origin": "http://127.0.0.1:8000"}, 403),
        ("POST", {"sec_fetch_site": "cross-site"}, 403),
        ("POST", {"sec_fetch_site": "same-site"}, 403),
        ("POST", {"sec_fetch_site": "same-origin"}, None),
        ("POST", {"content_encoding": "gzip"}, 415),
        ("POST", {"content_length": "101"}, 413),
        ("POST", {"content_length": "-1"}, 413),
        ("POST", {"content_length": "101", "content_type": "multipart/form-data; boundary=x"}, None),
        ("POST", {"content_length": "1001", "content_type": "multipart/form-data; boundary=x"}, 413),
    ],
)
def test_what_is_refused(method: str, headers: dict[str, str], status: int | None) -> None:
    assert refusal(method, **headers) == status


def test_a_header_that_comes_twice_is_refused() -> None:
    guard = Guard(lambda *_: None, ServerSettings())  # type: ignore[arg-type, return-value]
    twice = Headers(raw=[(b"host", b"localhost"), (b"host", b"evil.example")])
    answer = guard._refuse("GET", twice)
    assert answer is not None
    assert answer.status_code == 421


def test_a_server_for_others_has_the_names_that_its_user_allows() -> None:
    assert "10.1.2.3" in list_names("10.1.2.3")
    assert list_names("0.0.0.0", ("Box.example",)) == {"localhost", "127.0.0.1", "::1", "box.example"}


def test_a_port_in_use_is_refused_in_one_line() -> None:
    with open_port("127.0.0.1", 0) as port, pytest.raises(InputError, match="choose another by --host and --port"):
        open_port("127.0.0.1", port.getsockname()[1])
