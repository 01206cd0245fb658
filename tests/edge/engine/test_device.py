"""The six calls to the driver, against a library that answers as an Orin Nano's would."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge.engine.device import Device, find_device
from edge.errors import EngineError
from tests.support.children import run_child

# numbers of CUdevice_attribute: cuda.h, CUDA Driver API reference
DRIVER = """
#include <stddef.h>
#include <string.h>
static int ready;
int cuInit(unsigned flags) { ready = flags == 0; return INIT; }
int cuDeviceGet(int *device, int ordinal) { *device = 7; return ready && ordinal == 0 ? 0 : 3; }
int cuDeviceGetName(char *name, int size, int device) {
    strncpy(name, "Orin", size);
    return device == 7 ? 0 : 101;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = 7620ull << 20; return device == 7 ? 0 : 101; }
int cuDriverGetVersion(int *version) { *version = 12060; return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 16 ? 8 : attribute == 75 ? 8 : attribute == 76 ? 7 : -1;
    return device == 7 ? 0 : 101;
}
"""


def driver(folder: Path, init: int) -> str:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler to make a driver that answers")
    (folder / "driver.c").write_text(DRIVER)
    library = folder / "libcuda_orin.so"
    command = [compiler, "-shared", "-fPIC", f"-DINIT={init}", "-o", str(library), str(folder / "driver.c")]
    run_child(command, check=True, timeout=60)
    return str(library)


def test_an_orin_nano(tmp_path: Path) -> None:
    assert find_device(driver(tmp_path, init=0)) == Device("Orin", "8.7", 8, 7620, "12.6")


def test_a_driver_that_finds_no_gpu(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"answers cuInit with error 100"):
        find_device(driver(tmp_path, init=100))


def test_no_driver(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"no NVIDIA driver .*--backend ort"):
        find_device(str(tmp_path / "libcuda.so.1"))
