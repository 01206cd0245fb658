"""The reviewing page over the folder of a flight that has ended, until somebody ends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from edge.app.review.answers import Answers
from edge.app.review.routes import review_routes
from edge.errors import SinkError
from edge.sinks.web.address import WebAddress
from edge.sinks.web.app import web_app
from edge.sinks.web.gate import Gate, own_names
from edge.sinks.web.guarded import App
from edge.sinks.web.server import Server
from edge.system.listening import is_open

REVIEW = "review"  # its path, below the address of the server
LOOK_S = 0.2  # how often it looks whether the server is still there


def app_of(answers: Answers, gate: Gate) -> App:
    """The page's routes behind a gate; the bare address leads to them."""
    return web_app(review_routes(lambda: answers, home=True), gate)


def serve(folder: Path, web: str, say: Callable[[str], None]) -> None:
    """Answer until KeyboardInterrupt. ``say``: is given each address once it answers.

    Where other machines reach it, whoever does not know a random token is told nothing.

    Raises InputError where the folder is none of a flight, or nothing can listen there.
    """
    to, answers = WebAddress.parse(web), Answers(folder)
    token, listening = to.secret(), to.at.listen()
    everywhere = is_open(listening) or to.token is not None
    gate = Gate(token, everywhere, to.at.port, own_names(to.at.host))
    with Server(app_of(answers, gate), listening, _nothing, _nothing) as server:
        for url in to.urls(token if everywhere and to.token is None else ""):
            base, _, query = url.partition("?")
            say(base + REVIEW + (f"?{query}" if query else ""))
        while not server.broken:
            time.sleep(LOOK_S)
        raise SinkError(f"the page has ended by itself: {server.broken}")


def _nothing() -> None:
    """There is no stream to end, and nothing to look after."""
