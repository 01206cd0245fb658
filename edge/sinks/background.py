"""A sink's own thread, so that no disk or encoder ever holds up detection."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from edge.data import Result
from edge.errors import EdgeError, SinkError
from edge.seams import Closing, Sink

FULL_S = 0.005  # how often a loop that waits for a slow sink looks whether there is room
IDLE_S = 0.25  # how often a sink is told that nothing comes

log = logging.getLogger(__name__)


class Background(Closing):
    """Runs a sink in a thread of its own behind a queue of ``depth`` results.

    ``lossless``: when the queue is full, wait (the loop slows down but nothing is lost); otherwise
    leave the result out and count it in ``skipped``. ``written``: results that the sink took. ``error``: why the
    sink stopped, or None, whatever it raised; after an error all further results are counted as skipped.
    """

    def __init__(self, sink: Sink, depth: int, lossless: bool) -> None:
        """Takes over ``sink`` and closes it."""
        self._sink = sink
        self._lossless = lossless
        # no queue.Queue: an interrupt in the middle of its put may leave the reader asleep for ever, on every Python;
        # and one in Thread.is_alive() may end the thread for Python, though it runs
        self._queue: queue.SimpleQueue[Result | None] = queue.SimpleQueue()
        self._depth = depth
        self._closed = False
        self._refused = self._unwritten = 0  # one for each thread that counts
        self.written = 0
        self.error: EdgeError | None = None
        self._thread = threading.Thread(target=self._work, name=type(sink).__name__, daemon=True)
        self._thread.start()

    @property
    def skipped(self) -> int:
        """Results left out: the queue was full, or the sink had stopped before."""
        return self._refused + self._unwritten

    def link_report(self) -> dict[str, Any] | None:
        """As the sink's."""
        return self._sink.link_report()

    def write(self, result: Result) -> None:
        """Hand one result over. After `close` none is taken."""
        if self.error is not None or self._closed:
            self._refused += 1
            return
        while self._queue.qsize() >= self._depth:
            if not self._lossless:
                self._refused += 1
                return
            time.sleep(FULL_S)
        self._queue.put(result)

    def close(self) -> None:
        """Wait until everything handed over is written, and close the sink. May be called twice."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            try:
                result = self._queue.get(timeout=IDLE_S)
            except queue.Empty:
                if self.error is None:
                    self._try(self._sink.idle)
                continue
            if result is None:
                break
            if self.error is not None:
                self._unwritten += 1  # keep emptying the queue: a lossless writer must not wait for ever
                continue
            self._try(partial(self._sink.write, result))
            self.written += self.error is None
        self._try(self._sink.close)

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except EdgeError as error:
            self.error = self.error or error
        except BaseException as error:  # whatever it is: a thread that dies would let a lossless writer wait for ever
            log.debug("the sink raised", exc_info=True)
            self.error = self.error or SinkError(f"{type(self._sink).__name__}: {error!r}")
