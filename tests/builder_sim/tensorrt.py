"""Stands in for the builder half of ``tensorrt`` 10.3 where there is no GPU.

The "ONNX file" is JSON, ``{"inputs": {name: [shape, type]}, "outputs": {..}}``; the "engine" is the same.
What goes wrong is said by the environment variable BUILDER_SIM.
"""

from __future__ import annotations

import enum
import json
import os
import signal
import time

__version__ = "10.3.0"


class DataType(enum.Enum):
    FLOAT = 0
    HALF = 1
    INT32 = 3
    UINT8 = 5


class TensorIOMode(enum.Enum):
    INPUT = 1
    OUTPUT = 2


class NetworkDefinitionCreationFlag(enum.IntEnum):
    EXPLICIT_BATCH = 0
    STRONGLY_TYPED = 1


class BuilderFlag(enum.Enum):
    FP16 = 0
    TF32 = 6


class MemoryPoolType(enum.Enum):
    WORKSPACE = 0


class ProfilingVerbosity(enum.Enum):
    LAYER_NAMES_ONLY = 0
    NONE = 1
    DETAILED = 2


class LayerInformationFormat(enum.Enum):
    ONELINE = 0
    JSON = 1


class ILogger:
    class Severity(enum.Enum):
        INTERNAL_ERROR = 0
        ERROR = 1
        WARNING = 2

    def log(self, severity: ILogger.Severity, msg: str) -> None: ...


class IProgressMonitor:
    def phase_start(self, phase_name: str, parent_phase: str, num_steps: int) -> None: ...

    def step_complete(self, phase_name: str, step: int) -> bool: ...

    def phase_finish(self, phase_name: str) -> None: ...


class ITensor:
    def __init__(self, name, shape, dtype):
        self.name, self.shape, self.dtype = name, tuple(shape), DataType[dtype]


class INetworkDefinition:
    def __init__(self, flags):
        self._flags = flags

    def _load(self, text):
        self._text = text
        tensors = json.loads(text)
        self._inputs = [ITensor(name, *of) for name, of in tensors["inputs"].items()]
        self._outputs = [ITensor(name, *of) for name, of in tensors["outputs"].items()]
        self.num_inputs, self.num_outputs = len(self._inputs), len(self._outputs)

    def get_input(self, index):
        return self._inputs[index]

    def get_output(self, index):
        return self._outputs[index]


class OnnxParser:
    num_errors = 0

    def __init__(self, network, logger):
        self._network = network

    def parse_from_file(self, model):
        with open(model, encoding="utf-8") as file:
            self._network._load(file.read())
        return True


class IHostMemory(bytes):
    """`bytes()` of the real one copies its buffer too."""


class ITimingCache:
    def __init__(self, data):
        self._data = data

    def serialize(self):
        return IHostMemory(self._data + b"timed;")


class IBuilderConfig:
    def __init__(self):
        self._pools, self._cache, self._flags = {}, None, {BuilderFlag.TF32}
        self.builder_optimization_level = 3
        self.max_aux_streams = 7
        self.progress_monitor = None
        self.profiling_verbosity = ProfilingVerbosity.LAYER_NAMES_ONLY

    def set_memory_pool_limit(self, pool, pool_size):
        self._pools[pool] = pool_size

    def clear_flag(self, flag):
        self._flags.discard(flag)

    def create_timing_cache(self, serialized_timing_cache):
        return ITimingCache(serialized_timing_cache)

    def set_timing_cache(self, cache, ignore_mismatch):
        assert not ignore_mismatch
        if cache._data.startswith(b"damaged"):
            return False
        self._cache = cache
        return True

    def get_timing_cache(self):
        return self._cache


