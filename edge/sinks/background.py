"""A sink's own thread, so that no disk or encoder ever holds up detection."""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from edge.data import Result
from edge.errors import EdgeError, SinkError
from edge.seams import Closing, Sink
from edge.system.activity import Activity, State, here, watched_here
from edge.system.budget import LOOK_S

FULL_S = 0.005  # how often a loop that waits for a slow sink looks whether there is room
IDLE_S = 0.25  # how often a sink is told that nothing comes

log = logging.getLogger(__name__)


class Background(Closing):
    """Runs a sink in a thread of its own behind a queue of ``depth`` results.

    ``lossless``: when the queue is full, wait (the loop slows down but nothing is lost); otherwise
    leave the result out and count it in ``skipped``. ``written``: results that the sink took. ``error``: why the
    sink stopped, or None, whatever it raised; after an error all further results are counted as skipped.
    ``activity``: of that thread, for whoever watches it. ``rests``: may be set, from any thread: results are left out
    meanwhile, and counted as skipped.
    """

    def __init__(self, sink: Sink, depth: int, lossless: bool, name: str = "") -> None:
        """Takes over ``sink`` and closes it. ``name``: in messages, by default that of its class."""
        self._sink = sink
        name = name or type(sink).__name__
        self.activity = Activity(f"the sink {name}")
        self._writing = State(f"writing to the sink {name}", f"the sink {name} has not written")
        self._ending = State(f"closing the sink {name}", f"the sink {name} has not closed")
        self._full = State(f"waiting for the sink {name}", f"the sink {name} has not written")
        self._lossless = lossless
        # no queue.Queue: an interrupt in the middle of its put may leave the reader asleep for ever, on every Python;
        # and one in Thread.is_alive() may end the thread for Python, though it runs
        self._queue: queue.SimpleQueue[Result | None] = queue.SimpleQueue()
        self._depth = depth
        self._closed = False
        self._over = threading.Event()
        self._left = False  # its thread hangs
        self._refused = self._unwritten = self._given = 0  # one for each thread that counts
        self.written = 0
        self.rests = False
        self.error: EdgeError | None = None
        self._thread = threading.Thread(target=self._work, name=type(sink).__name__, daemon=True)
        self._thread.start()

    @property
    def skipped(self) -> int:
        """Results left out: the queue was full, or the sink had stopped before."""
        return self._refused + (self._given - self.written if self._left else self._unwritten)

    @property
    def waiting(self) -> int:
        """Results that wait to be written."""
        return self._queue.qsize()

    def link_report(self) -> dict[str, Any] | None:
        """As the sink's."""
        return self._sink.link_report()

    def notice(self, text: str) -> None:
        """As the sink's; what it raises is logged."""
        try:
            self._sink.notice(text)
        except Exception as error:  # of somebody else's sink, in a thread that is not its own
            log.warning("%s could not be told %r: %r", type(self._sink).__name__, text, error)

    def write(self, result: Result) -> None:
        """Hand one result over. After `close` none is taken, nor while it ``rests``."""
        if self.error is not None or self._closed or self.rests:
            self._refused += 1
            return
        while self._queue.qsize() >= self._depth:
            if not self._lossless:
                self._refused += 1
                return
            here().waits(self._full)
            time.sleep(FULL_S)
            if self.error is not None:  # it was left behind meanwhile
                self._refused += 1
                return
        self._given += 1
        self._queue.put(result)

    def leave(self, why: str) -> None:
        """Its thread hangs: it has stopped, and nobody waits for it any more."""
        self.error = self.error or SinkError(why)
        self._left = True
        self._over.set()

    def end(self) -> None:
        """Take no more: it writes what it has, and closes. Returns at once."""
        self._closed = True
        self._queue.put(None)

    def close(self, within_s: float | None = None) -> None:
        """Wait until everything handed over is written, and close the sink. May be called twice.

        ``within_s``: it is left behind where that takes longer, seconds; None: only where somebody calls `leave`.
        """
        self.end()
        end = math.inf if within_s is None else time.monotonic() + within_s
        while not self._over.wait(min(LOOK_S, max(end - time.monotonic(), 0.0))):
            here().waits(self._ending)
            if time.monotonic() >= end:
                self.leave(f"{self._ending.hung} for {within_s:g} s")

    def _work(self) -> None:
        with watched_here(self.activity):  # a sink may say what it is at, and that it comes on
            self._results()

    def _results(self) -> None:
        while True:
            self.activity.rests()
            try:
                result = self._queue.get(timeout=IDLE_S)
            except queue.Empty:
                if self.error is None:
                    self.activity.works(self._writing)
                    self._try(self._sink.idle)
                continue
            if result is None:
                break
            if self.error is not None:
                self._unwritten += 1  # keep emptying the queue: a lossless writer must not wait for ever
                continue
            self.activity.works(self._writing)
            self._try(partial(self._sink.write, result))
            self.written += self.error is None
        self.activity.works(self._ending)
        self._try(self._sink.close)
        self.activity.rests()
        self._over.set()

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except EdgeError as error:
            self.error = self.error or error
        except BaseException as error:  # whatever it is: a thread that dies would let a lossless writer wait for ever
            log.debug("the sink raised", exc_info=True)
            self.error = self.error or SinkError(f"{type(self._sink).__name__}: {error!r}")
