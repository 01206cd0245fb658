"""What `edge.engine.cuda` uses of ``pycuda.driver``, under the same names, for where pycuda is not installed.

The calls go to the driver by ctypes, and fail with pycuda's words. Unlike pycuda's, nothing here is given back by a
destructor: a Ctrl-C inside one would be swallowed. Whoever makes an object calls its ``free``.
"""

from __future__ import annotations

import ctypes
import gc
import logging
from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import Any, SupportsInt

import numpy as np
import numpy.typing as npt

from edge.engine.driver import at_once, error_text, need_driver

_log = logging.getLogger(__name__)
_driver = need_driver()
_OUT_OF_MEMORY = 2


class Error(Exception):
    """The driver answered a call with an error."""


class MemoryError(Error):
    """The driver has no memory left."""


class device_attribute(IntEnum):  # noqa: N801
    """CUdevice_attribute of cuda.h, as far as it is asked for."""

    INTEGRATED = 18
    CAN_MAP_HOST_MEMORY = 19


class event_flags(IntEnum):  # noqa: N801
    """CUevent_flags."""

    DEFAULT = 0
    BLOCKING_SYNC = 1


class host_alloc_flags(IntEnum):  # noqa: N801
    """CU_MEMHOSTALLOC_*."""

    DEVICEMAP = 2


def init() -> None:
    """Start the driver."""
    _call("cuInit", 0)


class Context:
    """One claim to the primary context, which everybody in this process shares; `detach` gives it back."""

    def __init__(self, device: Device) -> None:
        self._handle = ctypes.c_void_p()
        # one who is inside already is not pushed a second time: so with pycuda
        self._inside: list[None] = []
        self._enter = partial(_driver.cuCtxPushCurrent_v2, self._handle), partial(self._inside.append, None)
        self._leave = partial(_driver.cuCtxPopCurrent_v2, None), self._inside.clear
        self.detach = partial(_driver.cuDevicePrimaryCtxRelease_v2, device.number)
        try:
            _call("cuDevicePrimaryCtxRetain", ctypes.byref(self._handle), device.number)
        except BaseException:
            if self._handle:  # an interrupt came in between
                self.detach()
            raise

    def push(self) -> None:
        """Make it current in this thread."""
        if self._inside:
            self._inside.append(None)
        elif code := at_once(*self._enter)[0]:
            self._inside.clear()
            _check("cuCtxPushCurrent", code)

    def pop(self) -> None:
        """Undo one `push`."""
        if len(self._inside) > 1:
            self._inside.pop()
        elif self._inside:
            _check("cuCtxPopCurrent", at_once(*self._leave)[0])


class _Claim:
    """``Device.retain_primary_context``, both of a device and of the class. Not a function around `Context`: that could
    be interrupted between the making and its return, and nobody would have the claim to give back.
    """

    def __get__(self, device: Device | None, owner: type[Device]) -> Callable[..., Context]:
        return Context if device is None else partial(Context, device)


class Device:
    """The GPU of this number."""

    def __init__(self, number: int) -> None:
        device = ctypes.c_int()
        _call("cuDeviceGet", ctypes.byref(device), number)
        self.number = device.value

    def get_attribute(self, attribute: device_attribute) -> int:
        value = ctypes.c_int()
        _call("cuDeviceGetAttribute", ctypes.byref(value), attribute, self.number)
        return value.value

    retain_primary_context = _Claim()


class _Held:
    """Something of the driver's, from its making to `free`. ``_handle``: null before and after.

    Kinds of it have no ``__init__`` of their own: behind the call of this one a Ctrl-C could come, and what was made
    would be nobody's.
    """

    _create: str
    _destroy: str
    _kind: type[ctypes.c_void_p] | type[ctypes.c_ulonglong] = ctypes.c_void_p
    _again = False  # where memory is short, collect garbage and try once more, as pycuda does

    def __init__(self, *arguments: object) -> None:
        self._handle: Any = self._kind()
        try:
            try:
                _call(self._create, ctypes.byref(self._handle), *arguments)
            except MemoryError:
                if not self._again:
                    raise
                gc.collect()
                _call(self._create, ctypes.byref(self._handle), *arguments)
        except BaseException:
            self.free()
            raise

    def free(self) -> None:
        """Give it back. May be called twice. An error is logged: nobody can do anything about it."""
        if not self._handle:
            return
        gone = type(self._handle)()
        forget = partial(setattr, self, "_handle", gone)
        if code := at_once(partial(getattr(_driver, self._destroy), self._handle), forget)[0]:
            _log.warning("a clean-up operation failed: %s", _told(self._destroy, code))


