"""Starting a process from a test: it hears SIGINT, SIGHUP and SIGTERM, whoever started the tests.

A child inherits what its parent ignores or blocks: under ``nohup`` SIGHUP, in the background of a script SIGINT.
A test that stops its child by such a signal would wait for ever.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

STOPS = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
_started: list[subprocess.Popen[Any]] = []


def hear() -> None:
    """Ctrl-C interrupts this process, and no child of it inherits that one of the signals is ignored."""
    for stop in STOPS:
        if signal.getsignal(stop) is signal.SIG_IGN:
            signal.signal(stop, signal.default_int_handler if stop == signal.SIGINT else _nothing)


def popen(
    command: Sequence[object], *, ignored: Sequence[signal.Signals] = (), **options: Any
) -> subprocess.Popen[Any]:
    """`subprocess.Popen`; the child has the defaults of the three signals, or ignores what is ``ignored``.

    Only the main thread may say what a signal does: in another one the child hears what `hear` has seen to.
    """
    with _as_from_a_terminal(ignored):
        return started(subprocess.Popen([str(word) for word in command], **options))


def started(process: subprocess.Popen[Any]) -> subprocess.Popen[Any]:
    """It ends with the test at the latest."""
    _started.append(process)
    return process


def keep(process: subprocess.Popen[Any]) -> None:
    """It outlives the test that started it: who keeps it ends it."""
    _started.remove(process)


def end_all() -> None:
    """Kill what a test that failed has left running."""
    while _started:
        with _started.pop() as process:  # closes its pipes and waits for it
            process.kill()


def run_child(command: Sequence[object], **options: Any) -> subprocess.CompletedProcess[Any]:
    """`subprocess.run`, as `popen`. Without ``check``: the test looks at the exit code."""
    with _as_from_a_terminal(()):
        return subprocess.run([str(word) for word in command], check=options.pop("check", False), **options)


@contextmanager
def _as_from_a_terminal(ignored: Sequence[signal.Signals]) -> Iterator[None]:
    # a handler is not inherited: the child gets the default, and this process still does nothing. No `preexec_fn`:
    # from Python 3.12 on it warns where threads run
    here = threading.current_thread() is threading.main_thread()
    asleep = [stop for stop in STOPS if here and signal.getsignal(stop) is signal.SIG_IGN]
    before = {stop: signal.signal(stop, _nothing) for stop in asleep}
    for stop in ignored:
        before.setdefault(stop, signal.getsignal(stop))
        signal.signal(stop, signal.SIG_IGN)
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for stop, handler in before.items():
            signal.signal(stop, handler)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    pass
