"""The simulated driver's own functions, for a process that runs on it."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

driver = ctypes.CDLL("libcuda.so.1")  # undeclared: a test may call with wrong arguments
KERNEL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
driver.sim_report.restype = ctypes.c_char_p
driver.sim_calls.restype = ctypes.c_long
driver.sim_device_bytes.restype = ctypes.c_void_p
driver.sim_device_bytes.argtypes = (ctypes.c_ulonglong, ctypes.c_size_t)
driver.sim_launch.argtypes = (ctypes.c_void_p, KERNEL, ctypes.c_void_p)
driver.sim_fail.argtypes = (ctypes.c_char_p, ctypes.c_long, ctypes.c_int, ctypes.c_int)

HELD = (
    "contexts",
    "pushed",
    "streams",
    "events",
    "device_allocations",
    "host_allocations",
    "graphs",
    "graph_execs",
)
BAD = ("freed_with_context", "pageable_copies", "bad_accesses", "overruns")


def counters() -> dict[str, int]:
    return json.loads(driver.sim_report())


def calls(function: str) -> int:
    return driver.sim_calls(function.encode())


def fail(function: str, nth: int, code: int, from_then_on: bool = False) -> None:
    """The ``nth`` call from now of ``function`` answers ``code``."""
    driver.sim_fail(function.encode(), nth, code, from_then_on)


def seen_by_gpu(address: int, nbytes: int) -> np.ndarray:
    """The bytes a kernel would see; MemoryError where they are not all of one allocation."""
    pointer = driver.sim_device_bytes(address, nbytes)
    if not pointer:
        raise MemoryError(hex(address))
    return np.frombuffer((ctypes.c_char * nbytes).from_address(pointer), np.uint8)


def current_context() -> int | None:
    """CUcontext of this thread."""
    context = ctypes.c_void_p()
    assert driver.cuCtxGetCurrent(ctypes.byref(context)) == 0
    return context.value


@contextmanager
def context_of_somebody_else() -> Iterator[int | None]:
    """A context that is not the primary one, made and current inside."""
    context = ctypes.c_void_p()
    assert driver.cuInit(0) == 0
    assert driver.cuCtxCreate_v2(ctypes.byref(context), 0, 0) == 0
    try:
        yield context.value
    finally:
        assert driver.cuCtxPopCurrent_v2(None) == 0
        assert driver.cuCtxDestroy_v2(context) == 0
