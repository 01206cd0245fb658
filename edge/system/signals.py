"""A service manager's stop, or a lost login, ends a command as Ctrl-C does: all given back, every report written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
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
def finishing() -> Iterator[None]:
    """Inside, the first stop is not heard, so that an impatient second Ctrl-C costs no report; the next one is.

    In another thread than the main one, which no signal reaches, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = 0

    def once_more(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        heard += 1
        if heard > 1:
            _interrupt(number, frame)

    before = {stop: signal.getsignal(stop) for stop in STOPS}
    for stop, handler in before.items():
        if callable(handler):  # neither ignored nor left to the system
            signal.signal(stop, once_more)
    try:
        yield
    finally:
        for stop, handler in before.items():
            if callable(handler):
                signal.signal(stop, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