class Builder:
    def __init__(self, logger):
        self._logger = logger
        if os.environ.get("BUILDER_SIM") == "no cuda":
            logger.log(ILogger.Severity.ERROR, "CUDA initialization failure with error: 801")
            raise TypeError("pybind11::init(): factory function returned nullptr")

    def create_network(self, flags=0):
        return INetworkDefinition(flags)

    def create_builder_config(self):
        return IBuilderConfig()

    def build_serialized_network(self, network, config):
        assert network._flags == 1 << NetworkDefinitionCreationFlag.STRONGLY_TYPED
        assert config._pools[MemoryPoolType.WORKSPACE] >= 128 << 20
        assert not config._flags
        assert config.profiling_verbosity is ProfilingVerbosity.DETAILED
        wrong = os.environ.get("BUILDER_SIM", "")
        monitor = config.progress_monitor
        monitor.phase_start("Building engine", None, 2)
        monitor.phase_start("Timing graph nodes", "Building engine", 50)
        for step in range(50):
            if wrong == "endless":
                time.sleep(0.01)
            if wrong == "killed" and step == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            if wrong == "crash" and step == 3:
                os.kill(os.getpid(), signal.SIGSEGV)
            if wrong == "stuck" and step == 3:
                time.sleep(60)
            if not monitor.step_complete("Timing graph nodes", step):
                return None
        monitor.phase_finish("Timing graph nodes")
        monitor.phase_finish("Building engine")
        if wrong == "memory":
            # as in mmdeploy issue 1059
            text = "Skipping tactic 8 due to insuficient memory on requested size of 4364 detected for tactic."
            self._logger.log(ILogger.Severity.WARNING, text)
            text = "Error Code 10: Internal Error (Could not find any implementation for node Conv_4.)"
            self._logger.log(ILogger.Severity.ERROR, text)
            return None
        failed = "Skipping tactic 0x0000000000000000 due to exception an illegal memory access was encountered"
        skipped = {  # as in NVIDIA/TensorRT issue 4028, ultralytics issue 22271 and mmdeploy issue 1899
            "skipped": (
                "Error Code: 9: Skipping tactic 0xfe80445f7bb61a99 due to exception Assertion vol == 1 failed. ",
                "UNSUPPORTED_STATE: Skipping tactic 9 due to insufficient memory on requested size of 1048576000 "
                "detected for tactic 0x8a196054417f1c8a.",
                failed,
            ),
            "no tactic": (failed,),
        }
        for text in 2 * skipped.get(wrong, ()):
            self._logger.log(ILogger.Severity.WARNING, text)
            self._logger.log(ILogger.Severity.WARNING, "Tactic Device request: 1000MB Available: 302MB.")
        if wrong == "no tactic":
            text = "Error Code 10: Internal Error (Could not find any implementation for node Conv_4.)"
            self._logger.log(ILogger.Severity.ERROR, text)
            return None
        if wrong == "python memory":
            raise MemoryError
        if wrong == "other shape":
            return IHostMemory(network._text.replace("[1, 4, 4]", "[1, 5, 4]").encode())
        return IHostMemory(network._text.encode())


class ICudaEngine:
    def __init__(self, text):
        tensors = json.loads(text)
        self._tensors = {
            name: (mode, *of)
            for mode, key in ((TensorIOMode.INPUT, "inputs"), (TensorIOMode.OUTPUT, "outputs"))
            for name, of in tensors[key].items()
        }
        self.num_io_tensors = len(self._tensors)

    def get_tensor_name(self, index):
        return list(self._tensors)[index]

    def get_tensor_mode(self, name):
        return self._tensors[name][0]

    def get_tensor_shape(self, name):
        return tuple(self._tensors[name][1])

    def get_tensor_dtype(self, name):
        return DataType[self._tensors[name][2]]

    def create_engine_inspector(self):
        return None if os.environ.get("BUILDER_SIM") == "no inspector" else EngineInspector()


# two layers as trtexec --exportLayerInfo shows them
INPUT = {"Name": "input", "LayerType": "Reformat", "Outputs": [{"Name": "a", "Format/Datatype": "Half"}]}
POOL = {"Name": "pool", "LayerType": "CaskPooling", "TacticName": "sm86_pool", "Outputs": [{"Name": "b"}]}


class EngineInspector:
    def get_engine_information(self, format):
        assert format is LayerInformationFormat.JSON
        return json.dumps({"Layers": [INPUT, POOL], "Bindings": ["image"]})


class Runtime:
    def __init__(self, logger):
        self._logger = logger

    def deserialize_cuda_engine(self, serialized_engine):
        if os.environ.get("BUILDER_SIM") == "cannot load":
            self._logger.log(ILogger.Severity.ERROR, "IRuntime::deserializeCudaEngine: Error Code 1: no room")
            return None
        return ICudaEngine(serialized_engine)
