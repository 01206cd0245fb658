"""One GPU for one thread: primary context, stream, buffers, events, CUDA graph. The only pycuda.

Where pycuda is not installed, or cannot be loaded, `edge.engine.by_ctypes` makes the same calls under the same names.

TensorRT computes in the GPU's primary context, so this retains that one; a context of our own beside it
(``pycuda.autoinit``, ``make_context``) ends in illegal addresses. It is pushed for the length of one call and popped
again: an interpreter that ends with a context still pushed is aborted by pycuda. What pycuda lacks is called in the
driver itself: see `edge.engine.driver`.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from operator import attrgetter
from platform import python_version
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.engine.driver import at_once, error_text, need_driver
from edge.engine.readiness import CLOSE_OTHERS, UNLOADABLE
from edge.errors import EngineError, InputError
from edge.seams import engine_closed, engine_elsewhere

_driver = need_driver()  # the one that pycuda loads too
cuda: Any
try:
    import pycuda
    import pycuda.driver

    cuda, CALLS_BY = pycuda.driver, {"pycuda": str(pycuda.VERSION_TEXT)}
except UNLOADABLE:  # which of them, and why: the readiness says it
    from edge.engine import by_ctypes

    cuda, CALLS_BY = by_ctypes, {"ctypes": python_version()}

LOST = "the GPU's context is lost and this process cannot use it again: start the program anew"
AGAIN = ": start the program anew; if it comes again, restart the board and build the engine anew"

# cuda.h
_STREAM_NON_BLOCKING = 1  # the default stream neither waits for ours nor breaks its capture
_CAPTURE_THREAD_LOCAL = 1  # global mode breaks other threads' CUDA calls (error 900, 906)
_SCHEDULE_SPIN = 1
_PRIMARY_CONTEXT_ACTIVE = 708


class Buffer:
    """Memory that host and GPU share by copies, or share outright (mapped, "zero-copy").

    ``host``: (n,) uint8, pinned. ``address``: the same bytes for the GPU, at least 256-byte aligned.
    It belongs to the `Gpu` that made it and is gone when that closes.
    """

    def __init__(self, host: npt.NDArray[np.uint8], device: Any | None) -> None:
        self.host, self.device = host, device
        pinned: Any = host.base
        self.address = int(pinned.get_device_pointer() if device is None else device)


class Gpu:
    """The first GPU, for the thread that makes this. Nothing is touched before `open`.

    ``spin``: wait for the GPU by burning a core, which is quickest; otherwise the thread sleeps.
    ``integrated``: the GPU shares the board's memory, as on a Jetson.

    Everything below happens inside ``with gpu.current():``, which turns every CUDA error into
    an EngineError and leaves nothing in flight after one.
    """

    EVENTS = 4

    def __init__(self, *, spin: bool = False) -> None:
        self._thread = threading.current_thread()
        self._contexts: list[Any] = []  # one; none before the start and after the end
        self._streams: list[Any] = []  # one
        self._events: list[Any] = []
        self._hosts: list[npt.NDArray[np.uint8]] = []
        self._devices: list[Any] = []
        self._graph = ctypes.c_void_p()
        self._capturing = False
        self._spin = spin
        self.integrated = self._can_map = False
        self.lost = False  # after a sticky error nothing of this process runs on the GPU any more

    def open(self) -> None:
        """Retain the primary context, make stream and events.

        Raises EngineError where there is no GPU or the driver fails; InputError where spinning is asked for
        and something else in this process has set up the GPU already.
        """
        try:
            cuda.init()
            device = cuda.Device(0)
            self.integrated = bool(device.get_attribute(cuda.device_attribute.INTEGRATED))
            self._can_map = bool(device.get_attribute(cuda.device_attribute.CAN_MAP_HOST_MEMORY))
            if self._spin:
                _ask_for_spin()
            _keep(self._contexts, cuda.Device.retain_primary_context, device)
            with self.current():
                _keep(self._streams, cuda.Stream, _STREAM_NON_BLOCKING)
                flags = cuda.event_flags.DEFAULT if self._spin else cuda.event_flags.BLOCKING_SYNC
                self._events.extend(map(cuda.Event, [flags] * self.EVENTS))
        except BaseException as error:
            self.close()
            if isinstance(error, cuda.Error):
                raise EngineError(_explain(error)) from None
            raise

    @property
    def closed(self) -> bool:
        return not self._contexts

    @property
    def owned(self) -> bool:
        """Whether the calling thread may use it: the one that made it, until it is closed."""
        return bool(self._contexts) and self._thread is threading.current_thread()

    @contextmanager
    def current(self) -> Iterator[None]:
        """The context is current inside. Raises EngineError for a CUDA error there, when closed, and elsewhere."""
        if self.closed:
            raise engine_closed()
        if not self.owned:
            raise engine_elsewhere(self._thread)
        context = self._contexts[0]
        self._push()
        try:
            yield
        except cuda.Error as error:
            self.settle()
            raise EngineError(self._with_loss(_explain(error))) from None
        except EngineError as error:
            self.settle()
            raise EngineError(self._with_loss(str(error))) from None
        except BaseException:  # Ctrl-C: what is in flight reads and writes our buffers
            self.settle()
            raise
        finally:
            with suppress(cuda.Error):
                context.pop()

    @property
    def stream_handle(self) -> int:
        """CUstream, for TensorRT."""
        return int(self._streams[0].handle)

    def buffer(self, nbytes: int, *, mapped: bool) -> Buffer:
        """Pinned host memory with device memory of the same size, or mapped into the GPU's addresses.

        Raises InputError where ``mapped`` is asked of a GPU that cannot.
        """
        if mapped and not self._can_map:
            raise InputError("zero_copy: this GPU cannot map host memory: leave it off")
        flags = cuda.host_alloc_flags.DEVICEMAP if mapped else 0
        _keep(self._hosts, partial(cuda.pagelocked_empty, mem_flags=flags), nbytes, np.uint8)
        if mapped:
            return Buffer(self._hosts[-1], None)
        _keep(self._devices, cuda.mem_alloc, nbytes)
        return Buffer(self._hosts[-1], self._devices[-1])

    def to_device(self, buffer: Buffer) -> None:
        """Enqueue the copy of what the host wrote. Nothing to do for a mapped buffer."""
        if buffer.device is not None:
            cuda.memcpy_htod_async(buffer.device, buffer.host, self._streams[0])

    def to_host(self, buffer: Buffer) -> None:
        """Enqueue the copy of what the GPU wrote. Nothing to do for a mapped buffer."""
        if buffer.device is not None:
            cuda.memcpy_dtoh_async(buffer.host, buffer.device, self._streams[0])

    def mark(self, event: int) -> None:
        """Enqueue the moment ``event``, 0 .. EVENTS - 1."""
        self._events[event].record(self._streams[0])

    def wait(self) -> None:
        """Wait for the last event; other Python threads go on meanwhile."""
        self._events[-1].synchronize()

    def elapsed_ms(self, start: int, end: int) -> float:
        """Milliseconds on the GPU between two events that have happened."""
        return float(self._events[start].time_till(self._events[end]))

    def capture(self, work: Callable[[], None]) -> None:
        """Record what ``work`` enqueues as a CUDA graph, to be run by `launch`. Nothing is executed.

        Where something in ``work`` cannot be captured the error says so, and plain enqueueing still works.
        """
        graph = ctypes.c_void_p()
        self._capturing = True
        try:
            try:
                _call("cuStreamBeginCapture_v2", self.stream_handle, _CAPTURE_THREAD_LOCAL)
                work()
            finally:  # whatever happened, the stream must come out of the capture
                ended = self._end_capture(graph)
            _check("cuStreamEndCapture", ended)
            _call("cuGraphInstantiateWithFlags", ctypes.byref(self._graph), graph, 0)
        finally:
            if graph:
                _driver.cuGraphDestroy(graph)

    def _end_capture(self, graph: ctypes.c_void_p) -> int:
        code = int(_driver.cuStreamEndCapture(self.stream_handle, ctypes.byref(graph)))
        self._capturing = False
        return code

    def launch(self) -> None:
        """Enqueue the captured graph."""
        _call("cuGraphLaunch", self._graph, self.stream_handle)

    def drop_graph(self) -> None:
        """Forget the captured graph."""
        graph, self._graph = self._graph, ctypes.c_void_p()
        if graph and not self.lost:
            _driver.cuGraphExecDestroy(graph)

    def settle(self) -> None:
        """Wait until nothing is in flight, and learn whether the context still works."""
        try:
            if self._capturing:  # a Ctrl-C came in the wrong moment
                graph = ctypes.c_void_p()
                self._end_capture(graph)
                _driver.cuGraphDestroy(graph)
            for stream in self._streams:
                stream.synchronize()
        except cuda.Error:
            self.lost = True

    def close(self) -> None:
        """Give everything back, in order. May be called twice. Raises EngineError in any thread but the owner's."""
        if self.closed:
            return
        with self.current():
            self.settle()
        self._push()
        if not self.lost:  # else every single release would fail, and be told on stderr: they go with the context
            self._free_objects()
        self._release_context()
        self._drop_objects()

    def _push(self) -> None:
        try:
            self._contexts[0].push()
        except cuda.Error as error:
            raise EngineError(_explain(error)) from None

    def _free_objects(self) -> None:
        self.drop_graph()
        objects = (*self._devices, *map(attrgetter("base"), self._hosts), *self._events, *self._streams)
        # pycuda's streams and events go with their last reference
        for held in (one for one in objects if hasattr(one, "free")):
            with suppress(cuda.Error):
                held.free()
        self._drop_objects()

    def _drop_objects(self) -> None:
        for held in (self._devices, self._hosts, self._events, self._streams):
            held.clear()

    def _release_context(self) -> None:
        # pycuda's detach() releases a primary context and leaves it on the driver's stack. Half of this would
        # let pycuda abort the process at its end
        with suppress(cuda.Error):
            at_once(partial(_driver.cuCtxPopCurrent_v2, None), self._contexts[0].detach, self._contexts.clear)
        self._contexts.clear()

    def _with_loss(self, text: str) -> str:
        return f"{text.removesuffix(AGAIN)}; {LOST}" if self.lost and LOST not in text else text


def _keep(where: list[Any], make: Callable[..., Any], *arguments: object) -> None:
    """Append what is made. No bytecode in between: a Ctrl-C finds it ready to be given back, or not made."""
    where.extend(map(make, *([argument] for argument in arguments)))


def _ask_for_spin() -> None:
    code = _driver.cuDevicePrimaryCtxSetFlags_v2(0, _SCHEDULE_SPIN)
    if code == _PRIMARY_CONTEXT_ACTIVE:
        raise InputError("spin: something else in this process has set up the GPU already: open the engine before it")
    _check("cuDevicePrimaryCtxSetFlags", code)


def _call(name: str, *arguments: object) -> None:
    _check(name, getattr(_driver, name)(*arguments))


def _check(name: str, code: int) -> None:
    if code:
        raise cuda.Error(f"{name} failed: {error_text(_driver, code)} ({code})")


def _explain(error: Exception) -> str:
    return f"CUDA: {error}{CLOSE_OTHERS if isinstance(error, cuda.MemoryError) else AGAIN}"
