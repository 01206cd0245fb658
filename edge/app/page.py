"""``--web``: the page of a run, from before its engine is loaded until its report is written."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from edge.app.degrade.degrader import in_words
from edge.app.review.live import LiveReview
from edge.app.settings import MissionStamp
from edge.app.status.board import Board
from edge.app.watch.watchdog import Watchdog, say
from edge.errors import InputError
from edge.sinks.spec import SinkSpec
from edge.sinks.web.address import WebAddress
from edge.sinks.web.gate import Gate, own_names
from edge.sinks.web.page import Page
from edge.sinks.web.sink import spec_of
from edge.sinks.web.streams import WATCH_S
from edge.sinks.web.tiles import NONE, look_at
from edge.sinks.web.vitals import Vitals
from edge.system.host import install_line
from edge.system.listening import is_open

REVIEW = {"Review": "/review"}  # a page that the page leads to
EXTRA = "--web needs starlette and uvicorn"

log = logging.getLogger(__name__)


def require_extra() -> None:
    """Raises InputError where the extra is not installed."""
    try:
        from edge.sinks.web.app import web_app  # noqa: F401 - whether it can be
        from edge.sinks.web.server import Server  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(f"{EXTRA}: {install_line('web')} ({error})") from None


@contextmanager
def shown(address: str, board: Board, mission: MissionStamp | None, watchdog: Watchdog) -> Iterator[SinkSpec]:
    """As long as the block runs the page is there. Yields the sink that it gets results from.

    Raises InputError where nothing can listen there, its token's file cannot be read, or the extra is not installed.
    """
    to = WebAddress.parse(address)
    require_extra()
    from edge.app.review.routes import review_routes
    from edge.sinks.web.app import web_app
    from edge.sinks.web.live import Live
    from edge.sinks.web.server import Server

    token, tiles = to.secret(), look_at(to.tiles)
    listening = to.at.listen()
    open_to_others = is_open(listening)
    everywhere = open_to_others or to.token is not None
    page = Page(partial(vitals, board, None if mission is None else mission.name))
    live = Live(page, tiles)
    gate = Gate(token, everywhere, to.at.port, own_names(to.at.host))
    review = LiveReview()
    app = web_app([*live.routes(), *review_routes(review.answers)], gate, REVIEW)
    with Server(app, listening, page.watch, live.end, WATCH_S) as server:
        watchdog.watch(server.activity, partial(_leave, server.leave))
        for url in to.urls(token if everywhere and to.token is None else ""):
            log.info("page: %s%s", url, " (with the token of its file)" if to.token else "")
        if open_to_others:
            log.warning("page: http is not encrypted: who hears this network reads the token; see docs/page.md")
        if tiles.why and tiles.why != NONE:
            log.warning("page: %s", tiles.why)
        yield review.behind(spec_of(page))


def vitals(board: Board, mission: str | None) -> Vitals:
    """How a run is, for its page; from any thread."""
    now, last, parts = board.now(), board.last, board.parts
    said = Vitals(now.state, now.doing, now.seconds, now.age_s, board.uptime_s(), mission=mission)
    if last is not None:
        said = said._replace(
            frames=last.frames,
            dropped=last.dropped,
            duplicates=last.duplicates,
            lost=last.lost,
            fps=last.fps,
            latency_ms=last.latency_ms,
            tracks=last.tracks,
            following=last.following,
            conditions=last.conditions,
            degraded=in_words(board.given_up() or {}),
        )
    if parts is None:
        return said
    recorder, free = parts.recorder, None
    with suppress(OSError):
        free = shutil.disk_usage(parts.out).free
    failed = [one.name for one in parts.sinks.figures() if one.failed]
    if recorder and recorder.error:
        failed.append("recording")
    return said._replace(
        links=parts.sinks.links(),
        failed=tuple(failed),
        disk_free=free,
        recording=None if recorder is None else recorder.status,
        model=parts.engine.bundle.name,
        backend=parts.engine.backend,
    )


def _leave(leave: Callable[[str], None], line: str) -> None:
    leave(line)
    say(logging.WARNING, f"{line}; the flight goes on without the page")
