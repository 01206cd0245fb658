"""One connection to the page: uvicorn's, with what it lacks against slow and hung ones.

uvicorn waits for ever for a request that never ends, and for a peer that takes nothing. Here a request has a time to
come in, an answer has to move, and there are so many connections at most.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from edge.system.budget import WEB_REQUEST_S, WEB_STALL_S

MOST_CONNECTIONS = 64  # a browser keeps six; eight of them
SEND_BYTES = 131_072  # that the system keeps of an answer: a slow browser's picture is not older than these
LOOK_S = 0.5

quiet = logging.getLogger(f"{__name__}.uvicorn")  # garbage that came is no news: one line each would be a flood
quiet.setLevel(logging.CRITICAL)


class Connection(H11Protocol):
    """As uvicorn makes one for each socket."""

    open = 0  # of this process

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.logger = quiet
        self._looks: asyncio.TimerHandle | None = None
        self._cycle_seen: object = None
        self._idle_s = self._stalled_s = 0.0
        self._unsent = 0
        self._counted = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if Connection.open >= MOST_CONNECTIONS:
            transport.abort()
            return
        Connection.open += 1
        self._counted = True
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        self._looks = self.loop.call_later(LOOK_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._counted:
            Connection.open -= 1
            self._counted = False
        if self._looks is not None:
            self._looks.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP. Where an answer is under way, whoever makes it is told that nobody listens any more:
        it could not be sent behind this one; where it has begun, there is nothing left to be said.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        try:
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                super().send_400_response(msg)
                return
        except h11.LocalProtocolError:  # behind a HEAD no answer has words; what was sent until here is whole
            pass
        self.transport.close()

    def _look(self) -> None:
        """Whether a request comes, or an answer goes; else it ends at once."""
        if self.transport.is_closing() and not self.transport.get_write_buffer_size():
            return
        if self._request_waits():
            self._idle_s += LOOK_S
        else:
            self._idle_s = 0.0
        unsent = self.transport.get_write_buffer_size()
        self._stalled_s = self._stalled_s + LOOK_S if unsent and unsent == self._unsent else 0.0
        self._unsent = unsent
        if self._idle_s >= WEB_REQUEST_S or self._stalled_s >= WEB_STALL_S:
            self.transport.abort()
            return
        self._looks = self.loop.call_later(LOOK_S, self._look)

    def _request_waits(self) -> bool:
        """Whether a head was begun, or none has come at all: between two requests uvicorn has a time-out itself."""
        busy = self.cycle is not None and not self.cycle.response_complete
        return not busy and self.timeout_keep_alive_task is None
