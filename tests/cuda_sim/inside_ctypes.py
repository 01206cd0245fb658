"""`edge.engine.by_ctypes` on the simulated driver. Run by tests/edge/engine/test_cuda.py, without pycuda."""

from __future__ import annotations

import ctypes
import dis
import gc
import importlib.util
import logging
import platform
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from operator import methodcaller
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

from edge.engine import by_ctypes
from edge.engine import cuda as module
from edge.engine.driver import FUNCTIONS, load_driver
from edge.errors import EngineError
from tests.cuda_sim.sim import calls, counters, current_context, driver, fail

N = 1000


@pytest.fixture
def context() -> Iterator[by_ctypes.Context]:
    by_ctypes.init()
    context = by_ctypes.Device(0).retain_primary_context()
    context.push()
    yield context
    context.pop()
    context.detach()


def test_it_is_what_the_engine_uses_here() -> None:
    assert importlib.util.find_spec("pycuda") is None
    assert module.cuda is by_ctypes
    assert {"ctypes": platform.python_version()} == module.CALLS_BY


# the C type of each kind of argument
WIDTHS = {
    **dict.fromkeys(("CUresult", "CUdevice", "int"), ctypes.c_int),
    **dict.fromkeys(("unsigned",), ctypes.c_uint),
    **dict.fromkeys(("CUcontext", "CUstream", "CUevent", "CUgraph", "CUgraphExec"), ctypes.c_void_p),
    **dict.fromkeys(("CUdeviceptr", "unsigned long long"), ctypes.c_ulonglong),
    "size_t": ctypes.c_size_t,
    "float": ctypes.c_float,
    "char": ctypes.c_char,
    "void": None,
}


def argument(declared: str) -> object:
    kind, stars = re.fullmatch(r"(?:const )?([\w ]+?) ?(\**)\w*", declared).groups()  # type: ignore[union-attr]
    if kind == "char" or (kind == "void" and stars):
        kind, stars = ("char pointer", stars[1:]) if kind == "char" else ("void pointer", stars[1:])
    base = {"char pointer": ctypes.c_char_p, "void pointer": ctypes.c_void_p}.get(kind) or WIDTHS[kind]
    return ctypes.POINTER(base) if stars else base


def test_each_function_has_the_arguments_that_it_has_in_c() -> None:
    """The simulator's are those of cuda.h, compiled by a C compiler."""
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("*.c"))
    found = dict(re.findall(r"^API (cu\w+)\((.*?)\) \{", text, re.MULTILINE))
    for name, types in FUNCTIONS.items():
        assert [argument(one) for one in found[name].split(", ")] == list(types), name


def test_a_driver_without_a_function_says_which(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"the NVIDIA driver \(libc.so.6\) has no cuInit: expected one for CUDA 11.4"):
        load_driver("libc.so.6", ["cuInit"])


def test_errors_are_in_the_drivers_words(context: by_ctypes.Context) -> None:
    fail("cuMemAlloc_v2", 1, 1)
    with pytest.raises(by_ctypes.Error, match=r"^cuMemAlloc failed: invalid argument$"):
        by_ctypes.mem_alloc(N)
    fail("cuStreamCreate", 1, 2)
    with pytest.raises(by_ctypes.MemoryError, match=r"^cuStreamCreate failed: out of memory$"):
        by_ctypes.Stream(1)
    fail("cuStreamCreate", 1, 4711)
    with pytest.raises(by_ctypes.Error, match=r"^cuStreamCreate failed: unrecognized error code$"):
        by_ctypes.Stream(1)


@pytest.mark.parametrize(
    ("make", "held", "destroy"),
    [
        (lambda: by_ctypes.Stream(1), "streams", "cuStreamDestroy_v2"),
        (lambda: by_ctypes.Event(0), "events", "cuEventDestroy_v2"),
        (lambda: by_ctypes.mem_alloc(N), "device_allocations", "cuMemFree_v2"),
        (lambda: by_ctypes.pagelocked_empty(N, np.uint8).base, "host_allocations", "cuMemFreeHost"),
    ],
    ids=["stream", "event", "device", "host"],
)
def test_what_is_freed_is_freed_once(
    context: by_ctypes.Context, make, held: str, destroy: str, caplog: pytest.LogCaptureFixture
) -> None:
    before, begun = counters()[held], calls(destroy)
    made = make()
    assert counters()[held] == before + 1
    made.free()
    made.free()
    assert counters()[held] == before
    assert calls(destroy) == begun + 1
    fail(destroy, 1, 1)
    with caplog.at_level(logging.WARNING):
        make().free()
    assert caplog.messages == [f"a clean-up operation failed: {destroy.removesuffix('_v2')} failed: invalid argument"]
    assert calls(destroy) == begun + 2


