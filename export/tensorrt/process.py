"""The build in a process of its own, so that whatever happens to it has an explanation.

A build on an 8 GB board may be killed by the kernel for its memory, may crash inside the driver, or may be
interrupted: here each of these is one EngineError or a KeyboardInterrupt, and nothing is on the disk yet.
Closing the pipe cancels the build.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from edge.errors import EdgeError, EngineError
from edge.model.bundle import Bundle
from export.tensorrt.build import (
    MEMORY_HINT,
    BuildCancelled,
    BuildSettings,
    BuiltEngine,
    Progress,
    build_engine,
    import_tensorrt,
)

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
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(there, module, onnx, bundle, settings, timing_cache), daemon=True)
    child.start()
    there.close()
    try:
        while True:
            try:
                said = here.recv()
            except (EOFError, OSError):  # the second where it died in the middle of a message
                child.join()
                raise EngineError(_death(child.exitcode or 0)) from None
            if isinstance(said, BuiltEngine):
                return said
            if isinstance(said, EdgeError):
                raise said
            event, *values = said
            if getattr(progress, event)(*values) is False:
                raise BuildCancelled("the build was cancelled")
    finally:
        here.close()
        child.join(_GRACE_S)
        if child.is_alive():
            child.kill()
            child.join()
        child.close()


def _death(exitcode: int) -> str:
    if exitcode == -signal.SIGKILL:
        return f"the build was killed, most likely by the kernel because memory ran out: {MEMORY_HINT}"
    if exitcode < 0:
        return f"TensorRT crashed ({signal.Signals(-exitcode).name}) while it built the engine: {MEMORY_HINT}"
    return f"the build ended with exit code {exitcode}; what it said is above"


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

    def send(self, message: tuple[str | int | None, ...] | BuiltEngine | EdgeError) -> bool:
        try:
            with self._one:
                self._pipe.send(message)
        except OSError:
            return False
        return True


def _child(
    pipe: Connection,
    module: str,
    onnx: Path,
    bundle: Bundle,
    settings: BuildSettings,
    timing_cache: bytes,
) -> None:
    # Ctrl-C reaches the whole group of processes: the parent decides what it means
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = _Piped(pipe)
    try:
        trt = import_tensorrt(module)
        parent.send(build_engine(trt, onnx, bundle, settings, parent, timing_cache))
    except EdgeError as error:
        parent.send(error)
    except MemoryError:
        parent.send(EngineError(f"memory ran out while the engine was built: {MEMORY_HINT}"))