class Stream(_Held):
    """A queue of the GPU: ``Stream(flags)``."""

    _create, _destroy = "cuStreamCreate", "cuStreamDestroy_v2"

    @property
    def handle(self) -> int:
        """CUstream."""
        return int(self._handle.value)

    def synchronize(self) -> None:
        """Wait until all that was enqueued is done."""
        _call("cuStreamSynchronize", self._handle)


class Event(_Held):
    """A moment in a stream: ``Event(flags)``."""

    _create, _destroy = "cuEventCreate", "cuEventDestroy_v2"

    def record(self, stream: Stream) -> None:
        _call("cuEventRecord", self._handle, stream._handle)

    def synchronize(self) -> None:
        """Wait for it."""
        _call("cuEventSynchronize", self._handle)

    def time_till(self, end: Event) -> float:
        """Milliseconds."""
        ms = ctypes.c_float()
        _call("cuEventElapsedTime", ctypes.byref(ms), self._handle, end._handle)
        return ms.value


class DeviceAllocation(_Held):
    """Memory of the GPU, at least 256-byte aligned: ``DeviceAllocation(nbytes)``; as an int, its address."""

    _create, _destroy, _kind, _again = "cuMemAlloc_v2", "cuMemFree_v2", ctypes.c_ulonglong, True

    def __int__(self) -> int:
        return int(self._handle.value)


class _HostAllocation(_Held):
    """Pinned memory of the host: ``_HostAllocation(nbytes, flags)``."""

    _create, _destroy, _again = "cuMemHostAlloc", "cuMemFreeHost", True

    def array(self, nbytes: int) -> npt.NDArray[np.uint8]:
        """(nbytes,) uint8, whose ``base`` is this."""
        data = (self._handle.value, False)
        self.__array_interface__ = {"version": 3, "typestr": "|u1", "shape": (nbytes,), "data": data}
        return np.asarray(self)

    def get_device_pointer(self) -> int:
        """Where the GPU finds it, if it was allocated as mapped."""
        address = ctypes.c_ulonglong()
        _call("cuMemHostGetDevicePointer_v2", ctypes.byref(address), self._handle, 0)
        return address.value


mem_alloc = DeviceAllocation


def pagelocked_empty(nbytes: int, dtype: type[np.uint8], mem_flags: int = 0) -> npt.NDArray[np.uint8]:  # noqa: ARG001
    """(nbytes,) uint8, pinned; its ``base`` frees it."""
    made: list[_HostAllocation] = []
    try:
        made.extend(map(_HostAllocation, [nbytes], [mem_flags]))  # no bytecode in between, as in `edge.engine.cuda`
        array = made[0].array(nbytes)
    except BaseException:
        for memory in made:
            memory.free()
        raise
    return array


def memcpy_htod_async(device: SupportsInt, host: npt.NDArray[np.uint8], stream: Stream) -> None:
    """Enqueue the copy of all of ``host``."""
    _call("cuMemcpyHtoDAsync_v2", int(device), host.ctypes.data, host.nbytes, stream._handle)


def memcpy_dtoh_async(host: npt.NDArray[np.uint8], device: SupportsInt, stream: Stream) -> None:
    """Enqueue the copy that fills ``host``."""
    _call("cuMemcpyDtoHAsync_v2", host.ctypes.data, int(device), host.nbytes, stream._handle)


def _call(name: str, *arguments: object) -> None:
    _check(name, getattr(_driver, name)(*arguments))


def _check(name: str, code: int) -> None:
    if code:
        raise (MemoryError if code == _OUT_OF_MEMORY else Error)(_told(name, code))


def _told(name: str, code: int) -> str:
    return f"{name.removesuffix('_v2')} failed: {error_text(_driver, code)}"
