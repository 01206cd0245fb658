"""The build, and the comparison of what was built, each in a fresh process: whatever happens to it has an explanation.

A build on an 8 GB board may be killed by the kernel for its memory, may crash inside the driver, or may be
interrupted: here each of these is one EngineError or a KeyboardInterrupt, and nothing is in its place yet.
Closing the pipe cancels the work.
"""

from __future__ import annotations

import itertools
import multiprocessing
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from edge.engine.readiness import CLOSE_OTHERS
from edge.errors import EdgeError, EngineError
from edge.model.bundle import Bundle
from edge.model.comparison import Comparison
from export.tensorrt.build import (
    MEMORY_HINT,
    BuildCancelled,
    BuildSettings,
    BuiltEngine,
    Progress,
    build_engine,
    import_tensorrt,
)
from export.tensorrt.compare import FRAMES, TRIED, compare_engine

Answer = TypeVar("Answer", BuiltEngine, Comparison)
COMPARING = "comparing with ONNX Runtime"
_DONE = {"build": "built", "comparison": "compared"}

# how long a cancelled build may take to reach its next step before it is killed
_GRACE_S = 5.0


def build_in_process(
    module: str,
    onnx: Path,
    bundle: Bundle,
    settings: BuildSettings,
    progress: Progress,
    timing_cache: bytes = b"",
) -> BuiltEngine:
    """`export.tensorrt.build.build_engine` in a child process; ``module`` is TensorRT's name for import.

    ``progress`` is called in this process and thread; any exception here, such as Ctrl-C's, cancels the
    build. Raises what `build_engine` raises, and EngineError where the child died.
    """
    arguments = (module, onnx, bundle, settings, timing_cache)
    return _in_process(BuiltEngine, _build, arguments, progress, "build", f": {MEMORY_HINT}")


def compare_in_process(bundle: Bundle, candidate: Bundle, source: str, progress: Progress) -> Comparison:
    """`export.tensorrt.compare.compare_engine` in a child process: the builder's memory is free again by then.

    ``progress`` is called as by a build. Raises what `compare_engine` raises, and EngineError where the child died.
    """
    return _in_process(Comparison, _compare, (bundle, candidate, source), progress, "comparison", CLOSE_OTHERS)


def _in_process(
    kind: type[Answer],
    work: Callable[..., None],
    arguments: tuple[object, ...],
    progress: Progress,
    what: str,
    memory: str,
) -> Answer:
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(there, work, arguments, what, memory), daemon=True)
    child.start()
    there.close()
    try:
        while True:
            try:
                said = here.recv()
            except (EOFError, OSError):  # the second where it died in the middle of a message
                child.join()
                raise EngineError(_death(child.exitcode or 0, what, memory)) from None
            if isinstance(said, kind):
                return said
            if isinstance(said, EdgeError):
                raise said
            event, *values = said
            if getattr(progress, event)(*values) is False:
                raise BuildCancelled(f"the {what} was cancelled")
    finally:
        here.close()
        child.join(_GRACE_S)
        if child.is_alive():
            child.kill()
            child.join()
        child.close()


def _death(exitcode: int, what: str, memory: str) -> str:
    if exitcode == -signal.SIGKILL:
        return f"the {what} was killed, most likely by the kernel because memory ran out{memory}"
    if exitcode < 0:
        return f"TensorRT crashed ({signal.Signals(-exitcode).name}) while the engine was {_DONE[what]}{memory}"
    return f"the {what} ended with exit code {exitcode}; what it said is above"


class _Piped:
    """Progress as messages; once nobody listens the build is cancelled."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._one = threading.Lock()  # TensorRT may report from several threads

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        self.send(("start", phase, parent, steps))

    def step(self, phase: str, step: int) -> bool:
        return self.send(("step", phase, step))

    def finish(self, phase: str) -> None:
        self.send(("finish", phase))

    def send(self, message: tuple[str | int | None, ...] | BuiltEngine | Comparison | EdgeError) -> bool:
        try:
            with self._one:
                self._pipe.send(message)
        except OSError:
            return False
        return True


def _child(pipe: Connection, work: Callable[..., None], arguments: tuple[object, ...], what: str, memory: str) -> None:
    # Ctrl-C reaches the whole group of processes: the parent decides what it means
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = _Piped(pipe)
    try:
        work(parent, *arguments)
    except EdgeError as error:
        parent.send(error)
    except MemoryError:
        parent.send(EngineError(f"memory ran out while the engine was {_DONE[what]}{memory}"))


def _build(
    parent: _Piped, module: str, onnx: Path, bundle: Bundle, settings: BuildSettings, timing_cache: bytes
) -> None:
    trt = import_tensorrt(module)
    parent.send(build_engine(trt, onnx, bundle, settings, parent, timing_cache))


def _compare(parent: _Piped, bundle: Bundle, candidate: Bundle, source: str) -> None:
    looks = itertools.count()

    def looked() -> None:
        if not parent.step(COMPARING, next(looks)):
            raise BuildCancelled("the comparison was cancelled")

    parent.start(COMPARING, None, TRIED + FRAMES)
    parent.send(compare_engine(bundle, candidate, source, looked))
