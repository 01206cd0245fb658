"""--webhook: what is posted, and what becomes of it where the server is away, ill or does not want it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from edge.errors import InputError
from edge.sinks.live import courier as courier_module
from edge.sinks.live.cot import run_id
from edge.sinks.live.webhook import HttpLink, WebhookSink, parse_url, spec_of
from tests.support.track_lines import tracked


class Server(ThreadingHTTPServer):
    """Answers with the next of ``answers``, then with 200."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.got: list[tuple[str, dict[str, Any]]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.got.append((self.path, body))
                self.send_response(server.answers.pop(0) if server.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)
        server = self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?team=1"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(courier_module, "FIRST_DELAY_S", 0.02)
    monkeypatch.setattr(courier_module, "LONGEST_DELAY_S", 0.05)
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join(20)


def until(server: Server, n: int) -> list[dict[str, Any]]:
    give_up = time.monotonic() + 20
    while len(server.got) < n:
        assert time.monotonic() < give_up
        time.sleep(0.005)
    return [body for _, body in server.got]


def test_a_track_is_told_when_it_is_found_and_when_it_is_over(server: Server) -> None:
    sink = spec_of(parse_url(server.url)).make(type("To", (), {"classes": ("Person",)}))  # type: ignore[arg-type]
    sink.write(tracked(0, 100.0, [4]))
    sink.write(tracked(1, 100.1, [4, -1]))
    sink.write(tracked(2, 100.2, [9], where=False))
    sink.close()
    sink.close()
    bodies = until(server, 4)
    run = run_id(tracked(0, 100.0, [4]).frame)
    assert bodies[0] == {
        "event": "found",
        "id": f"thermal-edge.{run}.4",
        "track": 4,
        "class": "Person",
        "score": 0.5,
        "seq": 0,
        "utc": None,
        "position": {"lat": 51.504, "lon": -0.25, "sigma_m": 4.0},
    }
    assert [(body["event"], body["track"]) for body in bodies] == [("found", 4), ("found", 9), ("over", 4), ("over", 9)]
    assert bodies[1]["position"] is None
    assert bodies[2]["frames"] == 2
    assert {path for path, _ in server.got} == {"/hook?team=1"}


def test_a_server_that_is_ill_gets_it_again(server: Server) -> None:
    server.answers = [503, 429]
    sink = WebhookSink(HttpLink(parse_url(server.url)), ("Person",))
    sink.write(tracked(0, 100.0, [4]))
    bodies = until(server, 3)
    assert bodies[0] == bodies[1] == bodies[2]
    sink.close()
    assert (sink.courier.dropped, sink.courier.waiting) == (0, 0)


def test_what_a_server_does_not_want_holds_nothing_up(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.answers = [404, 302]
    link = HttpLink(parse_url(server.url))
    sink = WebhookSink(link, ("Person",))
    sink.write(tracked(0, 100.0, [4, 5, 6]))
    bodies = until(server, 3)
    assert [body["track"] for body in bodies] == [4, 5, 6]
    sink.close()
    assert link.refused == 2
    assert caplog.text.count("refuses a message: 404 Not Found; it is not sent again") == 1


@pytest.mark.parametrize(
    "text", ["", "ftp://h/x", "http://", "http://u:p@h/", "http://h:99999/", "http://h/a b", "h/x"]
)
def test_what_is_no_url(text: str) -> None:
    with pytest.raises(InputError, match="expected http://HOST/PATH") as caught:
        parse_url(text)
    assert ":p@" not in str(caught.value)


def test_what_a_run_gives_up_is_told(server: Server) -> None:
    sink = spec_of(parse_url(server.url)).make(type("To", (), {"classes": ("Person",)}))  # type: ignore[arg-type]
    sink.notice("lower rate because of heat")
    sink.close()
    assert until(server, 1) == [{"event": "degraded", "id": "thermal-edge.", "text": "lower rate because of heat"}]
