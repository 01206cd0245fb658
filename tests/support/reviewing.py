"""The reviewing page on a real socket, in a thread, for tests; and a client that sends whatever it is told."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any, NamedTuple

from edge.app.review.answers import Answers
from edge.app.review.serve import app_of
from edge.sinks.web.gate import Gate, own_names
from edge.sinks.web.server import Server

TOKEN = "a-word-of-the-tests"


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Talks to one server. ``own``: the headers that a browser sends once it has loaded the page."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.cookie = f"thermal_edge_{port}={TOKEN}"
        self.own = {"Origin": self.url, "Content-Type": "application/json", "Cookie": self.cookie}

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            came: HTTPResponse = connection.getresponse()
            return Answer(came.status, {k.lower(): v for k, v in came.getheaders()}, came.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, value: Any, **changed: str | None) -> Answer:
        """As the page does; ``changed``: headers in place of its own, None leaves one out."""
        headers = {**self.own, **{name.replace("_", "-"): value for name, value in changed.items()}}
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.ask("POST", path, body, {name: v for name, v in headers.items() if v is not None})


@contextmanager
def reviewing(answers: Answers, everywhere: bool = False) -> Iterator[Client]:
    """A client of a server over these answers. ``everywhere``: as where other machines reach it."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    gate = Gate(TOKEN, everywhere, port, own_names())
    with Server(app_of(answers, gate), listening, lambda: None, lambda: None) as server:
        yield Client(port)
        assert server.broken == ""
