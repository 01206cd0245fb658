"""The driver's calls by pycuda or by ctypes, on the simulated driver: what it forgives and what not.

Run by tests/edge/engine/test_cuda.py.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from edge.engine.cuda import cuda
from tests.cuda_sim.sim import (
    KERNEL,
    calls,
    context_of_somebody_else,
    counters,
    current_context,
    driver,
    fail,
    seen_by_gpu,
)

N = 1000
# pycuda tells some errors from others; what is not memory is one kind otherwise
LogicError, LaunchError = (getattr(cuda, name, cuda.Error) for name in ("LogicError", "LaunchError"))


@pytest.fixture
def context() -> Iterator[cuda.Context]:
    cuda.init()
    context = cuda.Device(0).retain_primary_context()
    context.push()
    yield context
    driver.cuCtxPopCurrent_v2(None)
    context.detach()


@pytest.fixture
def stream(context: cuda.Context) -> cuda.Stream:
    return cuda.Stream(1)


def pinned(value: int, flags: int = 0) -> np.ndarray:
    array = cuda.pagelocked_empty(N, np.uint8, mem_flags=flags)
    array.fill(value)
    return array


def test_an_asynchronous_copy_has_not_happened_before_somebody_waits(stream: cuda.Stream) -> None:
    there, back, memory = pinned(7), pinned(0), cuda.mem_alloc(N)
    cuda.memcpy_htod_async(memory, there, stream)
    cuda.memcpy_dtoh_async(back, memory, stream)
    assert not back.any()
    there.fill(9)  # too early: the copy has still to read it
    stream.synchronize()
    assert (back == 9).all()


def test_new_memory_is_poisoned_and_not_the_hosts_to_touch(stream: cuda.Stream) -> None:
    back, memory = pinned(0), cuda.mem_alloc(N)
    assert int(memory) % 256 == 0
    cuda.memcpy_dtoh_async(back, memory, stream)
    stream.synchronize()
    assert (back == 0xCD).all()
    with open("/proc/self/maps") as maps:
        (line,) = (line for line in maps if line.startswith(f"{int(memory):x}-"))
    assert " ---p " in line


def test_events_follow_the_order_of_a_stream(stream: cuda.Stream) -> None:
    start, end, memory, source = cuda.Event(0), cuda.Event(0), cuda.mem_alloc(N), pinned(1)
    start.record(stream)
    cuda.memcpy_htod_async(memory, source, stream)
    end.record(stream)
    with pytest.raises(cuda.Error, match="not ready"):
        start.time_till(end)
    end.synchronize()
    assert 0 <= start.time_till(end) < 1000
    assert (seen_by_gpu(int(memory), N) == 1).all()


def test_the_default_stream_waits_for_blocking_streams_only(context: cuda.Context) -> None:
    for flags, seen in ((0, 3), (1, 0xCD)):
        stream, source, memory = cuda.Stream(flags), pinned(3), cuda.mem_alloc(N)
        cuda.memcpy_htod_async(memory, source, stream)
        back = np.zeros(N, np.uint8)
        copy = (ctypes.c_void_p(back.ctypes.data), ctypes.c_ulonglong(int(memory)), ctypes.c_size_t(N))
        assert driver.cuMemcpyDtoH_v2(*copy) == 0
        assert back[0] == seen
        stream.synchronize()


def test_polling_comes_to_an_end(stream: cuda.Stream) -> None:
    source, memory = pinned(1), cuda.mem_alloc(N)
    cuda.memcpy_htod_async(memory, source, stream)
    assert any(driver.cuStreamQuery(ctypes.c_void_p(stream.handle)) == 0 for _ in range(10**7))


def test_mapped_memory_has_two_addresses(stream: cuda.Stream) -> None:
    host = pinned(4, cuda.host_alloc_flags.DEVICEMAP)
    address = host.base.get_device_pointer()
    assert address != host.ctypes.data
    seen_by_gpu(address, N)[:] = 6
    assert (host == 6).all()
    with pytest.raises(LogicError, match="invalid argument"):
        pinned(0).base.get_device_pointer()


def test_pageable_memory_is_counted(stream: cuda.Stream) -> None:
    before = counters()["pageable_copies"]
    cuda.memcpy_htod_async(cuda.mem_alloc(N), np.zeros(N, np.uint8), stream)
    assert counters()["pageable_copies"] == before + 1


def test_a_copy_past_the_end_is_refused(stream: cuda.Stream) -> None:
    with pytest.raises(LogicError, match="invalid argument"):
        cuda.memcpy_htod_async(cuda.mem_alloc(N - 1), pinned(0), stream)
    with pytest.raises(MemoryError):
        seen_by_gpu(int(cuda.mem_alloc(N)), N + 1)


def test_a_kernel_that_writes_past_the_end_is_found_out_when_the_memory_goes(context: cuda.Context) -> None:
    before = counters()["overruns"]
    host = pinned(0)
    ctypes.memset(host.ctypes.data, 1, N + 1)
    host.base.free()
    assert counters()["overruns"] == before + 1


def test_freed_memory_is_unusable(stream: cuda.Stream) -> None:
    memory = cuda.mem_alloc(N)
    address = int(memory)
    memory.free()
    with pytest.raises(LogicError, match="invalid argument"):
        cuda.memcpy_htod_async(address, pinned(0), stream)
    host = cuda.pagelocked_empty(N, np.uint8)
    at = host.ctypes.data
    host.base.free()
    with open("/proc/self/maps") as maps:
        assert any(line.startswith(f"{at:x}-") and " ---p " in line for line in maps)


def test_freeing_waits_for_what_still_uses_the_memory(stream: cuda.Stream) -> None:
    source, memory, back = pinned(8), cuda.mem_alloc(N), pinned(0)
    cuda.memcpy_htod_async(memory, source, stream)
    cuda.memcpy_dtoh_async(back, memory, stream)
    memory.free()
    assert (back == 8).all()


def test_memory_of_a_graph_that_was_freed_is_an_illegal_address(context: cuda.Context) -> None:
    stream, source, memory = cuda.Stream(1), pinned(1), cuda.mem_alloc(N)
    ready = capture(stream, lambda: cuda.memcpy_htod_async(memory, source, stream))
    memory.free()
    assert driver.cuGraphLaunch(ready, ctypes.c_void_p(stream.handle)) == 0
    with pytest.raises(LogicError, match="illegal memory access"):
        stream.synchronize()
    with pytest.raises(LogicError, match="illegal memory access"):  # and so for ever
        cuda.mem_alloc(1)


def test_a_kernel_may_not_call_cuda_and_its_failure_sticks(context: cuda.Context) -> None:
    said: list[int] = []

    def kernel(_user: int | None) -> int:
        said.append(driver.cuCtxSynchronize())
        return 1

    stream, held = cuda.Stream(1), KERNEL(kernel)
    assert driver.sim_launch(stream.handle, held, None) == 0
    assert said == []
    with pytest.raises(LaunchError, match="unspecified launch failure"):
        stream.synchronize()
    assert said == [800]


def test_without_a_context_nothing_works() -> None:
    cuda.init()
    with pytest.raises(LogicError, match="invalid device context"):
        cuda.mem_alloc(N)


def test_a_stream_belongs_to_its_context(stream: cuda.Stream) -> None:
    with context_of_somebody_else(), pytest.raises(LogicError, match="invalid resource handle"):
        cuda.memcpy_htod_async(cuda.mem_alloc(N), pinned(0), stream)


def capture(stream: cuda.Stream, work: object, mode: int = 1) -> ctypes.c_void_p:
    handle, graph, ready = ctypes.c_void_p(stream.handle), ctypes.c_void_p(), ctypes.c_void_p()
    assert driver.cuStreamBeginCapture_v2(handle, mode) == 0
    work()  # type: ignore[operator]
    assert driver.cuStreamEndCapture(handle, ctypes.byref(graph)) == 0
    assert driver.cuGraphInstantiateWithFlags(ctypes.byref(ready), graph, ctypes.c_ulonglong(0)) == 0
    assert driver.cuGraphDestroy(graph) == 0
    return ready


def test_a_capture_executes_nothing_and_a_launch_everything(stream: cuda.Stream) -> None:
    source, memory = pinned(2), cuda.mem_alloc(N)
    ready = capture(stream, lambda: cuda.memcpy_htod_async(memory, source, stream))
    stream.synchronize()
    assert (seen_by_gpu(int(memory), N) == 0xCD).all()
    for value in (2, 3):  # the source is read when the graph runs
        source.fill(value)
        assert driver.cuGraphLaunch(ready, ctypes.c_void_p(stream.handle)) == 0
        stream.synchronize()
        assert (seen_by_gpu(int(memory), N) == value).all()
    assert driver.cuGraphExecDestroy(ready) == 0
    assert driver.cuGraphExecDestroy(ready) == 1


UNSUPPORTED, INVALIDATED, IMPLICIT, CAPTURED_EVENT, WRONG_THREAD = 900, 901, 906, 907, 908


@pytest.mark.parametrize("forbidden", ["cuMemAlloc_v2", "cuCtxSynchronize", "cuStreamSynchronize"])
def test_what_could_wait_spoils_a_capture(stream: cuda.Stream, forbidden: str) -> None:
    handle, graph, address = ctypes.c_void_p(stream.handle), ctypes.c_void_p(), ctypes.c_ulonglong()
    arguments = {
        "cuMemAlloc_v2": (ctypes.byref(address), ctypes.c_size_t(N)),
        "cuCtxSynchronize": (),
        "cuStreamSynchronize": (handle,),
    }[forbidden]
    assert driver.cuStreamBeginCapture_v2(handle, 1) == 0
    assert getattr(driver, forbidden)(*arguments) == UNSUPPORTED
    assert driver.cuStreamEndCapture(handle, ctypes.byref(graph)) == INVALIDATED
    assert not graph
    assert getattr(driver, forbidden)(*arguments) == 0


@pytest.mark.parametrize(("mode", "code"), [(0, UNSUPPORTED), (1, 0)])
def test_a_global_capture_breaks_other_threads_a_thread_local_one_does_not(
    context: cuda.Context, stream: cuda.Stream, mode: int, code: int
) -> None:
    """The reason for thread-local mode: a camera's or another library's CUDA calls go on meanwhile."""
    handle, graph, codes = ctypes.c_void_p(stream.handle), ctypes.c_void_p(), []
    theirs = ctypes.c_void_p(current_context())

    def elsewhere() -> None:
        driver.cuCtxPushCurrent_v2(theirs)
        codes.append(driver.cuMemAlloc_v2(ctypes.byref(ctypes.c_ulonglong()), ctypes.c_size_t(N)))
        codes.append(driver.cuStreamEndCapture(handle, ctypes.byref(graph)))
        driver.cuCtxPopCurrent_v2(None)

    assert driver.cuStreamBeginCapture_v2(handle, mode) == 0
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert codes == [code, WRONG_THREAD]
    assert driver.cuStreamEndCapture(handle, ctypes.byref(graph)) == (INVALIDATED if code else 0)


@pytest.mark.parametrize(("flags", "code"), [(0, IMPLICIT), (1, 0)])
def test_the_default_stream_breaks_a_blocking_streams_capture(context: cuda.Context, flags: int, code: int) -> None:
    stream, memory = cuda.Stream(flags), cuda.mem_alloc(N)
    handle, graph = ctypes.c_void_p(stream.handle), ctypes.c_void_p()
    assert driver.cuStreamBeginCapture_v2(handle, 1) == 0
    host = (ctypes.c_char * N)()
    assert driver.cuMemcpyHtoD_v2(ctypes.c_ulonglong(int(memory)), host, ctypes.c_size_t(N)) == code
    assert driver.cuStreamEndCapture(handle, ctypes.byref(graph)) == (INVALIDATED if code else 0)


def test_an_event_of_a_capture_tells_no_time(stream: cuda.Stream) -> None:
    event = cuda.Event(0)
    capture(stream, lambda: event.record(stream))
    with pytest.raises(LogicError, match="last recorded in a capturing stream"):
        event.synchronize()


def test_errors_can_be_injected_and_calls_counted(context: cuda.Context) -> None:
    before = calls("cuMemAlloc_v2")
    fail("cuMemAlloc_v2", 2, 1)
    kept = cuda.mem_alloc(N)
    with pytest.raises(LogicError, match="cuMemAlloc failed: invalid argument"):
        cuda.mem_alloc(N)
    assert cuda.mem_alloc(N) is not kept
    assert calls("cuMemAlloc_v2") == before + 3
