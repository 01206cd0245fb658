"""What the CUDA driver tells about the GPU: six calls, no context, no library but the driver's own.

So the builder, which needs no pycuda, and a program that only wants to know can both ask.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from edge.engine.driver import LIBRARY, load_driver
from edge.errors import EngineError

_ASKED = (
    "cuInit",
    "cuDriverGetVersion",
    "cuDeviceGet",
    "cuDeviceGetName",
    "cuDeviceTotalMem_v2",
    "cuDeviceGetAttribute",
)
# CUdevice_attribute of cuda.h
_MULTIPROCESSOR_COUNT, _CAPABILITY_MAJOR, _CAPABILITY_MINOR = 16, 75, 76


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU.

    ``name``: as CUDA names it ("Orin" on every Orin). ``compute_capability``: "8.7".
    ``sm_count``: multiprocessors. ``memory_mib``: total device memory, MiB (shared with the CPU on a
    Jetson). ``cuda``: newest CUDA version that the driver serves, "12.6".
    """

    name: str
    compute_capability: str
    sm_count: int
    memory_mib: int
    cuda: str


def find_device(library: str = LIBRARY) -> Device:
    """The first GPU, which is the one TensorRT uses.

    Raises EngineError where there is no driver, no GPU, or the driver answers with an error.
    """
    try:
        driver = load_driver(library, _ASKED)
    except OSError:
        raise EngineError(f"no NVIDIA driver ({library}), so no TensorRT; --backend ort needs none") from None

    def call(name: str, *arguments: object) -> None:
        code = getattr(driver, name)(*arguments)
        if code != 0:
            raise EngineError(
                f"the NVIDIA driver answers {name} with error {code}: is a GPU there, and may this user open "
                "it (on a Jetson: sudo usermod -aG video,render $USER, then log in again)?"
            )

    def number(name: str, *arguments: object) -> int:
        value = ctypes.c_int()
        call(name, ctypes.byref(value), *arguments)
        return value.value

    call("cuInit", 0)
    device = number("cuDeviceGet", 0)
    name = ctypes.create_string_buffer(256)
    call("cuDeviceGetName", name, len(name), device)
    memory = ctypes.c_size_t()
    call("cuDeviceTotalMem_v2", ctypes.byref(memory), device)
    major = number("cuDeviceGetAttribute", _CAPABILITY_MAJOR, device)
    minor = number("cuDeviceGetAttribute", _CAPABILITY_MINOR, device)
    version = number("cuDriverGetVersion")  # 12060 is 12.6
    return Device(
        name=name.value.decode(errors="replace"),
        compute_capability=f"{major}.{minor}",
        sm_count=number("cuDeviceGetAttribute", _MULTIPROCESSOR_COUNT, device),
        memory_mib=memory.value >> 20,
        cuda=f"{version // 1000}.{version % 1000 // 10}",
    )
