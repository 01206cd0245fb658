"""``--status``: a run answers on an address of this machine how it goes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from edge.app.status.address import StatusAddress, is_open
from edge.app.status.board import Board
from edge.app.status.http import Server
from edge.app.status.pages import pages_of
from edge.system.activity import Activity

log = logging.getLogger(__name__)


@contextmanager
def served(address: str, activity: Activity) -> Iterator[Board]:
    """As long as the block runs ``/healthz`` and ``/metrics`` are there. ``activity``: of the run's loop.

    Raises InputError where nothing can listen at ``address``.
    """
    board, at = Board(activity), StatusAddress.parse(address)
    listening = at.listen()
    if is_open(listening):
        log.warning(
            "status: http://%s/healthz and /metrics can be read by everybody in this network, without a password; "
            "127.0.0.1:%d is for this machine alone",
            at,
            at.port,
        )
    with Server(listening, pages_of(board)):
        yield board
