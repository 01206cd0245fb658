"""What pycuda does beyond the calls of `edge.engine.cuda`, on the simulated driver. Run by
tests/edge/engine/test_cuda.py, with pycuda only.
"""

from __future__ import annotations

import pycuda.driver as cuda
import pytest

from tests.cuda_sim.inside_driver import N, context, pinned, stream  # noqa: F401
from tests.cuda_sim.sim import counters, driver


def test_an_event_that_happened_says_so(stream: cuda.Stream) -> None:  # noqa: F811
    event = cuda.Event()
    event.record(stream)
    event.synchronize()
    assert event.query()


def test_another_stream_waits_for_an_event(stream: cuda.Stream) -> None:  # noqa: F811
    other, done = cuda.Stream(1), cuda.Event()
    source, back, memory = pinned(5), pinned(0), cuda.mem_alloc(N)
    cuda.memcpy_htod_async(memory, source, stream)
    done.record(stream)
    other.wait_for_event(done)
    cuda.memcpy_dtoh_async(back, memory, other)
    other.synchronize()
    assert (back == 5).all()


def test_the_primary_context_counts_its_owners_and_stays_on_the_stack() -> None:
    """pycuda's detach() alone leaves a released primary context current: edge.engine.cuda pops it."""
    cuda.init()
    before = counters()
    first, second = (cuda.Device(0).retain_primary_context() for _ in range(2))
    assert first.handle == second.handle
    first.detach()
    assert counters()["contexts"] == before["contexts"] + 1
    second.detach()
    assert counters()["contexts"] == before["contexts"]
    assert counters()["pushed"] == before["pushed"] + 2
    driver.cuCtxPopCurrent_v2(None)
    driver.cuCtxPopCurrent_v2(None)


def test_what_a_driver_has_and_this_one_has_not_says_so(context: cuda.Context) -> None:  # noqa: F811
    with pytest.raises(cuda.LogicError, match="not supported"):
        cuda.memset_d8(cuda.mem_alloc(N), 0, N)
