"""TensorRT: the engine of the aircraft. The only run-time import of tensorrt, 10.3 to 11.x in one path.

A frame costs one copy in, one launch and one copy out, captured once as a CUDA graph. All memory is
taken at the start; nothing is loaded that its passport does not vouch for.
"""

from __future__ import annotations

import re
import shlex
import time
import weakref
from collections import deque
from math import prod

import numpy as np
import numpy.typing as npt

from edge.data import RawDetections
from edge.engine.cuda import AGAIN, CALLS_BY, Buffer, Gpu
from edge.engine.passport_check import engine_bytes, raise_refusals
from edge.engine.readiness import CLOSE_OTHERS, ENVIRONMENT, TENSORRT, Probe
from edge.engine.select import EngineOptions
from edge.errors import EngineError, InputError
from edge.measure.meter import StageTimer
from edge.model.bundle import Bundle
from edge.model.graph_io import DTYPES, INPUT, Signature, deviations, raw_detections, signature
from edge.model.passport import ENGINE
from edge.seams import Engine
from edge.system.files import reason_of
from edge.system.memory import collection_waits

try:
    import tensorrt as trt
except ImportError as error:
    missing = isinstance(error, ModuleNotFoundError) and error.name == "tensorrt"
    raise InputError(
        f"TensorRT for Python {'is not installed' if missing else f'cannot be loaded ({error})'}: on "
        f"JetPack 6 or 7 run: {TENSORRT}, and {ENVIRONMENT}; without a GPU use --backend ort"
    ) from None

ALIGNMENT = 256  # bytes; what TensorRT asks of every address
_START, _COPIED, _EXECUTED, _END = range(Gpu.EVENTS)
_NO_MEMORY = re.compile(r"out ?of ?memory|insufficient memory|bad_alloc", re.IGNORECASE)
_OVERFLOW = "half precision cannot hold this model's values: use --backend ort, or train further and export again"


def open_engine(bundle: Bundle, options: EngineOptions) -> Engine:
    """See `TrtEngine`."""
    return TrtEngine(bundle, zero_copy=options.zero_copy, spin=options.spin, probe=options.probe)


