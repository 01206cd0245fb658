"""`edge.engine.cuda.Gpu` on the simulated driver, by pycuda or ctypes. Run by tests/edge/engine/test_cuda.py."""

# ruff: noqa: PT012  what raises is the end of a `with` block
from __future__ import annotations

import ctypes
import gc
import threading
from collections.abc import Callable, Iterator

import pytest

from edge.engine.cuda import LOST, Gpu, cuda
from edge.errors import EngineError, InputError
from tests.cuda_sim.sim import (
    BAD,
    HELD,
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


@pytest.fixture(autouse=True)
def everything_is_given_back() -> Iterator[None]:
    before = counters()
    gc.freeze()  # collected below is only what the test has made
    yield
    gc.collect()
    after = counters()
    assert {name: after[name] for name in HELD} == {name: before[name] for name in HELD}
    assert {name: after[name] for name in BAD if name != "freed_with_context"} == {
        name: before[name] for name in BAD if name != "freed_with_context"
    }


def opened(spin: bool = False) -> Gpu:
    gpu = Gpu(spin=spin)
    gpu.open()
    return gpu


@pytest.fixture
def gpu() -> Iterator[Gpu]:
    gpu = opened()
    yield gpu
    gpu.close()


def doubled(source: int, target: int) -> Callable[[int | None], int]:
    def kernel(_user: int | None) -> int:
        seen_by_gpu(target, N)[:] = seen_by_gpu(source, N) * 2
        return 0

    return KERNEL(kernel)


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("spin", [False, True])
def test_in_kernel_out(mapped: bool, graph: bool, spin: bool) -> None:
    gpu = opened(spin=spin)
    with gpu.current():
        source, target = gpu.buffer(N, mapped=mapped), gpu.buffer(N, mapped=mapped)
        kernel = doubled(source.address, target.address)

        def work() -> None:
            gpu.to_device(source)
            assert driver.sim_launch(gpu.stream_handle, kernel, None) == 0
            gpu.to_host(target)

        if graph:
            gpu.capture(work)
        for value in (1, 20, 100):
            source.host.fill(value)
            gpu.mark(0)
            gpu.launch() if graph else work()
            gpu.mark(3)
            assert not (target.host == 2 * value).any()  # nothing runs before somebody waits
            gpu.wait()
            assert (target.host == 2 * value).all()
            assert 0 <= gpu.elapsed_ms(0, 3) < 10_000
    gpu.close()
    gpu.close()


def test_nothing_is_current_between_calls(gpu: Gpu) -> None:
    before = counters()["pushed"]
    with gpu.current(), gpu.current():
        assert counters()["pushed"] == before + 1
    assert counters()["pushed"] == before
    assert current_context() is None


def test_a_context_of_somebody_else_stays_where_it_was(gpu: Gpu) -> None:
    with context_of_somebody_else() as other:
        with gpu.current():
            gpu.buffer(N, mapped=False)
        gpu.close()
        assert current_context() == other
        address = ctypes.c_ulonglong()
        assert driver.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(N)) == 0
        assert driver.cuMemFree_v2(address) == 0


def test_a_context_left_pushed_by_an_interrupt_goes_when_closing(gpu: Gpu) -> None:
    gpu._push()
    gpu._push()
    gpu.close()
    assert current_context() is None


def test_the_primary_context_is_shared_with_whoever_else_retained_it() -> None:
    before = counters()["contexts"]
    cuda.init()
    theirs = cuda.Device(0).retain_primary_context()
    gpu = opened()
    assert counters()["contexts"] == before + 1
    gpu.close()
    assert counters()["contexts"] == before + 1
    theirs.push()
    driver.cuCtxPopCurrent_v2(None)
    theirs.detach()


def test_it_belongs_to_one_thread(gpu: Gpu) -> None:
    said: list[str] = []

    def elsewhere() -> None:
        for call in (lambda: gpu.current().__enter__(), gpu.close):
            with pytest.raises(EngineError) as caught:
                call()
            said.append(str(caught.value))

    thread = threading.Thread(target=elsewhere, name="other")
    thread.start()
    thread.join()
    assert said[0] == said[1]
    assert said[0].startswith("the engine belongs to thread 'MainThread' and was used in 'other'")
    with gpu.current():
        gpu.buffer(N, mapped=False)


def test_after_closing_it_says_so() -> None:
    gpu = opened()
    gpu.close()
    with pytest.raises(EngineError, match="closed"), gpu.current():
        pass


