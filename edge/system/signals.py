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
    """Inside, the first stop is ``act`` instead of an interrupt. Handlers of a program's own stay in their place."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    handler = _First(act)
    before = {stop: was for stop in STOPS if _interrupts(was := signal.getsignal(stop))}
    for stop in before:
        signal.signal(stop, handler)
    try:
        yield lambda: handler.heard
    finally:
        for stop, was in before.items():
            signal.signal(stop, was)


class _First:
    """A handler: the first stop is ``act``, each further one an interrupt. ``heard``: whether there was one."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act, self.heard = act, False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.heard:
            _interrupt(number, frame)
        self.heard = True
        self._act()


def _interrupts(handler: object) -> bool:
    """Whether a handler makes stops interrupts, sooner or later."""
    return handler in (signal.default_int_handler, _interrupt) or isinstance(handler, _First)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