class TrtEngine(Engine):
    """``model.engine`` of a bundle in TensorRT, on the first GPU. One thread makes and uses it.

    ``trust_engine``: load an engine without a passport too. ``zero_copy``: host and GPU share the buffers
    instead of copying; can pay on a Jetson, measure it. ``spin``: wait for the GPU by burning a CPU core.
    ``cuda_graph``: launch the whole step at once; where TensorRT or the driver refuses, plain enqueueing is
    used and ``graph_refused`` says why. ``probe``: what is known already of this machine and the bundle.

    ``notes``: the passport's and TensorRT's warnings, and why there is no graph, one line each.
    ``last_ms``: of the last `infer`, milliseconds. By the CPU's clock, one after the other: ``copy_in`` (the image
    into pinned memory), ``enqueue``, ``wait`` (for the GPU), ``copy_out`` (the detections out of pinned memory). By
    the GPU's clock, while the CPU enqueues and waits: ``gpu``, or without a graph its parts ``gpu_copy_in``,
    ``gpu_execute``, ``gpu_copy_out``.

    Raises BundleError where the passport refuses the engine; EngineError where GPU, driver or TensorRT fail,
    or the engine's inputs and outputs are not those of the bundle; InputError for an option this GPU lacks.
    """

    backend = "trt"

    def __init__(
        self,
        bundle: Bundle,
        *,
        trust_engine: bool = False,
        zero_copy: bool = False,
        spin: bool = False,
        cuda_graph: bool = True,
        probe: Probe | None = None,
    ) -> None:
        super().__init__(bundle)
        self.zero_copy = zero_copy
        self.graph_refused: str | None = None
        self._graph = False
        probe = probe or Probe(bundle, trust_engine)
        device = probe.device
        if isinstance(device, str):
            raise EngineError(device)
        raise_refusals(bundle, probe.mismatches)
        self._gpu = Gpu(spin=spin)
        self._plan = _Plan()
        self._finalizer = weakref.finalize(self, _release_quietly, self._plan, self._gpu)
        try:
            self._gpu.open()
            with self._gpu.current():
                self._plan.load(bundle)
                self._bind()
                self._warm_up(cuda_graph)
        except BaseException:
            self.close()
            raise
        notes = [str(warning) for warning in probe.mismatches] + self._plan.log.warnings()
        if zero_copy and not self._gpu.integrated:
            notes.append("zero_copy: this GPU has memory of its own, every access crosses the bus")
        how = "CUDA graph"
        if self.graph_refused is not None:
            how = "no CUDA graph"
            notes += [f"{how} ({self.graph_refused}): every frame costs some launches more"] if cuda_graph else []
        how += ", zero-copy" if zero_copy else ""
        self.description = f"TensorRT {trt.__version__} on {device.name} ({device.compute_capability}), {how}"
        self.notes = notes
        self.versions = {"tensorrt": trt.__version__, **CALLS_BY, "cuda": device.cuda}

    def _infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:
        with self._gpu.current():
            return self._step(image)

    def _release(self) -> None:
        _release(self._plan, self._gpu)
        self._finalizer.detach()

    def _bind(self) -> None:
        """Take all memory, and tell TensorRT where its tensors are."""
        bundle, gpu = self.bundle, self._gpu
        expected = signature(bundle)
        dtypes = self._plan.check(expected)
        self._input: Buffer = gpu.buffer(bundle.height * bundle.width, mapped=self.zero_copy)
        self._plan.set_address(INPUT, self._input.address)
        self._image = self._input.host.reshape(bundle.height, bundle.width)
        # all outputs side by side: one copy brings them back
        places, size = {}, 0
        for name, dtype in dtypes.items():
            if name != INPUT:
                shape = expected[name].shape
                nbytes = prod(shape) * np.dtype(dtype).itemsize
                places[name] = (size, nbytes, dtype, shape)
                size += -(-nbytes // ALIGNMENT) * ALIGNMENT
        self._output: Buffer = gpu.buffer(size, mapped=self.zero_copy)
        self._views: dict[str, npt.NDArray[np.generic]] = {}
        for name, (offset, nbytes, dtype, shape) in places.items():
            self._plan.set_address(name, self._output.address + offset)
            self._views[name] = self._output.host[offset : offset + nbytes].view(dtype).reshape(shape)

    def _warm_up(self, cuda_graph: bool) -> None:
        """Run plainly once, which TensorRT wants before a capture; capture; see that the graph computes."""
        gpu, image = self._gpu, np.full(self._image.shape, 128, np.uint8)
        if not self._step(image).finite:
            raise EngineError(f"the engine's numbers overflow on a plain grey picture: {_OVERFLOW}")
        if not cuda_graph:
            self.graph_refused = "not asked for"
            return
        try:
            with gpu.current():
                gpu.capture(self._enqueue)
                self._graph = True
                self._output.host.fill(255)  # as float32: NaN
                if not self._step(image).finite:
                    raise EngineError("its replay wrote no output")
        except EngineError as error:
            if gpu.lost:
                raise
            self._graph, self.graph_refused = False, str(error).removesuffix(AGAIN)
            gpu.drop_graph()

    def _step(self, image: npt.NDArray[np.uint8]) -> RawDetections:
        gpu, timer = self._gpu, StageTimer(time.perf_counter)
        np.copyto(self._image, image)
        timer.end("copy_in")
        gpu.mark(_START)
        if self._graph:
            gpu.launch()
        else:
            self._enqueue(timed=True)
        gpu.mark(_END)
        timer.end("enqueue")
        gpu.wait()
        timer.end("wait")
        raw = raw_detections(self._views)
        timer.end("copy_out")
        if self._graph:
            timer.ms["gpu"] = gpu.elapsed_ms(_START, _END)
        else:
            timer.ms["gpu_copy_in"] = gpu.elapsed_ms(_START, _COPIED)
            timer.ms["gpu_execute"] = gpu.elapsed_ms(_COPIED, _EXECUTED)
            timer.ms["gpu_copy_out"] = gpu.elapsed_ms(_EXECUTED, _END)
        self.last_ms = timer.ms
        return raw

    def _enqueue(self, timed: bool = False) -> None:
        """The whole step. An event that is recorded in a capture tells no time: none then."""
        gpu = self._gpu
        gpu.to_device(self._input)
        if timed:
            gpu.mark(_COPIED)
        self._plan.execute(gpu.stream_handle)
        if timed:
            gpu.mark(_EXECUTED)
        gpu.to_host(self._output)


class _Log(trt.ILogger):  # type: ignore[misc]
    """TensorRT returns None or False and says why only here."""

    def __init__(self) -> None:
        trt.ILogger.__init__(self)
        self.lines: deque[tuple[str, str]] = deque(maxlen=100)

    def log(self, severity: trt.ILogger.Severity, msg: str) -> None:
        if severity.name in ("INTERNAL_ERROR", "ERROR", "WARNING"):
            self.lines.append((severity.name, " ".join(msg.split())))

    def reason(self) -> str:
        """The errors since the last time this was asked."""
        errors = [text for severity, text in self.lines if severity != "WARNING"]
        self.lines = deque((line for line in self.lines if line[0] == "WARNING"), self.lines.maxlen)
        said = "; ".join(errors[-3:]) or "it does not say why"
        if _NO_MEMORY.search(said):
            said += CLOSE_OTHERS
        return said

    def warnings(self) -> list[str]:
        return [f"TensorRT warns: {text}" for severity, text in self.lines if severity == "WARNING"]


class _Plan:
    """TensorRT's objects, released in the order it wants: context, engine, runtime, logger.

    No local variable may hold one: an error's traceback would keep it beyond its turn.
    """

    _runtime: trt.Runtime
    _engine: trt.ICudaEngine
    _context: trt.IExecutionContext

    def __init__(self) -> None:
        self.log = _Log()

    @collection_waits()
    def load(self, bundle: Bundle) -> None:
        path = bundle.path / ENGINE
        self._fix = f"run: edge-export engine {shlex.quote(str(bundle.path))}"
        try:
            data = engine_bytes(bundle)
        except OSError as error:
            raise EngineError(f"{path} cannot be read ({reason_of(error)}): {self._fix}") from None
        try:
            self._runtime = trt.Runtime(self.log)
        except (TypeError, RuntimeError) as error:  # pybind11: "factory function returned nullptr"
            raise EngineError(f"TensorRT does not start ({error}): {self.log.reason()}: see: edge info") from None
        self._engine = self._runtime.deserialize_cuda_engine(data)
        if self._engine is None:
            raise EngineError(f"TensorRT cannot load {path}: {self.log.reason()}: {self._fix}")

    def check(self, expected: Signature) -> dict[str, type[np.generic]]:
        """Data types by tensor name, once everything is what the bundle promises."""
        names: list[str] = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        found = {
            name: (
                self._engine.get_tensor_mode(name).name,
                tuple(self._engine.get_tensor_shape(name)),
                self._engine.get_tensor_dtype(name).name,
            )
            for name in names
        }
        if wrong := deviations(found, expected):
            raise EngineError(f"the engine has {'; '.join(wrong)}: {self._fix}")
        # takes the engine's scratch memory
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise EngineError(f"TensorRT cannot make room to run the engine: {self.log.reason()}")
        return {name: DTYPES[dtype] for name, (_, _, dtype) in found.items()}

    def set_address(self, name: str, address: int) -> None:
        if not self._context.set_tensor_address(name, address):
            raise EngineError(f"TensorRT does not take the memory of {name}: {self.log.reason()}{AGAIN}")

    def execute(self, stream_handle: int) -> None:
        if not self._context.execute_async_v3(stream_handle):
            raise EngineError(f"TensorRT could not run the engine: {self.log.reason()}{AGAIN}")

    def close(self) -> None:
        for name in ("_context", "_engine", "_runtime"):
            vars(self).pop(name, None)


def _release(plan: _Plan, gpu: Gpu) -> None:
    if not gpu.closed:
        with gpu.current():
            gpu.settle()  # nothing may run in what is released now
            gpu.drop_graph()
            plan.close()
        gpu.close()


def _release_quietly(plan: _Plan, gpu: Gpu) -> None:
    """When an engine that nobody closed is collected, or the interpreter ends. Another thread's stays."""
    if gpu.owned:
        _release(plan, gpu)
