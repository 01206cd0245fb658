"""The small server of --status: fixed pages, GET only, bounds on size, time and number."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus

import pytest

import edge.app.status.http as http
from edge.app.status.http import Page, Server, answer
from edge.errors import InputError
from edge.system.listening import ListenAddress, is_open


def broken() -> Page:
    raise ValueError("a secret")


PAGES = {"/healthz": lambda: Page(HTTPStatus.OK, "text/plain", "well\n"), "/broken": broken}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"GET /healthz HTTP/1.1", 200),
        (b"GET /healthz HTTP/1.0\nHost: x", 200),
        (b"GET /healthz?a=b HTTP/1.1\r\nHost: x", 200),
        (b"GET /healthz/ HTTP/1.1", 404),
        (b"GET /../healthz HTTP/1.1", 404),
        (b"GET /healthz/../../etc/passwd HTTP/1.1", 404),
        (b"GET /%68ealthz HTTP/1.1", 404),
        (b"GET / HTTP/1.1", 404),
        (b"GET /broken HTTP/1.1", 500),
        (b"POST /healthz HTTP/1.1", 405),
        (b"HEAD /healthz HTTP/1.1", 405),
        (b"get /healthz HTTP/1.1", 405),
        (b"GET http://x/healthz HTTP/1.1", 400),
        (b"GET /healthz HTTP/2", 400),
        (b"GET /healthz", 400),
        (b"GET /heal\xc3\xa4 HTTP/1.1", 400),
        (b"GET  /healthz HTTP/1.1", 400),
        (b"GET /" + 1025 * b"x" + b" HTTP/1.1", 400),
        (b"GET /healthz HTTP/1.1\r\nA: " + 4100 * b"x", 431),
        (b"", 400),
        (b"\0\xff", 400),
    ],
)
def test_each_request_has_its_answer(request_: bytes, code: int) -> None:
    head, _, body = answer(request_, PAGES).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert first == f"HTTP/1.1 {code} {HTTPStatus(code).phrase}"
    fields = dict(line.split(": ", 1) for line in lines)
    assert fields["Content-Length"] == str(len(body))
    assert fields["Connection"] == "close"
    assert fields.get("Allow") == ("GET" if code == 405 else None)
    assert body == b"well\n" if code == 200 else body.startswith(str(code).encode())
    assert b"secret" not in body


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    listening = socket.create_server(("127.0.0.1", 0))
    with Server(listening, PAGES) as one:
        yield listening.getsockname()
        one.close()  # twice


def test_a_browser_is_answered(server: tuple[str, int]) -> None:
    url = f"http://127.0.0.1:{server[1]}"
    with urllib.request.urlopen(f"{url}/healthz", timeout=10) as got:
        assert (got.status, got.read()) == (200, b"well\n")
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(f"{url}/other", timeout=10):
        pass
    with caught.value as error:
        assert error.code == 404


def test_who_says_too_much_is_told_so(server: tuple[str, int]) -> None:
    with socket.create_connection(server, timeout=10) as one:
        one.sendall(b"GET /healthz HTTP/1.1\r\n" + 5000 * b"x")
        assert one.recv(100).startswith(b"HTTP/1.1 431 ")


def test_who_says_nothing_holds_nobody_up(server: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "STATUS_S", 0.2)
    silent = [socket.create_connection(server, timeout=10) for _ in range(http.MOST_CONNECTIONS)]
    try:
        give_up = time.monotonic() + 30
        while True:  # they end in their time, and then there is room
            assert time.monotonic() < give_up
            with socket.create_connection(server, timeout=10) as one:
                try:
                    one.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
                    if one.recv(100).startswith(b"HTTP/1.1 200 "):
                        break
                except ConnectionError:  # one too many
                    pass
            time.sleep(0.02)
        assert [one.recv(10) for one in silent] == http.MOST_CONNECTIONS * [b""]
    finally:
        for one in silent:
            one.close()


def test_more_than_a_few_at_a_time_are_not_answered(server: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "STATUS_S", 60.0)
    ours = [socket.create_connection(server, timeout=10) for _ in range(http.MOST_CONNECTIONS + 1)]
    try:
        assert ours[-1].recv(10) == b""
        ours[0].sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert ours[0].recv(100).startswith(b"HTTP/1.1 200 ")
    finally:
        for one in ours:
            one.close()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("9100", "127.0.0.1", 9100),
        ("0.0.0.0:1", "0.0.0.0", 1),
        ("localhost:65535", "localhost", 65535),
        ("[::1]:9100", "::1", 9100),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    found = ListenAddress.parse(text)
    assert (found.host, found.port) == (host, port)
    assert ListenAddress.parse(str(found)) == found


@pytest.mark.parametrize("text", ["", "0", "65536", ":9100", "host", "http://h:1", "::1:9100", "h:1/x", "٣", "a b:1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InputError, match="expected PORT or HOST:PORT, such as 9100"):
        ListenAddress.parse(text)


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"^status 127.0.0.1:{port}: Address already in use: give another port"):
            ListenAddress("127.0.0.1", port).listen()


def test_who_can_reach_it() -> None:
    for host, reached in (("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)):
        with ListenAddress(host, 0).listen() as listening:
            assert is_open(listening) is reached
