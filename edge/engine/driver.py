"""What pycuda lacks, of the CUDA driver itself: stream capture, graphs, flags and last pop of a primary context."""

from __future__ import annotations

import ctypes

_p, _int, _out = ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_void_p)
_FUNCTIONS = (
    ("cuGetErrorString", _int, ctypes.POINTER(ctypes.c_char_p)),
    ("cuDevicePrimaryCtxSetFlags_v2", _int, ctypes.c_uint),
    ("cuCtxPopCurrent_v2", _out),
    ("cuStreamBeginCapture_v2", _p, _int),
    ("cuStreamEndCapture", _p, _out),
    # cuGraphInstantiate_v2 takes other arguments since CUDA 12; this one is the same in 11.4 .. 13
    ("cuGraphInstantiateWithFlags", _out, _p, ctypes.c_ulonglong),
    ("cuGraphLaunch", _p, _p),
    ("cuGraphDestroy", _p),
    ("cuGraphExecDestroy", _p),
)


def load_driver() -> ctypes.CDLL:
    """The driver of this process, its functions declared. Raises OSError where there is none."""
    driver = ctypes.CDLL("libcuda.so.1")
    for name, *types in _FUNCTIONS:
        getattr(driver, name).argtypes = types
    return driver


def error_text(driver: ctypes.CDLL, code: int) -> str:
    """What the driver says of one of its error codes."""
    text = ctypes.c_char_p()
    driver.cuGetErrorString(code, ctypes.byref(text))
    return (text.value or b"unknown error").decode()
