"""The routes of a run that flies: its state, its pictures and events, its map."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from edge.sinks.web.page import COVERAGE, Page
from edge.sinks.web.picture import jpeg
from edge.sinks.web.streams import BOUNDARY, Full, Pictures, Seats, States, mjpeg, server_sent
from edge.sinks.web.tiles import Tiles

MOST_READERS = 8  # of figures and events
MOST_VIEWERS = 4  # of the picture
MOST_COVERAGE = 8 << 20  # bytes
PMTILES = "application/vnd.pmtiles"


class Live:
    """``over``: may be set, from any thread: every stream ends."""

    def __init__(self, page: Page, tiles: Tiles, viewers: int = MOST_VIEWERS, readers: int = MOST_READERS) -> None:
        self.page, self._tiles = page, tiles
        self.pictures = Pictures(lambda: page.newest, lambda result: jpeg(result, page.classes))
        self._states = States(page)
        self._viewers, self._readers = Seats(viewers), Seats(readers)
        self._over = False

    def end(self) -> None:
        """Every stream ends soon; from any thread."""
        self._over = self.pictures.over = True

    def routes(self) -> list[BaseRoute]:
        """For `web_app`."""
        return [
            Route("/api/state", self._state, methods=["GET"]),
            Route("/api/events", self._events, methods=["GET"]),
            Route("/api/marks", self._marks, methods=["GET"]),
            Route("/api/coverage", self._coverage, methods=["GET"]),
            Route("/api/tiles", self._tiles_told, methods=["GET"]),
            Route("/picture.mjpeg", self._mjpeg, methods=["GET"]),
            Route("/picture.jpg", self._jpeg, methods=["GET"]),
            Route("/map.pmtiles", self._pmtiles, methods=["GET"]),
        ]

    async def _state(self, _request: Request) -> Response:
        return Response(self._states.text(), media_type="application/json")

    async def _events(self, request: Request) -> Response:
        last = request.headers.get("last-event-id") or request.query_params.get("last")
        stream = partial(server_sent, self.page.events, self._states.text, last, lambda: self._over)
        return self._seated(self._readers, stream, "text/event-stream; charset=utf-8")

    async def _mjpeg(self, _request: Request) -> Response:
        kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        return self._seated(self._viewers, partial(mjpeg, self.pictures), kind)

    async def _jpeg(self, _request: Request) -> Response:
        if self.page.newest is None:
            return PlainTextResponse("404: there is no picture yet\n", 404)
        _, data = await self.pictures.after(self.pictures.before)
        return Response(data, media_type="image/jpeg")

    async def _marks(self, request: Request) -> Response:
        text = request.query_params.get("since", "0")
        since = int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0
        return JSONResponse(self.page.marks.since(since))

    async def _coverage(self, _request: Request) -> Response:
        folder = self.page.folder
        path = None if folder is None else folder / COVERAGE
        if path is None or not path.is_file():
            return PlainTextResponse("404: no coverage is mapped (--coverage)\n", 404)
        if os.stat(path).st_size > MOST_COVERAGE:
            return PlainTextResponse("413: the coverage is too large for a page\n", 413)
        return FileResponse(path, media_type="application/geo+json")

    async def _tiles_told(self, _request: Request) -> Response:
        return JSONResponse({"path": "/map.pmtiles" if self._tiles.path else None, "why": self._tiles.why})

    async def _pmtiles(self, _request: Request) -> Response:
        path: Path | None = self._tiles.path
        if path is None or not path.is_file():
            return PlainTextResponse("404: there is no map file\n", 404)
        return FileResponse(path, media_type=PMTILES, headers={"cache-control": "no-cache"})

    def _seated(self, seats: Seats, stream: Callable[[], AsyncIterator[bytes]], kind: str) -> Response:
        """A stream as long as there is a seat: else 503, in words."""
        try:
            seats.__enter__()
        except Full as full:
            text = f"503: {full.most} look already: close another window, or wait\n"
            return PlainTextResponse(text, 503, headers={"retry-after": "5"})
        return _Seated(stream(), kind, seats)


class _Seated(StreamingResponse):
    """Gives its seat back, however it ends."""

    def __init__(self, stream: AsyncIterator[bytes], kind: str, seats: Seats) -> None:
        super().__init__(stream, media_type=None, headers={"content-type": kind, "x-accel-buffering": "no"})
        self._seats = seats

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        try:
            await super().__call__(scope, receive, send)  # type: ignore[arg-type]
        finally:
            self._seats.__exit__()
