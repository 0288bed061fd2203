"""The guard of conftest.py refuses connections to other machines and allows local ones."""

import socket

import pytest


def test_a_remote_name_is_refused() -> None:
    with pytest.raises(AssertionError, match=r"without network; got a connection to 'gwosc\.org'"):
        socket.create_connection(("gwosc.org", 443), timeout=1)


@pytest.mark.parametrize("call", ["connect", "connect_ex"])
def test_a_remote_address_is_refused(call: str) -> None:
    with socket.socket() as client, pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        getattr(client, call)(("192.0.2.1", 80))


def test_this_machine_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
