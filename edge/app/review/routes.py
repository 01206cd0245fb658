"""The addresses of the reviewing page: ``/review``, ``/api/review``, ``/crops/NAME``, ``/frames/SEQ``.

They are put into a server by who has one: `edge.app.review.serve` after a flight, the page of a run during it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from edge.app.review.answers import MOST_BODY, Answers, encoded
from edge.app.review.stretched import stretched
from edge.errors import EdgeError, InputError
from edge.system.budget import REVIEW_BODY_S

PAGE = Path(__file__).parent / "page"
FILES = {  # of the page; no other name leads to a file
    "review.css": "text/css; charset=utf-8",
    "review.js": "text/javascript; charset=utf-8",
    "state.js": "text/javascript; charset=utf-8",
    "views.js": "text/javascript; charset=utf-8",
    "frame.js": "text/javascript; charset=utf-8",
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
LONGEST_NUMBER = 18

Endpoint = Callable[[Request], Awaitable[Response]]


def review_routes(find: Callable[[], Answers], home: bool = False) -> list[BaseRoute]:
    """The routes over one flight, for a server that has a gate (`edge.sinks.web.app.web_app`): who may ask is asked
    there. Everything that reads or writes a file is done in a thread of its own.

    ``find``: the flight's; called in such a thread, it raises InputError as long as there is none. ``home``: the bare
    address leads to the page, too.
    """

    async def page(_request: Request) -> Response:
        return _file("review.html", "text/html; charset=utf-8")

    async def bare(_request: Request) -> Response:
        return RedirectResponse("/review", 303, HEADERS)

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        return _file(name, FILES[name]) if name in FILES else _plain(404, "there is no such file")

    async def look(request: Request) -> Response:
        stamp = f'"{await run_in_threadpool(lambda: find().stamp())}"'
        headers = {**HEADERS, "ETag": stamp, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == stamp:
            return Response(status_code=304, headers=headers)
        return _json(await run_in_threadpool(lambda: find().everything()), headers)

    async def say(request: Request, tell: Callable[[Answers, bytes], object]) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":  # what a form of another page cannot send
            return _plain(415, "expected application/json")
        body = await _body(request)
        return body if isinstance(body, Response) else _json(await run_in_threadpool(lambda: tell(find(), body)))

    async def crop(request: Request) -> Response:
        found = await run_in_threadpool(lambda: find().flight.picture(f"crops/{request.path_params['name']}"))
        if found is None:
            return _plain(404, "no track has such a picture")
        data, kind = found
        if request.query_params.get("as") == "stretched":
            data = await run_in_threadpool(stretched, data)
        return _picture(data, kind)

    async def frame(request: Request) -> Response:
        seq, step = _number(request.path_params["seq"]), _number(request.query_params.get("step", "0"))
        if step is None or (seq is None and request.path_params["seq"] != "newest"):
            return _plain(400, "expected the number of a frame, or newest")
        told = await run_in_threadpool(lambda: find().frame(seq, step))
        return _plain(404, "there is no such frame") if told is None else _json(told)

    async def whole(request: Request) -> Response:
        seq = _number(request.path_params["seq"])
        shown = None if seq is None else await run_in_threadpool(lambda: find().frames.shown(seq))
        if shown is None:
            return _plain(404, "there is no picture of this frame")
        return _picture(shown.picture, shown.kind, {"X-Drawn": str(int(shown.drawn))})

    def route(path: str, endpoint: Endpoint, method: str = "GET") -> Route:
        return Route(path, partial(_told, endpoint=endpoint), methods=[method])

    return [
        *([route("/", bare)] if home else []),
        route("/review", page),
        route("/review/{name}", file),
        route("/api/review", look),
        route("/api/review", partial(say, tell=Answers.add), "POST"),
        route("/api/review/undo", partial(say, tell=Answers.undo), "POST"),
        route("/api/frame/{seq}", frame),
        route("/frames/{seq}.png", whole),
        route("/crops/{name:path}", crop),
    ]


async def _told(request: Request, endpoint: Endpoint) -> Response:
    try:
        return await endpoint(request)
    except (InputError, ValueError) as error:
        return _json({"error": str(error)}, status=400)
    except EdgeError as error:  # such as a full disk
        return _json({"error": str(error)}, status=507)
    except ClientDisconnect:
        return _plain(400, "it was cut off")


async def _body(request: Request) -> bytes | Response:
    """What was sent; or why it is not taken."""

    async def come() -> bytes | Response:
        data = bytearray()
        async for part in request.stream():
            data += part
            if len(data) > MOST_BODY:
                return _plain(413, f"expected at most {MOST_BODY >> 10} KiB")
        return bytes(data)

    try:
        return await asyncio.wait_for(come(), REVIEW_BODY_S)
    except asyncio.TimeoutError:
        return _plain(408, f"it did not come within {REVIEW_BODY_S:g} s")


def _number(text: str) -> int | None:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_NUMBER else None


def _file(name: str, kind: str) -> Response:
    return Response((PAGE / name).read_bytes(), media_type=kind, headers={**HEADERS, "Cache-Control": "no-cache"})


def _json(value: object, headers: dict[str, str] | None = None, status: int = 200) -> Response:
    return Response(encoded(value), status, headers or HEADERS, "application/json")


def _picture(data: bytes, kind: str, more: dict[str, str] | None = None) -> Response:
    kept = {**HEADERS, "Cache-Control": "private, max-age=3600", **(more or {})}
    return Response(data, headers=kept, media_type=kind)


def _plain(status: int, text: str) -> Response:
    return Response(json.dumps({"error": text}), status, HEADERS, "application/json")
