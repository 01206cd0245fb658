"""A stand-in for TensorRT's runtime that computes in torch, on the stream and at the addresses that it is given.

Whatever the engine file holds, `network` is what runs: image (1, H, W, 1) uint8 -> a tensor for each of the outputs.
On the simulated driver, where torch finds no GPU, it runs on the CPU, as one kernel of the simulator's.
"""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from edge.model.graph_io import DTYPES
from tests.gpu.here import SIMULATED

__version__ = "10.3.0"


def network(image: Tensor) -> Sequence[Tensor]:
    """What is computed; the tests put theirs in its place."""
    raise NotImplementedError


# set by the tests, too
tensors: Mapping[str, tuple[str, tuple[int, ...], str]] = {}  # by name: mode, shape, type; the outputs in their order


class ILogger:
    class Severity(enum.Enum):
        ERROR = 1
        WARNING = 2

    def log(self, severity: ILogger.Severity, msg: str) -> None:
        raise NotImplementedError


class Named:
    def __init__(self, name: object) -> None:
        self.name = name


class Runtime:
    def __init__(self, logger: ILogger) -> None:
        self._log = logger

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine:
        return ICudaEngine(self._log)


class ICudaEngine:
    def __init__(self, log: ILogger) -> None:
        self._log = log
        self.num_io_tensors = len(tensors)

    def get_tensor_name(self, index: int) -> str:
        return list(tensors)[index]

    def get_tensor_mode(self, name: str) -> Named:
        return Named(tensors[name][0])

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tensors[name][1]

    def get_tensor_dtype(self, name: str) -> Named:
        return Named(tensors[name][2])

    def create_execution_context(self) -> IExecutionContext:
        return IExecutionContext(self._log)


class IExecutionContext:
    def __init__(self, log: ILogger) -> None:
        self._log = log
        self._addresses: dict[str, int] = {}
        self._kernels: list[object] = []

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._addresses[name] = memory
        return memory % 256 == 0

    def execute_async_v3(self, stream_handle: int) -> bool:
        try:
            if not SIMULATED:
                with torch.cuda.stream(torch.cuda.ExternalStream(stream_handle)):
                    self._compute(_on_gpu)
            else:
                self._enqueue_on_the_simulator(stream_handle)
        except RuntimeError as error:  # as NVIDIA's: False, and the reason only in the log
            self._log.log(ILogger.Severity.ERROR, str(error))
            return False
        return True

    def _compute(self, at: Callable[[int, tuple[int, ...], str], Tensor]) -> None:
        image, *targets = (at(self._addresses[name], shape, kind) for name, (_, shape, kind) in tensors.items())
        with torch.no_grad():
            for target, value in zip(targets, network(image), strict=True):
                target.copy_(value, non_blocking=True)

    def _enqueue_on_the_simulator(self, stream_handle: int) -> None:
        from tests.cuda_sim.sim import KERNEL, driver

        def kernel(_user: int | None) -> int:
            self._compute(_on_simulator)
            return 0

        if not self._kernels:
            self._kernels.append(KERNEL(kernel))
        if code := driver.sim_launch(stream_handle, self._kernels[0], None):
            raise RuntimeError(f"sim_launch: {code}")


class _Pointer:
    def __init__(self, address: int, shape: tuple[int, ...], kind: str) -> None:
        dtype = np.dtype(DTYPES[kind])
        self.__cuda_array_interface__ = {
            "shape": shape,
            "typestr": dtype.str,
            "data": (address, False),
            "version": 3,
            "strides": None,
        }


def _on_gpu(address: int, shape: tuple[int, ...], kind: str) -> Tensor:
    return torch.as_tensor(_Pointer(address, shape, kind), device="cuda")


def _on_simulator(address: int, shape: tuple[int, ...], kind: str) -> Tensor:
    from tests.cuda_sim.sim import driver

    dtype = np.dtype(DTYPES[kind])
    nbytes = int(np.prod(shape)) * dtype.itemsize
    memory = (ctypes.c_char * nbytes).from_address(driver.sim_device_bytes(address, nbytes))
    return torch.from_numpy(np.frombuffer(memory, dtype).reshape(shape))
