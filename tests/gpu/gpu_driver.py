"""`edge.engine.cuda.Gpu` on the real driver, by pycuda or by ctypes: make test-gpu. Here also on the simulated one."""

# ruff: noqa: E402, PT012  nothing below can be imported without a GPU; what raises is the end of a `with` block
from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import numpy as np
import pytest

from tests.gpu.here import REPLAYS, SIMULATED, SLACK, FreeMemory, gpu_or_skip, resident_bytes

gpu_or_skip()

from edge.engine.cuda import Buffer, Gpu, _driver
from edge.errors import EngineError, InputError

N = 256 << 10 if SIMULATED else 4 << 20  # bytes; the simulated driver copies them with the CPU


def opened(spin: bool = False) -> Gpu:
    gpu = Gpu(spin=spin)
    gpu.open()
    return gpu


@pytest.fixture
def gpu() -> Iterator[Gpu]:
    gpu = opened()
    yield gpu
    gpu.close()


def current_context() -> int | None:
    context = ctypes.c_void_p()
    assert _driver.cuCtxGetCurrent(ctypes.byref(context)) == 0
    return context.value


def pair(gpu: Gpu, mapped: bool = False) -> tuple[Buffer, Buffer]:
    """Two buffers of the same memory of the GPU: what goes in by the first comes out by the second."""
    first, second = gpu.buffer(N, mapped=mapped), gpu.buffer(N, mapped=False)
    return first, Buffer(second.host, second.device if first.device is None else first.device)


def test_nothing_is_current_between_calls(gpu: Gpu) -> None:
    assert current_context() is None
    with gpu.current(), gpu.current():
        assert current_context() is not None
    assert current_context() is None


def test_bytes_go_in_and_come_out(gpu: Gpu) -> None:
    with gpu.current():
        there, back = pair(gpu)
        assert there.address % 256 == 0
        for value in (1, 200):
            there.host[:] = np.arange(N, dtype=np.uint64).astype(np.uint8) * np.uint8(value)
            back.host.fill(0)
            gpu.mark(0)
            gpu.to_device(there)
            gpu.to_host(back)
            gpu.mark(3)
            gpu.wait()
            assert np.array_equal(back.host, there.host)
            assert 0 < gpu.elapsed_ms(0, 3) < 10_000


def test_the_gpu_sees_mapped_memory(gpu: Gpu) -> None:
    with gpu.current():
        there, back = gpu.buffer(N, mapped=True), gpu.buffer(N, mapped=False)
        there.host[:] = np.arange(N, dtype=np.uint64).astype(np.uint8)
        assert _driver.cuMemcpyDtoHAsync_v2(back.host.ctypes.data, there.address, N, gpu.stream_handle) == 0
        gpu.settle()
        assert np.array_equal(back.host, there.host)


def test_a_graph_replays_what_is_in_the_buffers_then_and_memory_stays_flat(gpu: Gpu) -> None:
    with FreeMemory() as free, gpu.current():
        there, back = pair(gpu)

        def work() -> None:
            gpu.to_device(there)
            gpu.to_host(back)

        gpu.capture(work)
        back.host.fill(0)
        gpu.settle()
        assert not back.host.any()  # nothing was executed
        for i in range(REPLAYS):
            there.host[:8] = i % 251
            gpu.launch()
            gpu.mark(3)
            gpu.wait()
            assert back.host[7] == i % 251
            if i == REPLAYS // 10:
                before, resident = free.now(), resident_bytes()
        assert abs(free.now() - before) <= SLACK
        assert resident_bytes() - resident < 1 << 20


def test_a_capture_goes_on_while_another_thread_allocates(gpu: Gpu) -> None:
    """Thread-local capture; the other thread has a stream and memory of its own."""
    allocated, stop, failed = threading.Event(), threading.Event(), []

    def elsewhere() -> None:
        try:
            other = opened()
            while not stop.is_set():
                with other.current():
                    there, back = pair(other)
                    other.to_device(there)
                    other.to_host(back)
                    other.settle()
                other.close()
                other = opened()
                allocated.set()
            other.close()
        except Exception as error:  # told by the thread that waits
            failed.append(error)
            allocated.set()

    with gpu.current():
        there, back = pair(gpu)

        def work() -> None:
            gpu.to_device(there)
            allocated.clear()
            assert allocated.wait(30)  # a whole round of the other thread, in the middle of the capture
            gpu.to_host(back)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        try:
            gpu.capture(work)
        finally:
            stop.set()
            thread.join()
        there.host.fill(77)
        gpu.launch()
        gpu.settle()
        assert failed == []
        assert (back.host == 77).all()


def test_what_a_capture_cannot_hold_is_told_and_plain_work_goes_on(gpu: Gpu) -> None:
    with gpu.current():
        there, back = pair(gpu)

        def forbidden() -> None:
            gpu.to_device(there)
            gpu.buffer(N, mapped=False)

        with pytest.raises(Exception, match="not permitted when stream is capturing"):
            gpu.capture(forbidden)
        there.host.fill(5)
        gpu.to_device(there)
        gpu.to_host(back)
        gpu.settle()
        assert (back.host == 5).all()
    assert not gpu.lost


def test_spin(gpu: Gpu) -> None:
    """Where the context is there already, the driver may take the flag or refuse it."""
    try:
        spinning = opened(spin=True)
    except InputError:
        gpu.close()
        spinning = opened(spin=True)
    with spinning.current():
        there, back = pair(spinning)
        there.host.fill(9)
        spinning.to_device(there)
        spinning.to_host(back)
        spinning.mark(3)
        spinning.wait()
        assert (back.host == 9).all()
    spinning.close()


def test_ctrl_c_at_any_moment_leaves_nothing_in_flight() -> None:
    class Interrupt(Exception):
        pass

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise Interrupt

    came, before = 0, signal.signal(signal.SIGALRM, interrupt)
    try:
        with FreeMemory() as free:
            opened().close()
            at_first = free.now()
            for i in range(30):
                gpu = Gpu()
                try:
                    signal.setitimer(signal.ITIMER_REAL, 1e-3 * (i + 1))
                    gpu.open()
                    with gpu.current():
                        there, back = pair(gpu)
                        while True:
                            gpu.to_device(there)
                            gpu.to_host(back)
                            gpu.mark(3)
                            gpu.wait()
                except Interrupt:
                    came += 1
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    gpu.close()
                assert current_context() is None
            assert abs(free.now() - at_first) <= SLACK
    finally:
        signal.signal(signal.SIGALRM, before)
    assert came == 30


def test_memory_is_back_where_it_was() -> None:
    with FreeMemory() as free:
        opened().close()
        at_first = free.now()
        for _ in range(20):
            gpu = opened()
            with gpu.current():
                pair(gpu)
            assert free.now() < at_first
            gpu.close()
        assert abs(free.now() - at_first) <= SLACK


def test_another_thread_is_refused(gpu: Gpu) -> None:
    said: list[BaseException] = []

    def elsewhere() -> None:
        try:
            with gpu.current():
                pass
        except EngineError as error:
            said.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "belongs to thread" in str(said[0])


def test_an_illegal_copy_is_told_in_the_drivers_words(gpu: Gpu) -> None:
    with pytest.raises(EngineError, match=r"^CUDA: cuMemcpyDtoHAsync failed: invalid argument"), gpu.current():
        _, back = pair(gpu)
        gpu.to_host(Buffer(back.host, 8))
    assert not gpu.lost
