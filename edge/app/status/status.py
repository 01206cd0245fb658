"""``--status`` and ``--web``: a run answers on an address of this machine how it goes, for programs and for people."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from edge.app.page import shown
from edge.app.settings import RunSettings
from edge.app.status.board import Board
from edge.app.status.http import Server
from edge.app.status.pages import pages_of
from edge.app.watch.watchdog import Watchdog
from edge.sinks.spec import SinkSpec
from edge.system.activity import Activity
from edge.system.caution import caution
from edge.system.listening import ListenAddress, is_open

log = logging.getLogger(__name__)


@contextmanager
def answering(
    settings: RunSettings, activity: Activity, watchdog: Watchdog, sinks: Sequence[SinkSpec]
) -> Iterator[tuple[Board | None, list[SinkSpec]]]:
    """As long as the block runs what ``settings`` ask for is there. Yields what it knows of the run, None where nothing
    asks, and the sinks of the run with that of the page. ``activity``: of the run's loop.

    Raises InputError where nothing can listen there.
    """
    with ExitStack() as stack:
        board = Board(activity) if settings.status or settings.web else None
        page = []
        if board and settings.status:
            stack.enter_context(served(settings.status, board))
        if board and settings.web:
            page.append(stack.enter_context(shown(settings.web, board, settings.mission, watchdog)))
        yield board, [*sinks, *page]


@contextmanager
def served(address: str, board: Board) -> Iterator[None]:
    """As long as the block runs ``/healthz`` and ``/metrics`` of this run are there.

    Raises InputError where nothing can listen at ``address``.
    """
    at = ListenAddress.parse(address)
    listening = at.listen()
    if is_open(listening):
        caution(
            log,
            "status: http://%s/healthz and /metrics can be read by everybody in this network, without a password; "
            "127.0.0.1:%d is for this machine alone",
            at,
            at.port,
        )
    with Server(listening, pages_of(board)):
        yield
