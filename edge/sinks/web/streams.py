"""What a page gets without asking again: pictures (MJPEG), and figures and events (Server-Sent Events).

Of pictures each browser has a slot of one: it gets the newest when it has taken the one before. One that is slow gets
fewer, one that hangs none; nobody waits for it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from edge.data import Result
from edge.sinks.web.events import Event, Events
from edge.sinks.web.page import Page, clean

PICTURES_HZ = 10.0
STATE_S = 0.5  # between two states
LOOK_S = 0.2  # how often a stream looks whether there is an event, or the end
AGAIN_MS = 2000  # a browser that lost the stream tries so soon again
BOUNDARY = "thermal-edge-frame"
WATCH_S = 1.0  # between two looks at what changed in the run


class Full(Exception):
    """So many look already: ``most``."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class Seats:
    """At most so many at a time. ``taken``: now."""

    def __init__(self, most: int) -> None:
        self.most, self.taken = most, 0

    def __enter__(self) -> None:
        if self.taken >= self.most:
            raise Full(self.most)
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self.taken -= 1


class Pictures:
    """The newest result as a JPEG: ``encode`` is called once for it, in the loop's thread, only while somebody waits
    for a picture, and at most ``hz`` times a second. ``made``: how often. ``over``: may be set: nothing more comes.
    """

    def __init__(
        self, newest: Callable[[], Result | None], encode: Callable[[Result], bytes], hz: float = PICTURES_HZ
    ) -> None:
        self._newest, self._encode, self._pause_s = newest, encode, 1 / hz
        self._shown: Result | None = None
        self._jpeg = b""
        self._at = float("-inf")
        self._waiting = 0
        self._making: asyncio.Task[None] | None = None
        self.made = 0
        self.over = False

    async def after(self, number: int) -> tuple[int, bytes]:
        """The newest picture and its number, as soon as there is one of another number; b"" at the end."""
        self._waiting += 1
        try:
            while not self.over and self.made in (0, number):
                if self._making is None or self._making.done():
                    self._making = asyncio.create_task(self._make())
                await asyncio.shield(self._making)  # one looks for all
        finally:
            self._waiting -= 1
        return (number, b"") if self.over else (self.made, self._jpeg)

    @property
    def before(self) -> int:
        """After which number the newest result comes: a picture that was made when somebody looked last may be old."""
        return self.made if self._newest() is not self._shown else self.made - 1

    async def _make(self) -> None:
        """The next picture, in its time; nothing where nobody waits any more."""
        while self._waiting and not self.over:
            t, result = time.monotonic(), self._newest()
            if result is not None and result is not self._shown and t - self._at >= self._pause_s:
                self._shown, self._at = result, t
                self._jpeg = self._encode(result)
                self.made += 1
                return
            await asyncio.sleep(min(self._pause_s / 3, LOOK_S))


async def mjpeg(pictures: Pictures) -> AsyncIterator[bytes]:
    """Parts of ``multipart/x-mixed-replace``. A browser shows one when the head of the next has come: so each ends with
    that, and none says its length.
    """
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n\r\n".encode()
    yield head
    number = pictures.before
    while True:
        number, data = await pictures.after(number)
        if not data:
            return
        yield b"%s\r\n%s" % (data, head)


class States:
    """The page's state as JSON, made once for all who look within `STATE_S`."""

    def __init__(self, page: Page) -> None:
        self._page, self._text, self._at = page, "", float("-inf")

    def text(self) -> str:
        """It."""
        t = time.monotonic()
        if t - self._at >= STATE_S:
            self._text, self._at = self._page.state(), t
        return self._text


async def server_sent(
    events: Events, state: Callable[[], str], last: str | None, over: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """``log``: an event, with an id; ``missed``: how many are not kept any more; ``state``: every half second.

    ``last``: the id that a browser had last, None or another run's: it gets all that is kept. ``over``: the run ends.
    """
    yield f"retry: {AGAIN_MS}\n\n".encode()
    number, next_state = events.number(last or ""), 0.0
    if number == 0:
        yield _said("fresh", clean({"run": events.run}))
    while not over():
        missed = events.after(number)
        if missed.left_out:
            yield _said("missed", {"left_out": missed.left_out})
        for event in missed.events:
            yield _log(events, event)
            number = event.number
        if (t := time.monotonic()) >= next_state:
            next_state = t + STATE_S
            yield b"event: state\ndata: " + state().encode() + b"\n\n"
        await asyncio.sleep(LOOK_S)
    yield _said("over", {})


def _log(events: Events, event: Event) -> bytes:
    return f"id: {events.name(event.number)}\n".encode() + _said("log", event._asdict())


def _said(kind: str, what: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(clean(what), allow_nan=False)}\n\n".encode()
