"""``edge run`` in a process of its own, where one thing hangs: ``python -m tests.support.hung FAULT SECONDS WORDS...``.

It prints "hangs" when it does. SECONDS: after how long the watchdog takes it to hang. What hangs waits for a mutex that
is locked, in C, as a driver or a disk does: no signal ends that.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any

import edge.app.run
import edge.app.watch.awaited
import edge.app.watch.guard
import edge.app.watch.watchdog
from edge.commands.main import main
from edge.engine.null import NullEngine
from edge.recording.writer import RecordingWriter
from edge.sim.camera import Simulator
from edge.sinks.jsonl import JsonlSink
from edge.sinks.trace import TraceSink

CALLS = 12  # the call that hangs


def blocked(*_: object, **__: object) -> Any:
    """Never returns, and leaves Python's interpreter to the others."""
    threading.Timer(
        0.2, print, ["hangs"], {"flush": True}
    ).start()  # this thread is in the call then, and hears nothing
    _lock_twice(ctypes.CDLL(None))


def held(*_: object) -> Any:
    """Never returns, and keeps Python's interpreter."""
    print("hangs", flush=True)
    _lock_twice(ctypes.PyDLL(None))


def _lock_twice(libc: ctypes.CDLL) -> None:
    mutex = ctypes.create_string_buffer(128)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)


def later(plain: Callable[..., Any], hang: Callable[..., Any] = blocked) -> Callable[..., Any]:
    """``plain``, the twelfth call of which hangs."""
    so_far = []

    def call(*words: Any, **more: Any) -> Any:
        so_far.append(1)
        return hang() if len(so_far) == CALLS else plain(*words, **more)

    return call


FAULTS: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {  # name: (where, what, what takes its place)
    "engine": (NullEngine, "_infer", later),
    "interpreter": (NullEngine, "_infer", lambda plain: later(plain, held)),
    "source": (Simulator, "read", later),
    "detections": (JsonlSink, "write", later),
    "trace": (TraceSink, "write", later),
    "recording": (RecordingWriter, "write", later),
    "loading": (edge.app.run, "_open_engine", lambda _: blocked),
    "opening": (edge.app.watch.awaited, "open_camera", lambda _: blocked),
    "closing the trace": (TraceSink, "close", lambda _: blocked),
    "closing the engine": (NullEngine, "_release", lambda _: blocked),
    "closing the source": (Simulator, "close", lambda _: blocked),
}


def inject(fault: str, seconds: float) -> None:
    """From now on ``fault`` is in this process; the watchdog takes what lasts so many ``seconds`` for hung."""
    where, what, instead = FAULTS[fault]
    setattr(where, what, instead(getattr(where, what)))
    impatient(seconds)
    if fault == "loading":
        edge.app.run.LOADING = edge.app.run.LOADING._replace(limit_s=None)
    if fault == "opening":
        edge.app.watch.awaited.OPENING = edge.app.watch.awaited.OPENING._replace(limit_s=None)


def impatient(seconds: float) -> None:
    """The watchdog and the guard of this process wait no 30 s."""
    setattr(edge.app.watch.watchdog, "HUNG_S", seconds)  # noqa: B010 - it is imported there
    setattr(edge.app.watch.guard, "HELD_S", seconds + 1)  # noqa: B010


if __name__ == "__main__":
    fault, limit, *words = sys.argv[1:]
    inject(fault, float(limit))
    sys.argv = ["edge", "run", "--backend", "null", *words]
    sys.exit(main())
