"""The page over real sockets: what is answered, to whom, and nobody who is slow, rude or gone holds anything up."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="needs starlette, of the extra [web]")
pytest.importorskip("uvicorn", reason="needs uvicorn, of the extra [web]")

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from edge.sinks.web import connection, guarded, server
from edge.sinks.web.guarded import BODY_BYTES, Buckets
from edge.sinks.web.tiles import look_at
from tests.support.pmtiles_file import write_pmtiles
from tests.support.shown_page import TOKEN, Shown, feeding, result, shown

PATIENCE_S = 20.0


class Answer:
    def __init__(self, data: bytes) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1]) if first else 0
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def talk(one: Shown, request: bytes, half: bool = False) -> Answer:
    """What comes until the server closes."""
    with socket.create_connection(("127.0.0.1", one.port), 10) as connected:
        connected.settimeout(PATIENCE_S)
        connected.sendall(request)
        if half:
            connected.shutdown(socket.SHUT_WR)
        data = b""
        try:
            while more := connected.recv(1 << 16):
                data += more
        except ConnectionResetError:
            pass
    return Answer(data)


def get(one: Shown, path: str, *headers: str, method: str = "GET", body: bytes = b"") -> Answer:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{one.port}", "Connection: close", *headers]
    lines += [f"Content-Length: {len(body)}"] * bool(body)
    return talk(one, "\r\n".join([*lines, "", ""]).encode() + body)


def opened(one: Shown, path: str) -> socket.socket:
    """A connection on which this was asked for."""
    connected = socket.create_connection(("127.0.0.1", one.port), 10)
    connected.settimeout(PATIENCE_S)
    connected.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return connected


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    async def keep(request: Request) -> JSONResponse:
        return JSONResponse({"came": len(await request.body())})

    async def break_down(_request: Request) -> JSONResponse:
        raise RuntimeError("a secret")

    folder = tmp_path_factory.mktemp("flight")
    tiles = look_at(write_pmtiles(folder / "area.pmtiles", {(0, 0, 0): b"a tile"}))
    routes = [Route("/api/keep", keep, methods=["POST"]), Route("/broken", break_down)]
    with shown(folder, routes=routes, links={"Review": "/review"}, tiles=tiles) as it:
        it.page.note(result(0))
        yield it


def test_the_page(one: Shown) -> None:
    answer = get(one, "/")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"<title>thermal-edge</title>" in answer.body
    assert answer.headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["set-cookie"].startswith(f"thermal_edge_{one.port}={TOKEN}; Path=/;")
    assert "server" not in answer.headers


def test_files_are_known_again(one: Shown) -> None:
    first = get(one, "/static/page.js")
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    again = get(one, "/static/page.js", f"If-None-Match: {first.headers['etag']}")
    assert (again.status, again.body) == (304, b"")
    assert get(one, "/static/page.js", method="HEAD").body == b""


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd", "/static/%00",
        "/static/leaflet/../../app.py", "/static/leaflet", "/static/", "/../../etc/passwd", "/etc/passwd", "/app.py",
        "/static/..\\app.py", "/counts.json", "/area.pmtiles", "/detections.jsonl",
    ],
)  # fmt: skip
def test_no_path_leads_out(one: Shown, path: str) -> None:
    assert get(one, path).status == 404


def test_the_api(one: Shown) -> None:
    assert json.loads(get(one, "/api/state").body)["frame"]["seq"] == 0
    assert json.loads(get(one, "/api/marks?since=0").body)["marks"][0]["track"] == 1
    assert json.loads(get(one, "/api/marks?since=9999").body)["marks"] == []
    assert json.loads(get(one, "/api/marks?since=-1;x").body)["left_out"] == 0
    assert json.loads(get(one, "/api/pages").body) == [{"name": "Review", "path": "/review"}]
    assert json.loads(get(one, "/api/tiles").body) == {"path": "/map.pmtiles", "why": ""}
    picture = get(one, "/picture.jpg")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.body[:3] == b"\xff\xd8\xff"


def test_coverage_of_the_flights_folder_only(one: Shown) -> None:
    assert get(one, "/api/coverage").status == 404
    assert one.page.folder is not None
    (one.page.folder / "coverage.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    answer = get(one, "/api/coverage")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/geo+json")
    (one.page.folder / "coverage.geojson").unlink()


def test_the_map_is_read_by_ranges(one: Shown) -> None:
    answer = get(one, "/map.pmtiles", "Range: bytes=0-7")
    assert (answer.status, answer.body) == (206, b"PMTiles\x03")
    assert answer.headers["content-range"].startswith("bytes 0-7/")
    assert get(one, "/map.pmtiles", "Range: bytes=99999999-").status == 416


# ---- writing ----


def test_writing_needs_the_token_and_the_pages_own_origin(one: Shown) -> None:
    bearer, origin = f"Authorization: Bearer {TOKEN}", f"Origin: http://127.0.0.1:{one.port}"
    assert get(one, "/api/keep", method="POST", body=b"x").status == 403
    assert get(one, "/api/keep", origin, method="POST", body=b"x").status == 403
    assert get(one, "/api/keep", bearer, "Origin: http://evil.example", method="POST", body=b"x").status == 403
    assert get(one, "/api/keep", bearer, "Sec-Fetch-Site: cross-site", method="POST", body=b"x").status == 403
    assert json.loads(get(one, "/api/keep", bearer, origin, method="POST", body=b"xyz").body) == {"came": 3}
    cookie = f"Cookie: thermal_edge_{one.port}={TOKEN}"
    assert get(one, "/api/keep", cookie, origin, method="POST", body=b"x").status == 200


def test_bodies_are_small(one: Shown) -> None:
    bearer = f"Authorization: Bearer {TOKEN}"
    assert get(one, "/api/keep", bearer, method="POST", body=b"x" * BODY_BYTES).status == 200
    assert get(one, "/api/keep", bearer, method="POST", body=b"x" * (BODY_BYTES + 1)).status == 413
    head = f"POST /api/keep HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    assert talk(one, head.encode() + chunks * 17 + b"0\r\n\r\n").status == 413


def test_a_body_that_does_not_come(one: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "BODY_S", 0.1)
    lines = f"POST /api/keep HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\nx"
    assert talk(one, lines.encode()).status == 413


def test_a_fault_is_told_without_its_words(one: Shown, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert get(one, "/broken").status == 500
    assert b"secret" not in get(one, "/broken").body
    assert b"Traceback" not in get(one, "/broken").body
    assert [line for line in caplog.messages if "a secret" in line] == [
        "page: GET '/broken': RuntimeError('a secret'); the flight goes on"
    ]
    assert get(one, "/api/state").status == 200


# ---- who is rude ----


@pytest.mark.parametrize(
    "rude",
    [
        b"\x00\xff\xfe garbage \r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\xff\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)  # fmt: skip
def test_garbage(one: Shown, rude: bytes) -> None:
    assert talk(one, rude, half=True).status in (0, 400)
    assert get(one, "/api/state").status == 200


CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"


def test_garbage_behind_a_head_whose_answer_is_made_at_once(one: Shown, caplog: pytest.LogCaptureFixture) -> None:
    """It is no news: neither the page's log nor that of asyncio says anything."""
    request = f"PUT /api/keep HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n{CHUNKED}zz\r\n\r\n"
    answer = talk(one, request.encode())
    assert answer.status == 400
    assert b"Invalid HTTP request received." in answer.body
    assert caplog.messages == []


