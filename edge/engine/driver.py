"""The CUDA driver itself, by ctypes: which of its functions are called, with which arguments.

The names are those that the library exports: cuda.h makes ``cuMemAlloc`` into ``cuMemAlloc_v2``. All exist from CUDA
11.4 to 13, so ``cuEventElapsedTime`` has no ``_v2`` here: the driver of JetPack 6 lacks that one.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Mapping
from operator import methodcaller
from typing import Any

from edge.errors import EngineError, InputError

LIBRARY = "libcuda.so.1"

_p, _int, _flags, _bytes = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint, ctypes.c_size_t
_address = ctypes.c_ulonglong  # CUdeviceptr
_handle_out, _int_out, _text_out = ctypes.POINTER(_p), ctypes.POINTER(_int), ctypes.POINTER(ctypes.c_char_p)
_address_out, _bytes_out = ctypes.POINTER(_address), ctypes.POINTER(_bytes)

FUNCTIONS: Mapping[str, tuple[Any, ...]] = {
    "cuGetErrorString": (_int, _text_out),
    # what `edge.engine.device` asks
    "cuInit": (_flags,),
    "cuDriverGetVersion": (_int_out,),
    "cuDeviceGet": (_int_out, _int),
    "cuDeviceGetName": (ctypes.c_char_p, _int, _int),
    "cuDeviceTotalMem_v2": (_bytes_out, _int),
    "cuDeviceGetAttribute": (_int_out, _int, _int),
    # what pycuda has too
    "cuDevicePrimaryCtxRetain": (_handle_out, _int),
    "cuDevicePrimaryCtxRelease_v2": (_int,),
    "cuCtxPushCurrent_v2": (_p,),
    "cuStreamCreate": (_handle_out, _flags),
    "cuStreamSynchronize": (_p,),
    "cuStreamDestroy_v2": (_p,),
    "cuEventCreate": (_handle_out, _flags),
    "cuEventRecord": (_p, _p),
    "cuEventSynchronize": (_p,),
    "cuEventElapsedTime": (ctypes.POINTER(ctypes.c_float), _p, _p),
    "cuEventDestroy_v2": (_p,),
    "cuMemAlloc_v2": (_address_out, _bytes),
    "cuMemFree_v2": (_address,),
    "cuMemHostAlloc": (_handle_out, _bytes, _flags),
    "cuMemHostGetDevicePointer_v2": (_address_out, _p, _flags),
    "cuMemFreeHost": (_p,),
    "cuMemcpyHtoDAsync_v2": (_address, _p, _bytes, _p),
    "cuMemcpyDtoHAsync_v2": (_p, _address, _bytes, _p),
    # what pycuda lacks: flags and last pop of a primary context, stream capture, graphs
    "cuDevicePrimaryCtxSetFlags_v2": (_int, _flags),
    "cuCtxPopCurrent_v2": (_handle_out,),
    "cuStreamBeginCapture_v2": (_p, _int),
    "cuStreamEndCapture": (_p, _handle_out),
    # cuGraphInstantiate_v2 takes other arguments since CUDA 12; this one is the same in 11.4 .. 13
    "cuGraphInstantiateWithFlags": (_handle_out, _p, ctypes.c_ulonglong),
    "cuGraphLaunch": (_p, _p),
    "cuGraphDestroy": (_p,),
    "cuGraphExecDestroy": (_p,),
}


def load_driver(library: str = LIBRARY, names: Iterable[str] = FUNCTIONS) -> ctypes.CDLL:
    """The driver of this process, the functions ``names`` declared; each answers with a CUresult.

    Raises OSError where there is none, EngineError where it lacks a function.
    """
    driver = ctypes.CDLL(library)
    for name in names:
        try:
            function = getattr(driver, name)
        except AttributeError:
            raise EngineError(
                f"the NVIDIA driver ({library}) has no {name}: expected one for CUDA 11.4 or newer: "
                "on a Jetson flash JetPack 6.1 or newer"
            ) from None
        function.argtypes, function.restype = FUNCTIONS[name], _int
    return driver


def need_driver() -> ctypes.CDLL:
    """`load_driver`, for whom nothing goes on without it: raises InputError where there is none."""
    try:
        return load_driver()
    except OSError as error:
        raise InputError(f"the NVIDIA driver cannot be loaded ({error}): without a GPU use --backend ort") from None


def error_text(driver: ctypes.CDLL, code: int) -> str:
    """What the driver says of one of its error codes."""
    text = ctypes.c_char_p()
    driver.cuGetErrorString(code, ctypes.byref(text))
    return (text.value or b"unknown error").decode()


def at_once(*steps: Callable[[], Any]) -> list[Any]:
    """What each of the steps returns. No bytecode runs in between, where a Ctrl-C could come."""
    return list(map(methodcaller("__call__"), steps))