def test_an_error_becomes_an_engine_error_and_leaves_nothing_in_flight(gpu: Gpu) -> None:
    with gpu.current():
        buffer = gpu.buffer(N, mapped=False)
    fail("cuEventRecord", 1, 400)
    said = "CUDA: cuEventRecord failed: invalid resource handle"
    with pytest.raises(EngineError, match=said) as caught, gpu.current():
        buffer.host.fill(3)
        gpu.to_device(buffer)
        gpu.mark(0)
    assert LOST not in str(caught.value)
    assert caught.value.__cause__ is None
    assert (seen_by_gpu(buffer.address, N) == 3).all()


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_waits_for_what_is_in_flight(gpu: Gpu, interrupt: type[BaseException]) -> None:
    with gpu.current():
        buffer = gpu.buffer(N, mapped=False)
    with pytest.raises(interrupt), gpu.current():
        buffer.host.fill(4)
        gpu.to_device(buffer)
        raise interrupt
    assert (seen_by_gpu(buffer.address, N) == 4).all()


def test_a_lost_context_is_told_and_given_back_without_noise(capfd: pytest.CaptureFixture[str]) -> None:
    gpu = opened()
    with gpu.current():
        buffer = gpu.buffer(N, mapped=False)
        gpu.capture(lambda: gpu.to_device(buffer))
    fail("run:copy", 1, 700)
    for _ in range(2):
        with pytest.raises(EngineError, match="illegal memory access") as caught, gpu.current():
            gpu.launch()
            gpu.mark(3)
            gpu.wait()
        assert str(caught.value).endswith(LOST)
        assert str(caught.value).count(LOST) == 1
    gpu.close()
    assert capfd.readouterr().err == ""
    assert counters()["freed_with_context"] > 0  # the driver took it all back at once


@pytest.mark.parametrize("function", ["cuStreamCreate", "cuEventCreate", "cuDevicePrimaryCtxRetain"])
def test_a_start_that_fails_gives_back_what_it_had(function: str) -> None:
    fail(function, 1, 2)
    with pytest.raises(EngineError, match="out of memory: close other programs"):
        opened()


@pytest.mark.parametrize("function", ["cuMemAlloc_v2", "cuMemHostAlloc"])
def test_out_of_memory_says_what_to_do(function: str) -> None:
    gpu = opened()
    fail(function, 2, 2, from_then_on=True)
    with pytest.raises(EngineError, match="out of memory: close other programs"), gpu.current():
        gpu.buffer(N, mapped=False)
        gpu.buffer(N, mapped=False)
    fail(function, 0, 0)
    gpu.close()


def test_no_device() -> None:
    fail("cuInit", 1, 100)
    with pytest.raises(EngineError, match="no CUDA-capable device"):
        opened()


def test_a_capture_that_fails_leaves_a_working_stream(gpu: Gpu) -> None:
    with gpu.current():
        buffer = gpu.buffer(N, mapped=False)

        def forbidden() -> None:
            gpu.to_device(buffer)
            gpu.buffer(N, mapped=False)

        with pytest.raises(cuda.Error, match="not permitted when stream is capturing"):
            gpu.capture(forbidden)
        buffer.host.fill(5)
        gpu.to_device(buffer)
        gpu.settle()
        assert (seen_by_gpu(buffer.address, N) == 5).all()
    assert not gpu.lost


def test_a_capture_is_thread_local(gpu: Gpu) -> None:
    """Another thread's CUDA calls go on while a graph is captured."""
    worked: list[bool] = []

    def elsewhere() -> None:
        own = opened()
        with own.current():
            own.buffer(N, mapped=False)
        own.close()
        worked.append(True)

    def work() -> None:
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()

    with gpu.current():
        gpu.capture(work)
    assert worked


@pytest.mark.parametrize("spin", [False, True])
def test_waiting_spins_only_where_asked(spin: bool) -> None:
    names = ("cuDevicePrimaryCtxSetFlags_v2", "wait:spinning", "wait:sleeping")
    before = [calls(name) for name in names]
    gpu = opened(spin)
    with gpu.current():
        gpu.mark(3)
        gpu.wait()
    gpu.close()
    asked = [calls(name) - n for name, n in zip(names, before, strict=True)]
    assert asked == ([1, 1, 0] if spin else [0, 0, 1])


def test_spin_cannot_be_had_where_the_gpu_is_already_set_up(gpu: Gpu) -> None:
    fail("cuDevicePrimaryCtxSetFlags_v2", 1, 708)
    with pytest.raises(InputError, match="already: open the engine before it"):
        opened(spin=True)


def test_mapping_is_refused_where_the_gpu_cannot(monkeypatch: pytest.MonkeyPatch, gpu: Gpu) -> None:
    monkeypatch.setattr(gpu, "_can_map", False)
    with pytest.raises(InputError, match="cannot map host memory"), gpu.current():
        gpu.buffer(N, mapped=True)