def test_garbage_behind_an_answer(one: Shown, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_connection(("127.0.0.1", one.port), PATIENCE_S) as connected:
        connected.sendall(f"GET /nothing HTTP/1.1\r\nHost: localhost\r\n{CHUNKED}".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += connected.recv(1 << 16)
        connected.sendall(b"zz\r\n\r\n")
        while more := connected.recv(1 << 16):
            data += more
    assert data.count(b"HTTP/1.1 ") == 1
    assert Answer(data).status == 404
    assert caplog.messages == []


def test_headers_are_small(one: Shown) -> None:
    long = "X: " + "a" * guarded.HEADER_BYTES
    head = f"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{long}\r\n"
    assert talk(one, f"{head}\r\n".encode()).status == 431
    assert talk(one, (head + "Y: " + "b" * 100_000).encode(), half=True).status in (0, 400)
    assert get(one, "/api/state").status == 200


def test_an_upgrade_is_not_made(one: Shown) -> None:
    lines = ("Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x")
    answer = talk(
        one,
        "\r\n".join(
            ["GET /api/pages HTTP/1.1", "Host: localhost", "Connection: upgrade, close", *lines, "", ""]
        ).encode(),
        half=True,
    )
    assert answer.status in (0, 200, 400)
    assert get(one, "/api/state").status == 200


def test_a_request_that_never_ends(one: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slowloris: each keeps a connection and sends no end."""
    monkeypatch.setattr(connection, "WEB_REQUEST_S", 0.2)
    monkeypatch.setattr(connection, "LOOK_S", 0.05)
    before = connection.Connection.open
    slow = [socket.create_connection(("127.0.0.1", one.port), 10) for _ in range(20)]
    for i, connected in enumerate(slow):
        connected.settimeout(PATIENCE_S)
        if i % 2:
            connected.sendall(b"GET / HTTP/1.1\r\nHost: local")
    until(lambda: connection.Connection.open <= before)
    for connected in slow:
        with connected, suppress(ConnectionResetError):
            assert connected.recv(1) == b""
    assert get(one, "/api/state").status == 200


def test_so_many_connections_at_most(one: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    until(lambda: connection.Connection.open == 0)
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 3)
    kept = [opened(one, "/api/events") for _ in range(3)]
    for connected in kept:
        assert connected.recv(12) == b"HTTP/1.1 200"
    assert get(one, "/api/state").status == 0
    for connected in kept:
        connected.close()
    until(lambda: get(one, "/api/state").status == 200)


def test_too_many_requests(tmp_path: Path) -> None:
    with shown(tmp_path, buckets=Buckets(1e-9, 5.0)) as one:
        assert [get(one, "/api/pages").status for _ in range(7)] == [200] * 5 + [429] * 2


def test_buckets_fill_again() -> None:
    t = [0.0]
    buckets = Buckets(2.0, 3.0, lambda: t[0])
    assert [buckets.take("a") for _ in range(4)] == [True, True, True, False]
    assert buckets.take("b")  # each address has its own
    t[0] = 0.5
    assert [buckets.take("a") for _ in range(2)] == [True, False]
    t[0] = 100.0
    assert [buckets.take("a") for _ in range(4)] == [True, True, True, False]
    for i in range(1000):
        buckets.take(str(i))
    assert len(buckets._left) <= guarded.MOST_ADDRESSES


def test_half_closed_and_gone(one: Shown) -> None:
    for _ in range(10):
        opened(one, "/api/events").close()
        with opened(one, "/picture.mjpeg") as connected:
            connected.shutdown(socket.SHUT_WR)
        socket.create_connection(("127.0.0.1", one.port), 10).close()
    assert get(one, "/api/state").status == 200
    until(lambda: one.live._viewers.taken == 0 and one.live._readers.taken == 0)


def test_reloads_all_the_time(one: Shown) -> None:
    """A key that hangs: nothing is left behind."""
    for _ in range(20):
        with opened(one, "/api/events"), opened(one, "/picture.mjpeg"):
            assert get(one, "/").status == 200
    until(lambda: one.live._viewers.taken == 0 and one.live._readers.taken == 0)
    assert get(one, "/api/state").status == 200


# ---- pictures ----


def test_seats_are_bounded(tmp_path: Path) -> None:
    with shown(tmp_path, viewers=2, readers=1) as one:
        one.page.note(result(0))
        two = [opened(one, "/picture.mjpeg") for _ in range(2)]
        until(lambda: one.live._viewers.taken == 2)
        third = get(one, "/picture.mjpeg")
        assert third.status == 503
        assert b"2 look already" in third.body
        two.pop().close()
        until(lambda: one.live._viewers.taken == 1)
        two.append(opened(one, "/picture.mjpeg"))
        until(lambda: one.live._viewers.taken == 2)
        for connected in two:
            connected.close()


def test_who_looks_before_the_first_frame_sees_it_come(tmp_path: Path) -> None:
    with shown(tmp_path) as one, opened(one, "/picture.mjpeg") as connected:
        until(lambda: one.live._viewers.taken == 1)
        time.sleep(0.1)
        with feeding(one.page, result, 0.01):
            data = b""
            while data.count(b"--thermal-edge-frame\r\n") < 4:
                data += connected.recv(1 << 16)
    assert data.count(b"Content-Type: image/jpeg") >= 3


def test_pictures_are_made_once_for_all_and_only_if_somebody_looks(tmp_path: Path) -> None:
    with shown(tmp_path) as one, feeding(one.page, result, 0.01):
        time.sleep(0.1)
        assert one.live.pictures.made == 0
        began = time.monotonic()
        looking = [opened(one, "/picture.mjpeg") for _ in range(4)]
        for connected in looking:
            data = b""
            while data.count(b"--thermal-edge-frame\r\n") < 4:
                data += connected.recv(1 << 16)
            assert b"Content-Type: image/jpeg\r\n" in data
        made, took = one.live.pictures.made, time.monotonic() - began
        assert made <= took * 10 + 1  # at most ten a second, however many look
        for connected in looking:
            connected.close()
        until(lambda: one.live._viewers.taken == 0)
        made = one.live.pictures.made
        time.sleep(0.2)
        assert one.live.pictures.made == made


def test_one_that_takes_nothing_holds_nobody_up_and_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "WEB_STALL_S", 0.6)
    monkeypatch.setattr(connection, "LOOK_S", 0.1)
    monkeypatch.setattr("edge.sinks.web.live.jpeg", lambda _result, _classes: b"\xff\xd8" + bytes(400_000))
    with shown(tmp_path) as one, feeding(one.page, result, 0.02), opened(one, "/picture.mjpeg"):  # it reads nothing
        until(lambda: one.live._viewers.taken == 1)
        with opened(one, "/picture.mjpeg") as other:
            data = b""
            while data.count(b"\xff\xd8") < 5:
                data = data[-4:] + other.recv(1 << 20) if data.count(b"\xff\xd8") > 9 else data + other.recv(1 << 20)
        until(lambda: one.live._viewers.taken == 0)


# ---- the end, and what is left ----


def test_it_ends_in_its_time_whoever_looks(tmp_path: Path) -> None:
    before = {stop: signal.getsignal(stop) for stop in (signal.SIGINT, signal.SIGTERM)}
    one = Shown(tmp_path, ("Person",))
    assert {stop: signal.getsignal(stop) for stop in before} == before
    one.page.note(result(0))
    streams = [opened(one, "/api/events"), opened(one, "/picture.mjpeg"), opened(one, "/api/events")]
    until(lambda: one.live._readers.taken == 2 and one.live._viewers.taken == 1)
    assert one.server is not None
    one.stop()
    one.stop()
    assert not one.server._thread.is_alive()
    told = b""
    while more := streams[0].recv(1 << 16):
        told += more
    assert b"event: over" in told
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", one.port), 1)
    for connected in streams:
        connected.close()
    assert one.server.broken == ""


def test_a_page_that_breaks_is_told_and_raises_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_self: object, sockets: object = None) -> None:
        raise SystemExit(3)

    monkeypatch.setattr(server._Uvicorn, "serve", fails)
    one = Shown(tmp_path, ("Person",))
    assert one.server is not None
    until(lambda: one.server is not None and one.server.broken)
    one.stop()
    assert any("page: it has stopped: SystemExit(3); the flight goes on" in line for line in caplog.messages)


def test_its_thread_says_that_it_lives(one: Shown) -> None:
    assert one.server is not None
    now = one.server.activity.now
    assert now is not None
    assert now.waiting
    until(lambda: one.server and one.server.activity.now and one.server.activity.now.seen > now.seen)


def test_what_changes_is_noted_without_a_browser(tmp_path: Path) -> None:
    with shown(tmp_path) as one:
        one.vitals = one.vitals._replace(state="waiting", doing="looking for the camera")
        until(lambda: one.page.events.last == 1)
        assert one.page.events.after(0).events[0].text == "No results: looking for the camera"
