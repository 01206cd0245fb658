"""What the tests on a GPU share: the GPU, or why there is none; how much of its memory is free."""

from __future__ import annotations

import ctypes
import gc
import os
from pathlib import Path

import pytest

from edge.engine.device import find_device
from edge.engine.driver import load_driver
from edge.errors import EdgeError

SIMULATED = "SIM_PYCUDA" in os.environ  # the simulated driver stands in its place: see tests/cuda_sim/process.py
REPLAYS = 200 if SIMULATED else 10_000
SLACK = 0 if SIMULATED else 2 << 20  # bytes: a driver takes and returns memory in blocks of this size


def gpu_or_skip() -> None:
    """Skips the test, or the file that calls this before it imports the engine, where there is no GPU: says why."""
    try:
        find_device()
    except EdgeError as reason:
        pytest.skip(f"needs an NVIDIA GPU: {reason}", allow_module_level=True)


class FreeMemory:
    """Of the GPU, in bytes, while somebody holds its primary context: its own memory would count otherwise."""

    def __enter__(self) -> FreeMemory:
        self._driver = load_driver()
        self._context = ctypes.c_void_p()
        assert self._driver.cuInit(0) == 0
        assert self._driver.cuDevicePrimaryCtxRetain(ctypes.byref(self._context), 0) == 0
        return self

    def now(self) -> int:
        left, total = ctypes.c_size_t(), ctypes.c_size_t()
        assert self._driver.cuCtxPushCurrent_v2(self._context) == 0
        assert self._driver.cuMemGetInfo_v2(ctypes.byref(left), ctypes.byref(total)) == 0
        assert self._driver.cuCtxPopCurrent_v2(None) == 0
        return left.value

    def __exit__(self, *_: object) -> None:
        assert self._driver.cuDevicePrimaryCtxRelease_v2(0) == 0


def resident_bytes() -> int:
    """Of this process in the host's memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
