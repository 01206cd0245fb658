"""A page with its server, and a flight by hand for it: no camera, no engine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from edge.data import Detections, Frame, Pose, Result
from edge.sinks.web.app import web_app
from edge.sinks.web.gate import Gate, own_names
from edge.sinks.web.guarded import Buckets
from edge.sinks.web.live import Live
from edge.sinks.web.page import Page
from edge.sinks.web.server import Server
from edge.sinks.web.tiles import NONE, Tiles
from edge.sinks.web.vitals import Vitals
from edge.system.listening import ListenAddress

TOKEN = "a-token-of-the-tests"
HOME = (47.1, 11.2)
FLYING = Vitals("detecting", "inferring", 5.0, 0.1, 9.0, frames=1, fps=9.5, model="tiny", backend="null")


def free_port() -> int:
    """A port at which nothing listens now."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def result(
    seq: int = 0,
    *,
    boxes: Sequence[tuple[float, float, float, float]] = ((10, 10, 22, 24),),
    tracks: Sequence[int] = (1,),
    label: int = 0,
    pose: bool = True,
    celsius: float = 36.4,
    **more: Any,
) -> Result:
    """A result with these boxes, all at the same place on the ground; frames are 0.1 s apart."""
    n, size = len(boxes), (64, 80)
    where = Pose(HOME[0] + seq * 1e-6, HOME[1], 60.0, 30.0, -90.0) if pose else None
    grey = np.full(size, 40 + seq % 100, np.uint8)
    frame = Frame(grey, seq, seq * 0.1, datetime(2026, 5, 1, 4, 0, seq % 60, tzinfo=timezone.utc), pose=where)
    found = Detections(
        np.array(boxes, np.float32).reshape(n, 4),
        np.full(n, 0.8, np.float32),
        np.full(n, label, np.int32),
        80,
        64,
        np.array(tracks, np.int32),
        np.full((n, 3), celsius, np.float32),
        np.tile(np.array([*HOME, 2.0]), (n, 1)) if pose else None,
        np.tile(np.eye(2) * 4.0, (n, 1, 1)) if pose else None,
        np.zeros((n, 2, 8)) if pose else None,
    )
    d = 2e-4
    corners = np.array([(d, -d), (d, d), (-d, d), (-d, -d)]) + np.array(HOME) if pose else None
    return Result(frame=frame, detections=found, t_result=seq * 0.1, picture=grey, footprint=corners, **more)


class Shown:
    """``page``: what it shows; ``vitals``: may be set; ``url``: where it is. `stop` and `start`: its server."""

    def __init__(self, folder: Path, classes: Sequence[str], port: int = 0, **more: Any) -> None:
        self.vitals = FLYING
        self.page = Page(lambda: self.vitals)
        self.page.begin(classes, folder)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._more = more
        self.server: Server | None = None
        self.start()

    def start(self) -> None:
        """Its server begins, at the same port as before."""
        more = self._more
        self.live = Live(
            self.page, more.get("tiles", Tiles(None, NONE)), more.get("viewers", 4), more.get("readers", 8)
        )
        gate = Gate(TOKEN, more.get("everywhere", False), self.port, own_names())
        routes = [*more.get("routes", ()), *self.live.routes()]
        app = web_app(routes, gate, more.get("links"), None, more.get("buckets", Buckets(1e6, 1e6)))
        listening = ListenAddress("127.0.0.1", self.port, "web").listen()
        self.server = Server(app, listening, self.page.watch, self.live.end, 0.25)

    def stop(self) -> None:
        """It ends, as at the end of a run."""
        if self.server is not None:
            self.server.close()


@contextmanager
def shown(folder: Path, classes: Sequence[str] = ("Person",), **more: Any) -> Iterator[Shown]:
    """As long as the block runs. ``more``: see `Shown.start`."""
    one = Shown(folder, classes, **more)
    try:
        yield one
    finally:
        one.stop()


@contextmanager
def feeding(page: Page, make: Callable[[int], Result], pause_s: float = 0.05) -> Iterator[None]:
    """As long as the block runs the page gets the results that ``make`` makes of 0, 1, 2, ..."""
    over = threading.Event()

    def feed() -> None:
        seq = 0
        while not over.wait(pause_s):
            page.note(make(seq))
            seq += 1

    thread = threading.Thread(target=feed, name="feed", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
