"""A service manager's stop, or a lost login, ends a command as Ctrl-C does: all given back, every report written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def terminate_as_interrupt() -> None:
    """From now on SIGTERM and SIGHUP raise KeyboardInterrupt in the main thread, which must be the caller's.

    SIGHUP does not where it is ignored: that is what nohup is for.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _interrupt)


@contextmanager
def stopping(stop: threading.Event) -> Iterator[Callable[[], bool]]:
    """Inside, the first stop sets ``stop``, and whoever loops ends when it looks; the next one is a KeyboardInterrupt.

    Gives a function: whether one was heard. A loop with threads needs this: an exception out of the middle of
    `queue.Queue.put` or `threading.Condition.notify` may leave the other thread asleep for ever. The main thread must
    not `wait` for ``stop`` meanwhile, nor set it. In another thread than the main one, which no signal reaches, nothing
    changes.
    """
    with _first(stop.set) as heard:
        yield heard


@contextmanager
def finishing() -> Iterator[None]:
    """Inside, the first stop is not heard, so that an impatient second Ctrl-C costs no report; the next one is.

    In another thread than the main one, which no signal reaches, nothing changes.
    """
    with _first(lambda: None):
        yield


@contextmanager
def _first(act: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Inside, the first stop is ``act`` instead of an interrupt."""
    heard = 0
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def handler(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        heard += 1
        if heard > 1:
            _interrupt(number, frame)
        act()

    before = {stop: signal.getsignal(stop) for stop in STOPS}
    for stop, was in before.items():
        if callable(was):  # neither ignored nor left to the system
            signal.signal(stop, handler)
    try:
        yield lambda: heard > 0
    finally:
        for stop, was in before.items():
            if callable(was):
                signal.signal(stop, was)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
