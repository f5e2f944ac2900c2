"""Whoever connects to a witness and says nothing, or not all, is cut off; others are answered meanwhile."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chemtrace.entrypoints.server import open_socket
from chemtrace.entrypoints.witness import patience
from chemtrace.entrypoints.witness.patience import PatientProtocol


async def echo(request: Request) -> Response:
    return Response(await request.body())


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    monkeypatch.setattr(patience, "HEADER_S", 0.3)
    monkeypatch.setattr(patience, "REQUEST_S", 0.6)
    listener = open_socket("127.0.0.1", 0)
    app = Starlette(routes=[Route("/", echo, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, http=PatientProtocol, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listener.getsockname()[:2]
    server.should_exit = True
    thread.join(10)
    listener.close()


def is_cut_off(connection: socket.socket, within_s: float = 5) -> bool:
    connection.settimeout(within_s)
    with contextlib.suppress(ConnectionResetError):
        return connection.recv(1000) == b""
    return True


@pytest.mark.parametrize(
    "said", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: w\r\nContent-Length: 100\r\n\r\nhalf"]
)
def test_who_does_not_end_a_request_is_cut_off(address: tuple[str, int], said: bytes) -> None:
    with socket.create_connection(address) as connection:
        connection.sendall(said)
        assert is_cut_off(connection)


def test_one_connection_serves_many_requests_and_then_ends(address: tuple[str, int]) -> None:
    asked = b"POST / HTTP/1.1\r\nHost: w\r\nContent-Length: 2\r\n\r\nok"
    with socket.create_connection(address) as connection:
        connection.settimeout(5)
        for _ in range(5):
            time.sleep(0.15)
            connection.sendall(asked)
            assert b"200 OK" in connection.recv(1000)
        assert is_cut_off(connection)


def test_an_address_has_only_so_many_connections(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_is_here", lambda address: False)
    monkeypatch.setattr(patience, "PER_ADDRESS", 3)
    monkeypatch.setattr(patience, "HEADER_S", 5)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(address)) for _ in range(3)]
        time.sleep(0.1)
        assert is_cut_off(stack.enter_context(socket.create_connection(address)), 2)
        held[0].close()
        time.sleep(0.1)
        assert httpx.get(f"http://{address[0]}:{address[1]}/").status_code == 200
