"""A stand-in for TensorRT's runtime on the simulated CUDA driver: NVIDIA's names, ONNX Runtime's arithmetic.

An engine file of it is "trt_sim VERSION", a newline, and the bytes of an ONNX file. What NVIDIA's runtime
does on a stream is one kernel here: it runs on the device thread when its turn comes, can be captured,
and sees only device memory.

Every name without an underscore exists in NVIDIA's bindings. For tests: ``TRT_SIM_FAIL`` =
"execute_async_v3:2" makes the second call fail as NVIDIA's would, ``TRT_SIM_WARN`` is logged at load,
``TRT_SIM_REPORT`` names a file for what was alive at the end and in which order it went; a kernel takes
``TRT_SIM_MS`` milliseconds longer. ``TRT_SIM_WRONG``: it computes something else and says nothing, see `wrong`.
The builder half is loaded where somebody asks for it.
"""

from __future__ import annotations

import atexit
import ctypes
import enum
import importlib
import json
import math
import os
import time
import weakref
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from tensorrt.wrong import spoil

__version__ = os.environ.get("TRT_SIM_VERSION", "10.3.0")

_KERNEL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_cuda = ctypes.CDLL("libcuda.so.1")
_cuda.sim_launch.argtypes = (ctypes.c_void_p, _KERNEL, ctypes.c_void_p)
_cuda.sim_device_bytes.argtypes = (ctypes.c_ulonglong, ctypes.c_size_t)
_cuda.sim_device_bytes.restype = ctypes.c_void_p
_cuda.cuStreamIsCapturing.argtypes = (ctypes.c_void_p, ctypes.POINTER(ctypes.c_int))

_MAGIC = b"trt_sim "
_TYPES = {
    "tensor(uint8)": ("UINT8", np.uint8),
    "tensor(float)": ("FLOAT", np.float32),
    "tensor(int32)": ("INT32", np.int32),
    "tensor(bool)": ("BOOL", np.bool_),
    "tensor(int64)": ("INT64", np.int64),
}

_calls: Counter[str] = Counter()
_alive: Counter[str] = Counter()
_released: list[str] = []
_too_early: list[str] = []
_kernels: list[object] = []  # never freed: a graph may outlive what it was captured from
_fail_at = {
    name: int(nth) for name, _, nth in (f.partition(":") for f in os.environ.get("TRT_SIM_FAIL", "").split(",") if f)
}


def _fails(name: str) -> bool:
    _calls[name] += 1
    return _calls[name] == _fail_at.get(name)


class ILogger:
    class Severity(enum.Enum):
        INTERNAL_ERROR = 0
        ERROR = 1
        WARNING = 2
        INFO = 3
        VERBOSE = 4

    def __init__(self) -> None:
        self._made = True

    def log(self, severity: ILogger.Severity, msg: str) -> None:
        raise NotImplementedError  # pure virtual


class IProfiler:
    def __init__(self) -> None:
        self._made = True

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        raise NotImplementedError  # pure virtual


class DataType(enum.Enum):
    FLOAT = 0
    INT32 = 3
    BOOL = 4
    UINT8 = 5
    INT64 = 8


class TensorIOMode(enum.Enum):
    NONE = 0
    INPUT = 1
    OUTPUT = 2


class _Object:
    """Counts itself, and remembers when it went, and whether something it made was still there."""

    _made = False

    def __init__(self) -> None:
        self._made = True
        self._children: list[weakref.ref[_Object]] = []
        _alive[type(self).__name__] += 1

    def __del__(self) -> None:
        if self._made:
            _alive[type(self).__name__] -= 1
            _released.append(type(self).__name__)
            _too_early.extend(type(self).__name__ for child in self._children if child() is not None)

    def _keep_in_mind(self, child: _Object) -> None:
        self._children.append(weakref.ref(child))


class Runtime(_Object):
    def __init__(self, logger: ILogger) -> None:
        if not isinstance(logger, ILogger) or not hasattr(logger, "_made"):
            raise TypeError("tensorrt.ILogger.__init__() must be called when overriding __init__")
        self._log = logger.log
        if _fails("Runtime"):
            self._log(ILogger.Severity.ERROR, "CUDA initialization failure with error: 35")
            raise TypeError("pybind11::init(): factory function returned nullptr")
        super().__init__()

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine | None:
        head, _, onnx = bytes(serialized_engine).partition(b"\n")
        if not head.startswith(_MAGIC):
            self._log(
                ILogger.Severity.ERROR,
                "IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization assertion "
                "stdVersionRead == kSERIALIZATION_VERSION failed.)",
            )
            return None
        built = head[len(_MAGIC) :].decode()
        if built != __version__:
            self._log(
                ILogger.Severity.ERROR,
                "IRuntime::deserializeCudaEngine: Error Code 6: API Usage Error (The engine plan file is not "
                f"compatible with this version of TensorRT, expecting library version {__version__} got "
                f"{built}, please rebuild.)",
            )
            return None
        if _fails("deserialize_cuda_engine"):
            self._log(
                ILogger.Severity.ERROR,
                "IRuntime::deserializeCudaEngine: Error Code 2: OutOfMemory (Requested size was 91226112 bytes.)",
            )
            return None
        if "TRT_SIM_WARN" in os.environ:
            self._log(ILogger.Severity.WARNING, os.environ["TRT_SIM_WARN"])
        engine = ICudaEngine(onnx, self._log)
        self._keep_in_mind(engine)
        return engine


