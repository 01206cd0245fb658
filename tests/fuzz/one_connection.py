"""One connection to the page of a run, without a socket: what comes is given to it, and it ends by itself.

Its loop has a clock that jumps to whatever is waited for, and what would run in a thread is run at once: a case waits
for nothing.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

LATEST_S = 60.0  # by then a connection has ended, whatever came; on the clock that jumps
STREAMS_END_S = 1.0  # then the run ends, and its streams with it
PIECE = 700  # bytes that come at a time


class Answer(NamedTuple):
    """To one request. ``body``: what of it came."""

    status: int
    body: bytes


class _Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Nothing is waited for: its clock is moved on."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "it waits for what never comes"
        self.now += timeout
        return super().select(0)


class _Transport(asyncio.Transport):
    """Takes what is sent, as a peer that reads at once."""

    def __init__(self, protocol: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__({"peername": ("127.0.0.1", 5), "sockname": ("127.0.0.1", 9100)})
        self._protocol, self._loop = protocol, loop
        self.sent = b""
        self.ended = False

    def write(self, data: Any) -> None:
        if not self.ended:
            self.sent += data

    def close(self) -> None:
        if not self.ended:
            self.ended = True
            self._loop.call_soon(self._protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self.ended

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """What came already is not taken back."""

    def resume_reading(self) -> None:
        """As `pause_reading`."""


def talk(flight: Path, tiles: Path, token: str, data: bytes) -> list[Answer]:
    """What is answered to this. Raises AssertionError where something is raised on the way, or does not end."""
    from edge.sinks.web.connection import quiet

    selector = _Selector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    errors: list[str] = []
    loop.set_exception_handler(lambda _loop, told: errors.append(repr(told)))
    try:
        with patch("anyio.to_thread.run_sync", _at_once), patch.object(quiet, "error", _noted(errors)):
            return loop.run_until_complete(_talk(loop, flight, tiles, token, data, errors))
    finally:
        loop.close()


async def _at_once(function: Callable[..., Any], *arguments: Any, **_: Any) -> Any:
    return function(*arguments)


def _noted(errors: list[str]) -> Callable[..., None]:
    def note(text: str, *_: object, exc_info: Any = None, **__: object) -> None:
        errors.append(f"{text} {exc_info!r}")

    return note


@functools.cache
def _static() -> Mapping[str, Any]:
    from edge.sinks.web.static_files import static_files

    return static_files()


async def _talk(
    loop: asyncio.AbstractEventLoop, flight: Path, tiles: Path, token: str, data: bytes, errors: list[str]
) -> list[Answer]:
    from uvicorn.server import ServerState

    from edge.app.review.answers import Answers
    from edge.app.review.pictures import RecentFrames
    from edge.app.review.routes import review_routes
    from edge.sinks.web.app import web_app
    from edge.sinks.web.connection import Connection
    from edge.sinks.web.gate import Gate
    from edge.sinks.web.guarded import Buckets
    from edge.sinks.web.live import Live
    from edge.sinks.web.page import Page
    from edge.sinks.web.server import config_of
    from edge.sinks.web.tiles import look_at
    from tests.support.shown_page import FLYING, result

    page, frames = Page(lambda: FLYING), RecentFrames()
    page.begin(("Person", "deer", "hot spot"), flight)
    page.note(result(0))
    frames.write(result(0))
    live = Live(page, look_at(tiles))
    find = functools.cache(lambda: Answers(flight, frames))
    gate = Gate(token, False, 9100, frozenset())
    app = web_app([*live.routes(), *review_routes(find)], gate, {"Review": "/review"}, _static(), Buckets(1e6, 1e6))
    answers: list[Answer] = []
    config = config_of(_told(app, answers))
    config.load()
    state = ServerState()
    connection = Connection(config, state, {}, loop)
    transport = _Transport(connection, loop)
    connection.connection_made(transport)
    for at in range(0, len(data), PIECE):
        if not transport.ended:
            connection.data_received(data[at : at + PIECE])
            await asyncio.sleep(0)
    while not (transport.ended and not state.tasks) and loop.time() < LATEST_S:
        await asyncio.sleep(0.25)
        if loop.time() > STREAMS_END_S:
            live.end()
    await asyncio.sleep(0)  # it is told that it was closed
    left = len(state.tasks)
    assert transport.ended, f"after {LATEST_S:g} s it has not ended"
    assert not left, f"{left} answers go on"
    assert not errors, errors
    assert not app._told, app._told  # type: ignore[attr-defined]
    assert Connection.open == 0, "a place is still taken"
    assert transport.sent == b"" or transport.sent.startswith(b"HTTP/1.1 "), transport.sent[:80]
    if transport.sent.startswith(b"HTTP/1.1 400 ") and not answers:
        answers.append(Answer(400, transport.sent.partition(b"\r\n\r\n")[2]))
    return answers


def _told(app: Any, answers: list[Answer]) -> Any:
    """The same app; what it sends is noted."""

    async def noted(scope: Any, receive: Any, send: Any) -> None:
        async def note(message: Any) -> None:
            if message["type"] == "http.response.start":
                answers.append(Answer(message["status"], b""))
            else:
                answers[-1] = Answer(answers[-1].status, answers[-1].body + message.get("body", b""))
            await send(message)

        await app(scope, receive, note)

    return noted
