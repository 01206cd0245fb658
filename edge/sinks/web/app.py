"""The app of a page: whatever routes it is given, and the page's own files, behind a gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from edge.sinks.web.gate import Gate
from edge.sinks.web.guarded import App, Buckets, Guarded, TooMuch
from edge.sinks.web.static_files import StaticFile, static_files


def web_app(
    routes: Sequence[BaseRoute],
    gate: Gate,
    links: Mapping[str, str] | None = None,
    files: Mapping[str, StaticFile] | None = None,
    buckets: Buckets | None = None,
) -> App:
    """An ASGI app. ``routes``: of a run (`edge.sinks.web.live.Live.routes`), of its review, or both; they win over the
    page's own files. ``links``: name and path of other pages that the page leads to, such as ``{"Review": "/review"}``.
    ``files``: by default the page's own, at ``/`` and ``/static/NAME``.

    What changes anything is a POST and needs the token, which the browser has after it has loaded any HTML of this app.
    """
    known = static_files() if files is None else files
    told = [{"name": name, "path": path} for name, path in (links or {}).items()]

    async def index(request: Request) -> Response:
        return _file(request, known["index.html"])

    async def static(request: Request) -> Response:
        file = known.get(request.path_params["name"])
        return Response("404: there is no such file\n", 404) if file is None else _file(request, file)

    async def pages(_request: Request) -> Response:
        return JSONResponse(told)

    own: list[BaseRoute] = [
        Route("/", index, methods=["GET"]),
        Route("/static/{name:path}", static, methods=["GET"]),
        Route("/api/pages", pages, methods=["GET"]),
    ]
    return Guarded(Starlette(routes=[*routes, *own], exception_handlers={TooMuch: _too_much}), gate, buckets)


async def _too_much(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"413: {error}\n", 413, headers={"connection": "close"})


def _file(request: Request, file: StaticFile) -> Response:
    headers = {"etag": file.etag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    return Response(file.data, media_type=file.kind, headers=headers)