class ICudaEngine(_Object):
    def __init__(self, onnx: bytes, log: Callable[[ILogger.Severity, str], None]) -> None:
        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        self._log = log
        self._tensors = {n.name: (TensorIOMode.INPUT, n) for n in self._session.get_inputs()}
        self._tensors |= {n.name: (TensorIOMode.OUTPUT, n) for n in self._session.get_outputs()}

    @property
    def num_io_tensors(self) -> int:
        return len(self._tensors)

    def get_tensor_name(self, index: int) -> str:
        return list(self._tensors)[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return self._tensors[name][0]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._tensors[name][1].shape)

    def get_tensor_dtype(self, name: str) -> DataType:
        return DataType[_TYPES[self._tensors[name][1].type][0]]

    def create_execution_context(self) -> IExecutionContext | None:
        if _fails("create_execution_context"):
            self._log(
                ILogger.Severity.ERROR,
                "IExecutionContext::IExecutionContext: Error Code 2: OutOfMemory (no further information)",
            )
            return None
        context = IExecutionContext(self._session, self._tensors, self._log)
        self._keep_in_mind(context)
        return context

    def create_engine_inspector(self) -> EngineInspector:
        inspector = EngineInspector()
        self._keep_in_mind(inspector)
        return inspector


class EngineInspector(_Object):
    def get_engine_information(self, format: object) -> str:
        told: str = importlib.import_module("tensorrt.builder").layers_of(format)
        return told


class IExecutionContext(_Object):
    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        tensors: dict[str, tuple[TensorIOMode, object]],
        log: Callable[[ILogger.Severity, str], None],
    ) -> None:
        super().__init__()
        self._session, self._tensors, self._log = session, tensors, log
        self._addresses: dict[str, int] = {}
        self.profiler: IProfiler | None = None
        self._kernel: object = None
        self._ran = False

    def set_tensor_address(self, name: str, memory: int) -> bool:
        if _fails("set_tensor_address") or name not in self._tensors or memory % 256 or not memory:
            return self._refuse(f"IExecutionContext::setTensorAddress: Error Code 3: API Usage Error ({name})")
        self._addresses[name] = memory
        self._kernel = None
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        if _fails("execute_async_v3"):
            return self._refuse("IExecutionContext::enqueueV3: Error Code 1: Cuda Runtime (invalid argument)")
        if missing := [name for name in self._tensors if name not in self._addresses]:
            return self._refuse(f"IExecutionContext::enqueueV3: Error Code 3: Address is not set for {missing}")
        capturing = ctypes.c_int()
        _cuda.cuStreamIsCapturing(stream_handle, ctypes.byref(capturing))
        if capturing and not self._ran:
            # the first enqueue sets things up, which a capture does not allow
            return self._refuse("Error Code 1: Cuda Runtime (operation not permitted when stream is capturing)")
        if self._kernel is None:
            self._kernel = _compile(self, dict(self._addresses))
        code = _cuda.sim_launch(stream_handle, self._kernel, None)
        if code:
            return self._refuse(f"IExecutionContext::enqueueV3: Error Code 1: Cuda Runtime (error {code})")
        self._ran = True
        if self.profiler is not None:  # NVIDIA's waits for the GPU here; times of layers stand in no relation
            if capturing:
                return self._refuse("IExecutionContext::enqueueV3: a profiler cannot be used in a capture")
            for n, name in enumerate(("input", "pool", "pool"), 1):
                self.profiler.report_layer_time(name, n / 8)
        return True

    def _refuse(self, text: str) -> bool:
        self._log(ILogger.Severity.ERROR, text)
        return False


def _compile(context: IExecutionContext, addresses: dict[str, int]) -> object:
    """The network as a kernel on these very addresses; it fails once its context was destroyed."""
    alive = weakref.ref(context)
    inputs, outputs = [], []  # read once: every look at a tensor of ONNX Runtime's costs as much as a small network
    for name, (mode, node) in context._tensors.items():
        dtype = np.dtype(_TYPES[node.type][1])  # type: ignore[attr-defined]
        shape = tuple(node.shape)  # type: ignore[attr-defined]
        place = (name, addresses[name], math.prod(shape) * dtype.itemsize, dtype, shape)
        (inputs if mode is TensorIOMode.INPUT else outputs).append(place)
    names, seconds = [name for name, *_ in outputs], float(os.environ.get("TRT_SIM_MS", "0")) / 1e3

    def view(name: str, address: int, nbytes: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
        pointer = _cuda.sim_device_bytes(address, nbytes)
        if not pointer:
            raise MemoryError(name)
        return np.frombuffer((ctypes.c_char * nbytes).from_address(pointer), dtype).reshape(shape)

    def kernel(_user: int | None) -> int:
        running = alive()
        if running is None:
            return 1
        try:
            if seconds:
                time.sleep(seconds)
            answers = dict(zip(names, running._session.run(names, {one[0]: view(*one) for one in inputs}), strict=True))
            spoilt = spoil(answers)
            for one in outputs:
                np.copyto(view(*one), spoilt[one[0]])
        except MemoryError:
            return 1
        return 0

    made = _KERNEL(kernel)
    _kernels.append(made)
    return made


def __getattr__(name: str) -> object:
    return getattr(importlib.import_module("tensorrt.builder"), name)


@atexit.register
def _report() -> None:
    if path := os.environ.get("TRT_SIM_REPORT"):
        Path(path).write_text(json.dumps({"alive": dict(_alive), "released": _released, "too_early": _too_early}))