@pytest.mark.parametrize("function", ["cuMemAlloc_v2", "cuMemHostAlloc"])
def test_where_memory_is_short_garbage_is_collected_first(
    context: by_ctypes.Context, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda: collected.append(1))
    fail(function, 1, 2)
    if function == "cuMemAlloc_v2":
        by_ctypes.mem_alloc(N).free()
    else:
        by_ctypes.pagelocked_empty(N, np.uint8).base.free()
    assert collected == [1]


def test_a_context_inside_itself_is_pushed_once(context: by_ctypes.Context) -> None:
    before = counters()["pushed"]
    context.push()
    assert counters()["pushed"] == before
    context.pop()
    assert current_context() is not None
    context.pop()
    assert (counters()["pushed"], current_context()) == (before - 1, None)
    context.pop()  # one too many: nothing of anybody else is popped
    assert counters()["pushed"] == before - 1
    context.push()


def test_a_push_that_fails_is_no_push(context: by_ctypes.Context) -> None:
    context.pop()
    fail("cuCtxPushCurrent_v2", 1, 201)
    with pytest.raises(by_ctypes.Error, match="cuCtxPushCurrent failed: invalid device context"):
        context.push()
    context.push()
    assert current_context() is not None


def test_an_interrupt_while_a_claim_is_made_gives_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before, check = counters()["contexts"], by_ctypes._check

    def interrupted(name: str, code: int) -> None:
        check(name, code)
        raise KeyboardInterrupt

    device = by_ctypes.Device(0)
    monkeypatch.setattr(by_ctypes, "_check", interrupted)
    with pytest.raises(KeyboardInterrupt):
        by_ctypes.Device.retain_primary_context(device)
    assert counters()["contexts"] == before
    assert driver.cuCtxGetCurrent(ctypes.byref(ctypes.c_void_p())) == 0


@pytest.mark.parametrize(
    "make",
    [
        partial(by_ctypes.Device.retain_primary_context, by_ctypes.Device(0)),
        partial(by_ctypes.Stream, 1),
        partial(by_ctypes.Event, 0),
        partial(by_ctypes.mem_alloc, N),
        partial(by_ctypes.pagelocked_empty, N, np.uint8, mem_flags=2),
    ],
    ids=["context", "stream", "event", "device", "host"],
)
def test_a_ctrl_c_behind_any_call_leaves_nothing_with_nobody(
    context: by_ctypes.Context, make: Callable[[], object]
) -> None:
    """CPython looks for signals when a call has returned: interrupted there, at the first, the second, ..."""
    before, at, came, kept = counters(), 0, True, list[Any]()
    while came:
        at, kept = at + 1, []
        keep = partial(kept.extend, map(methodcaller("__call__"), [make]))  # as `edge.engine.cuda` keeps things
        came = interrupted_behind_call(keep, at)
        for thing in kept:
            getattr(thing, "detach", getattr(getattr(thing, "base", thing), "free", None))()
        assert counters() == before, f"interrupted behind call {at}"
    assert at > 2  # it did come


def interrupted_behind_call(step: Callable[[], object], at: int) -> bool:
    """Run ``step``; KeyboardInterrupt behind the ``at``-th call that `by_ctypes` makes. Returns whether it came."""
    called = 0

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        behind = False

        def inside(frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal called, behind
            if event == "opcode":
                called += behind
                if behind and called == at:
                    raise KeyboardInterrupt
                behind = dis.opname[frame.f_code.co_code[frame.f_lasti]].startswith("CALL")
            return inside

        if frame.f_code.co_filename != by_ctypes.__file__:
            return None
        frame.f_trace_opcodes = True
        return inside

    old = sys.gettrace()
    sys.settrace(trace)
    try:
        step()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(old)
    return False
