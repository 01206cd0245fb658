"""What a browser, or whoever is in the same network, sends to the page of a run; its map, and what a review holds."""

from __future__ import annotations

import functools
import random
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from edge.errors import EdgeError, InputError
from tests.fuzz.folder import put
from tests.fuzz.mutate import NUMBERS, WORDS
from tests.fuzz.of_flights import flown
from tests.fuzz.target import Target

SECRET = b"only the owner of this machine may read it"
FLIGHT = "flight"
HEAD = "Host: localhost:9100\r\nConnection: close\r\n"
TOKEN = "a-token-of-the-tests"
MAY_WRITE = f"{HEAD}Cookie: a=b; thermal_edge_9100={TOKEN}\r\nContent-Type: application/json\r\n"

GETS = (
    *("/", "/static/page.js", "/static/leaflet/leaflet.js", "/api/pages", "/api/state", "/api/marks?since=1"),
    *("/api/events?last=x-1", "/api/coverage", "/api/tiles", "/picture.jpg", "/picture.mjpeg", "/map.pmtiles"),
    *("/review", "/review/review.js", "/api/review", "/api/frame/newest?step=-1", "/api/frame/3", "/frames/0.png"),
    *("/crops/000003-1.png", f"/?open={TOKEN}", "*", "http://localhost:9100/api/state", "localhost:9100"),
)
ODD_PATHS = (
    *("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2f..%2fsecret", "/crops/../secret", "/%00", "//x//"),
    *("/crops/%2e%2e%2f%2e%2e%2fsecret", "/crops//etc/passwd", "/review/../../secret", "/frames/%ff.png", "/%u0041"),
    *("/frames/-1.png", "/frames/999999999999999999.png", "/frames/../secret.png", "/api/frame/%D9%A1", "/crops/%00"),
    *(
        "/api/frame/-000000000000000001",
        "/static/%C0%AE%C0%AE/app.py",
        "/crops/" + "a" * 5000,
        "/" * 3000,
        "/static/\\",
    ),
)
METHODS = (
    *("GET",) * 6,
    "HEAD",
    *("POST",) * 5,
    "PUT",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PRI",
    "get",
    "A" * 200,
)
HEADERS = (
    *("Host: 127.0.0.1:9100", "Host: evil.example", "Host: [::1]:9100", "Host: [::", "Host: localhost:99999", "Host:"),
    *("Origin: http://localhost:9100", "Origin: null", "Origin: http://evil.example", "Sec-Fetch-Site: cross-site"),
    *("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "If-None-Match: *"),
    *(f"Cookie: thermal_edge_9100={TOKEN}", "Cookie: ;=;;", f"Authorization: Bearer {TOKEN}", "Authorization: Basic x"),
    *("Last-Event-ID: x-1", "Last-Event-ID: -", "Content-Length: 5", "Content-Length: -1", "Content-Length: 999999999"),
    *(
        "Range: bytes=0-",
        "Range: bytes=0-9,5-6",
        "Range: bytes=-5",
        "Range: bytes=9-1",
        "Range: bytes=1-x",
        "Range: x=1",
    ),
    *("Range: bytes=" + "0-1," * 500, "If-Range: x", "If-Range: Wed, 21 Oct 2015 07:28:00 GMT", "Expect: 100-continue"),
    *("Transfer-Encoding: chunked", "Transfer-Encoding: gzip", "Upgrade: websocket", "Connection: Upgrade, close"),
    *("Content-Type: application/json", "Content-Type: multipart/form-data; boundary=x", "X: " + "y" * 17_000),
    *("Forwarded: for=1.2.3.4", "X-Forwarded-Host: evil.example", "Accept-Encoding: gzip", "X: \u00ff", "X : y", ": y"),
)
BODIES = (
    *('{"verdict": "right", "tracks": [3]}', '{"verdict": "wrong", "tracks": [3, 4], "by": "me"}', "{}", '{"n": 1}'),
    *('{"verdict": "missed", "frame": 0, "box": [10, 10, 20, 20]}', '{"verdict": "unsure", "tracks": [4]}', "", "[]"),
    *('{"verdict": "right", "tracks": [4], "label": 2}', '{"verdict": "missed", "label": 1}', '{"n": null}', "\0\xff"),
)


def _post(path: str, body: str, head: str = MAY_WRITE) -> str:
    return f"POST {path} HTTP/1.1\r\n{head}Content-Length: {len(body.encode())}\r\n\r\n{body}"


def requests() -> dict[str, bytes]:
    """Each address once, what is said once as it should be and once in pieces, and several on one connection."""
    texts = [f"GET {path} HTTP/1.1\r\n{HEAD}\r\n" for path in GETS]
    texts += [f"GET /map.pmtiles HTTP/1.1\r\n{HEAD}Range: bytes={part}\r\n\r\n" for part in ("0-9", "0-3,20-30", "-8")]
    texts += [_post("/api/review", body) for body in BODIES[:2]]
    texts += [_post("/api/review/undo", "{}"), _post("/api/review", BODIES[4])]
    chunked = 'Transfer-Encoding: chunked\r\n\r\n5\r\n{"n":\r\n3;a=b\r\n 1}\r\n0\r\n\r\n'
    texts += [f"POST /api/review/undo HTTP/1.1\r\n{MAY_WRITE}{chunked}"]
    stays = HEAD.replace("close", "keep-alive")
    texts += [f"GET /api/state HTTP/1.1\r\n{stays}\r\n" * 2 + texts[0], f"HEAD / HTTP/1.0\r\n{HEAD}\r\n"]
    return {str(i): text.encode() for i, text in enumerate(texts)}


def odd_request(rng: random.Random) -> bytes:
    """One to three on a connection, right in their form: their lines end, and most bodies are as long as they say."""
    paths = [path for path in GETS if path.startswith("/")]
    words = [word for word in (*WORDS, *NUMBERS) if len(word) < 500 and "\n" not in word and "\r" not in word]
    whole = b""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        method, path = rng.choice(METHODS), rng.choice(rng.choice((paths, paths, ODD_PATHS)))
        if method == "POST" and rng.random() < 0.8:
            path = rng.choice(("/api/review", "/api/review/undo"))
        if rng.random() < 0.3:
            name = rng.choice(("open", "last", "since", "step", "map", ""))
            path += rng.choice("?&") + name + "=" + rng.choice((TOKEN, *words))
        lines = [f"{method} {path} HTTP/1.{rng.choice('1110')}"]
        if rng.random() < 0.6:
            lines += [f"Cookie: thermal_edge_9100={TOKEN}", "Content-Type: application/json"]
        lines += rng.choices(HEADERS, k=min(int(rng.expovariate(0.8)), 8))
        if not any(line.startswith("Host") for line in lines) or rng.random() < 0.02:
            lines.insert(1, "Host: localhost:9100")
        if rng.random() < 0.15:
            lines.append(rng.choice(HEADERS).partition(":")[0] + ": " + rng.choice(words))
        body = rng.choice(BODIES).encode("latin-1") if rng.random() < 0.6 else b""
        body *= rng.choice((1, 1, 1, 1, 1, 1, 1, 5000))
        lines += [f"Content-Length: {len(body)}"] * (rng.random() < 0.8)
        whole += "\r\n".join((*lines, "", "")).encode("utf-8", "surrogatepass") + body
    return whole


@functools.cache
def _map() -> bytes:
    from tests.support.pmtiles_file import write_pmtiles

    with tempfile.TemporaryDirectory() as name:
        return write_pmtiles(Path(name) / "m", {(0, 0, 0): b"a tile", (1, 1, 0): b"another"}).read_bytes()


def beside_page() -> dict[str, bytes]:
    """A flight, a map, and what lies beside both and is nobody's business."""
    flight = {f"{FLIGHT}/{name}": data for name, data in flown().items()}
    coverage = {f"{FLIGHT}/coverage.geojson": b'{"type": "FeatureCollection", "features": []}'}
    secrets = dict.fromkeys(("secret", "secret.png", f"{FLIGHT}/secret", f"{FLIGHT}/crops/secret.png"), SECRET)
    return flight | coverage | secrets | {"area.pmtiles": _map()}


def ask_page(folder: Path, data: bytes) -> None:
    """One connection, as the page's server makes it, on which this comes. Its last refusal is raised."""
    from tests.fuzz.one_connection import talk

    before = _files(folder)
    answers = talk(folder / FLIGHT, folder / "area.pmtiles", TOKEN, data)
    changed = {name for name, state in _files(folder).items() if before.get(name) != state}
    assert all(name.startswith((f"{FLIGHT}/review.jsonl", f"{FLIGHT}/missed")) for name in changed), changed
    assert not changed or TOKEN.encode() in data, changed
    assert all(SECRET not in answer.body for answer in answers), answers
    assert all(200 <= answer.status < 500 for answer in answers), answers
    if answers and answers[-1].status >= 400:
        raise InputError(f"{answers[-1].status}: {answers[-1].body[:80].decode('latin-1')}")
    if not answers:
        raise InputError("the connection ended without an answer")


def _files(folder: Path) -> Mapping[str, tuple[int, int]]:
    found = ((path, path.stat()) for path in folder.rglob("*") if not path.is_dir())
    return {str(path.relative_to(folder)): (state.st_size, state.st_mtime_ns) for path, state in found}


def look_at_map(folder: Path, data: bytes) -> None:
    """Nothing is raised: a flight does not wait for its map."""
    from edge.sinks.web.tiles import look_at

    put(folder / "m.pmtiles", data)
    path, why = look_at(folder / "m.pmtiles")
    assert (path is None) == bool(why), why
    if path is None:
        raise InputError(why)


def bodies(*at: int) -> Callable[[], dict[str, bytes]]:
    return lambda: {str(i): BODIES[i].encode("latin-1") for i in at}


def beside_review() -> dict[str, bytes]:
    return flown() | reviews()


def say(undo: bool) -> Callable[[Path, bytes], None]:
    def act(folder: Path, data: bytes) -> None:
        """What is taken can be read again, and is told as JSON."""
        import json

        from edge.app.review.answers import Answers, encoded
        from edge.app.review.pictures import RecentFrames
        from edge.app.review.store import Review
        from tests.support.shown_page import result

        frames = RecentFrames()
        frames.write(result(0))
        answers = Answers(folder, frames)
        was = answers.review.last
        told = answers.undo(data) if undo else answers.add(data)
        json.loads(encoded(told))
        try:
            json.loads(encoded(answers.everything()))
            last = Review.read(folder).last
        except (EdgeError, ValueError) as error:
            raise AssertionError(f"what was taken cannot be read: {error}") from error
        assert last == was + (told["n"] is not None)

    return act


@functools.cache
def reviews() -> dict[str, bytes]:
    from edge.app.review.store import Review

    with tempfile.TemporaryDirectory() as name:
        review = Review.read(Path(name))
        review.add("right", [3], label=1, by="me")
        review.add("wrong", [3, 4])
        review.add_missed(5, (1.0, 2.0, 30.0, 40.0), 0)
        review.undo(1)
        review.add("unsure", [4])
        return {"review.jsonl": (Path(name) / "review.jsonl").read_bytes()}


def go_on_with(folder: Path, data: bytes) -> None:
    """Read, told, and gone on with: what is added counts, and what was there still does."""
    from edge.app.review.store import Review

    put(folder / "review.jsonl", data)
    review = Review.read(folder)
    before = review.opinions, len(review.missed), review.counts, review.torn
    line = review.add("right", [77_777])
    try:
        assert Review.read(folder).of_track(77_777) == "right"
        assert review.undo(line.n) is not None
        again = Review.read(folder)
    except (EdgeError, ValueError) as error:
        raise AssertionError(f"what was taken cannot be read: {error}") from error
    assert 77_777 in before[0] or (again.opinions, len(again.missed), again.counts, again.torn) == before


SAID = (EdgeError, ValueError)
WEB = ("starlette", "uvicorn")
ROWS = (
    Target("web-request", requests, ask_page, "text", made=odd_request, beside=beside_page, needs=WEB),
    Target("review-body", bodies(0, 1, 4, 5, 8, 9), say(undo=False), "json", raises=SAID, beside=beside_review),
    Target("review-undo", bodies(2, 10), say(undo=True), "json", raises=SAID, beside=beside_review),
    Target("review", reviews, go_on_with, "lines", raises=SAID),
    Target("pmtiles", lambda: {"pictures": _map()}, look_at_map),
)
