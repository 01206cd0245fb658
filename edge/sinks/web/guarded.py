"""What stands around the app of a page: the gate, limits of requests and bodies, headers of safety, no traceback."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from edge.sinks.web.gate import READS, Asked, Gate

HEADER_BYTES = 16_384  # of all headers of a request
BODY_BYTES = 65_536  # of what a browser sends to be kept: a few lines of JSON
BODY_S = 10.0  # until it has come
A_SECOND, AT_ONCE = 200.0, 500.0  # requests of one address: a reload is a dozen, a moved map some fifty
MOST_ADDRESSES = 64  # that are told apart
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
SAFETY = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)


class TooMuch(Exception):
    """A body is larger, or slower, than allowed; raised to whoever reads it."""

    def __str__(self) -> str:
        return f"expected at most {BODY_BYTES} bytes within {BODY_S:g} s"


class Buckets:
    """How many requests an address may still make: ``at_once``, and ``a_second`` more each second."""

    def __init__(
        self, a_second: float = A_SECOND, at_once: float = AT_ONCE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._a_second, self._at_once, self._clock = a_second, at_once, clock
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, address: str) -> bool:
        """One request; whether it may be."""
        t = self._clock()
        left, before = self._left.pop(address, (self._at_once, t))
        left = min(left + (t - before) * self._a_second, self._at_once)
        self._left[address] = (max(left - 1.0, 0.0) if left >= 1.0 else left, t)
        if len(self._left) > MOST_ADDRESSES:
            del self._left[next(iter(self._left))]  # the one that was silent for longest
        return left >= 1.0


class Guarded:
    """An ASGI app around another one. Its own answers are one line of text."""

    def __init__(self, app: App, gate: Gate, buckets: Buckets | None = None) -> None:
        self._app, self._gate, self._buckets = app, gate, buckets or Buckets()
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        asked = asked_of(scope)
        sender = _Sender(send, asked, self._gate)
        address = str((scope.get("client") or ("",))[0])
        if not self._buckets.take(address):
            await sender.say(HTTPStatus.TOO_MANY_REQUESTS, "too many requests: wait a second", {"retry-after": "1"})
        elif sum(len(name) + len(value) for name, value in asked.headers) > HEADER_BYTES:
            text = f"expected at most {HEADER_BYTES} bytes of headers"
            await sender.say(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, text)
        elif refused := self._gate.refuse(asked):
            await sender.say(refused.status, refused.text)
        elif asked.method not in READS and _length(asked) > BODY_BYTES:
            await sender.say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {BODY_BYTES} bytes")
        else:
            try:
                # nobody reads a body that comes with GET: a stream only waits there for its peer to go
                await self._app(scope, receive if asked.method in READS else _limited(receive), sender)
            except Exception as error:
                self._tell(asked, error)
                await sender.say(HTTPStatus.INTERNAL_SERVER_ERROR, "it could not be told; the flight goes on")

    def _tell(self, asked: Asked, error: Exception) -> None:
        """In the log, once each."""
        line = f"page: {asked.method} {asked.path[:80]!r}: {error!r}"
        log.debug("%s", line, exc_info=True)
        if line not in self._told and len(self._told) < 20:
            self._told.add(line)
            log.warning("%s; the flight goes on", line)


def asked_of(scope: Scope) -> Asked:
    """The request of an ASGI scope."""
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    query = scope.get("query_string", b"").decode("latin-1")
    return Asked(scope["method"], scope["path"], query, headers)


class _Sender:
    """Sends an answer with the headers of safety; `say` is one of its own, where none has begun."""

    def __init__(self, send: Send, asked: Asked, gate: Gate) -> None:
        self._send, self._asked, self._gate = send, asked, gate
        self._begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            headers = list(message.get("headers", ()))
            there = {name.lower() for name, _ in headers}
            own = {**SAFETY, "cache-control": "no-store"}
            headers += [(k.encode(), v.encode()) for k, v in own.items() if k.encode() not in there]
            html = any(k.lower() == b"content-type" and v.startswith(b"text/html") for k, v in headers)
            if html and message["status"] == 200 and (cookie := self._gate.welcome(self._asked)):
                headers.append((b"set-cookie", cookie.encode()))
            message = {**message, "headers": headers}
        await self._send(message)

    async def say(self, status: HTTPStatus, text: str, more: dict[str, str] | None = None) -> None:
        if self._begun:
            raise ConnectionAbortedError(text)  # the answer is cut off: its length tells the browser
        body = f"{status.value} {status.phrase}: {text}\n".encode()
        headers = {
            "content-type": "text/plain; charset=utf-8",
            "content-length": str(len(body)),
            "connection": "close",
            **(more or {}),
        }
        await self(
            {
                "type": "http.response.start",
                "status": status.value,
                "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
            }
        )
        await self({"type": "http.response.body", "body": b"" if self._asked.method == "HEAD" else body})


def _length(asked: Asked) -> int:
    text = asked.one("content-length") or "0"
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else BODY_BYTES + 1


def _limited(receive: Receive) -> Receive:
    """The same, as long as the body is small and comes in its time; afterwards it waits as long as it takes."""
    end, came, whole = time.monotonic() + BODY_S, 0, False

    async def limited() -> Message:
        nonlocal came, whole
        if whole:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(end - time.monotonic(), 0.01))
        except asyncio.TimeoutError:
            raise TooMuch from None
        if message["type"] == "http.request":
            came += len(message.get("body", b""))
            whole = not message.get("more_body", False)
        if came > BODY_BYTES:
            raise TooMuch
        return message

    return limited
