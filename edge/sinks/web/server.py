"""The page's server: uvicorn in a thread of its own, which no signal reaches and nobody waits for long."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn

from edge.seams import Closing
from edge.sinks.web.connection import Connection
from edge.sinks.web.guarded import HEADER_BYTES, App
from edge.system.activity import Activity, State
from edge.system.budget import WEB_JOIN_S

BEAT_S = 0.25  # how often its loop says that it lives
KEEP_ALIVE_S = 5  # between two requests of one connection
GRACE_S = 1  # for answers that are under way at the end
SERVING = State("serving the page", "the page has not answered")

log = logging.getLogger(__name__)


class _Uvicorn(uvicorn.Server):
    """Signals are the run's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def config_of(app: App) -> uvicorn.Config:
    """How uvicorn serves this app: each connection as `Connection` keeps it, and no word of its own in an answer."""
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=HEADER_BYTES,
    )


class Server(Closing):
    """Serves ``app`` on ``listening``, which it takes over, until it is closed.

    ``watch``: called now and then in its thread. ``end``: called at the end: streams are to end. ``activity``: of its
    thread. ``broken``: why it has ended by itself, "" = it has not.
    """

    def __init__(
        self,
        app: App,
        listening: socket.socket,
        watch: Callable[[], None],
        end: Callable[[], None],
        watch_s: float = 1.0,
    ) -> None:
        self._server, self._listening = _Uvicorn(config_of(app)), listening
        self._watch, self._watch_s, self._end = watch, watch_s, end
        self._told: set[str] = set()
        self.activity = Activity("the page")
        self.broken = ""
        self._left = False
        self._thread = threading.Thread(target=self._work, name="web", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more. May be called twice; its thread is left behind where it hangs."""
        self._end()
        self._server.should_exit = True
        if not self._left:
            self._thread.join(WEB_JOIN_S / 2)
            self._server.force_exit = True  # who takes nothing is not waited for
            self._thread.join(WEB_JOIN_S / 2)
        self._listening.close()

    def leave(self, line: str) -> None:
        """Its thread hangs: nobody waits for it any more."""
        self.broken, self._left = line, True
        self._server.should_exit = True

    def _work(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # whatever it is: the flight goes on
            self.broken = repr(error)
            log.debug("page", exc_info=True)
            log.warning("page: it has stopped: %r; the flight goes on without it", error)
        finally:
            self.activity.rests()

    async def _serve(self) -> None:
        beats = asyncio.create_task(self._beats())
        try:
            await self._server.serve(sockets=[self._listening])
        finally:
            beats.cancel()

    async def _beats(self) -> None:
        since = 0.0
        while True:
            self.activity.waits(SERVING)
            await asyncio.sleep(BEAT_S)
            since += BEAT_S
            if since >= self._watch_s:
                since = 0.0
                self._look()

    def _look(self) -> None:
        try:
            self._watch()
        except Exception as error:  # it must not end the page
            if repr(error) not in self._told:
                self._told.add(repr(error))
                log.warning("page: %r", error)
