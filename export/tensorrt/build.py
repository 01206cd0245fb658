"""ONNX to TensorRT engine: one code path for TensorRT 10.3 .. 11.x, and for TensorRT-RTX.

The module is passed in, and what differs between versions is looked up by name: precision flags and
``EXPLICIT_BATCH`` are gone in 11, ``STRONGLY_TYPED`` changed its number. None of that is needed, because the
precision of every value stands in the ONNX file and the build is strongly typed. Facts: NVIDIA's
Python bindings 10.3.0, 10.13.3.9, 10.16.1.11 and 11.4.0.106.

Runs on the board: imports neither torch nor onnx.
"""

from __future__ import annotations

import importlib
import re
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from edge.engine.readiness import ENVIRONMENT, OLDEST_TENSORRT
from edge.errors import EngineError, InputError
from edge.model.bundle import Bundle
from edge.model.graph_io import deviations, signature
from edge.system.memory import collection_waits
from export.tensorrt.build_log import Heard, logger

if TYPE_CHECKING:
    import tensorrt

LEVELS = range(6)

_OUT_OF_MEMORY = re.compile(
    r"out of memory|OutOfMemory|insufficient memory|error allocating|bad_alloc|cannot allocate", re.IGNORECASE
)
MEMORY_HINT = (
    "close other programs, log out of the desktop (sudo systemctl isolate multi-user.target), or pass a "
    "smaller --workspace-mib"
)


class BuildCancelled(EngineError):
    """The progress listener asked the build to stop, and it did."""


class Progress(Protocol):
    """Hears of the build's phases, possibly from several threads. Phases nest: ``parent`` is open."""

    def start(self, phase: str, parent: str | None, steps: int) -> None: ...

    def step(self, phase: str, step: int) -> bool:
        """Step ``step`` (from 0) of ``phase`` is done. False cancels the build."""
        ...

    def finish(self, phase: str) -> None: ...


@dataclass(frozen=True)
class BuildSettings:
    """``workspace_mib``: most scratch memory a layer may use, MiB. ``optimization_level``: 0..5, TensorRT's
    default is 3; higher tries more and takes longer. ``compute_capability``: None = the GPU that is here;
    a TensorRT-RTX name such as "SM86" compiles for one that is not, untimed and unverified.
    """

    workspace_mib: int
    optimization_level: int = 3
    compute_capability: str | None = None


@dataclass(frozen=True, slots=True)
class BuiltEngine:
    """``plan``: the serialised engine. ``listing``: its kernels, as `export.tensorrt.listing` reads them, where it was
    compiled for a GPU that is not here, else empty. ``layers``: TensorRT's JSON of its layers, where it was built for
    the GPU that is here, else empty. ``timing_cache``: what was timed, for the next build.
    ``seconds``: time in the builder. ``tensorrt``: version. ``verified``: it was deserialised here and has
    the bundle's inputs and outputs. ``skipped_for_memory``: tactics that TensorRT left out for want of memory.
    ``skipped_otherwise``: those that failed for another reason; ``first_exception``: what it said of the first.
    """

    plan: bytes
    listing: str
    layers: str
    timing_cache: bytes
    seconds: float
    tensorrt: str
    verified: bool
    skipped_for_memory: int
    skipped_otherwise: int
    first_exception: str


def import_tensorrt(module: str = "tensorrt") -> ModuleType:
    """The TensorRT of this Python.

    Raises InputError where it is missing, cannot be loaded, or is older than 10.3.
    """
    try:
        trt = importlib.import_module(module)
    except (ImportError, OSError) as error:
        raise InputError(
            f"{module} cannot be imported ({_first_line(str(error))}): engines are built on the board that "
            "flies: install JetPack's TensorRT (sudo apt install nvidia-jetpack) and "
            f"{ENVIRONMENT}, see docs/jetson.md"
        ) from None
    number = tuple(int(part) for part in re.findall(r"\d+", trt.__version__)[:2])
    if module == "tensorrt" and number < OLDEST_TENSORRT:
        raise InputError(
            f"TensorRT {trt.__version__}: expected 10.3 or newer, which takes every precision from the ONNX "
            "file: update the board to JetPack 6.1 or newer"
        )
    return trt


@collection_waits()
def build_engine(
    trt: ModuleType,
    onnx: Path,
    bundle: Bundle,
    settings: BuildSettings,
    progress: Progress,
    timing_cache: bytes = b"",
) -> BuiltEngine:
    """Compile ``onnx`` for the GPU that is here and check that the engine is what ``bundle`` promises.

    ``timing_cache``: of an earlier build on this board, or empty. Nothing is written.

    Raises EngineError: a node that TensorRT cannot parse or compile (it is named), other inputs and outputs
    than the bundle's, too little memory; BuildCancelled where ``progress`` said so.
    """
    heard = Heard()
    log = logger(trt, heard)
    monitor = _monitor(trt, progress)
    try:
        builder = trt.Builder(log)
    except (TypeError, RuntimeError) as error:  # pybind11: "factory function returned nullptr"
        said = _reason(heard.errors) if heard.errors else str(error)
        raise EngineError(f"TensorRT {trt.__version__} does not start: {said}: is the GPU free and usable?") from None
    strongly_typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    # absent would mean a version that knows nothing else
    network = builder.create_network(0 if strongly_typed is None else 1 << int(strongly_typed))
    parser = trt.OnnxParser(network, log)  # owns the weights: it must outlive the build
    if not parser.parse_from_file(str(onnx)):
        raise EngineError(_parse_failure(trt, parser, onnx))
    _check_network(network, onnx, bundle)

    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, settings.workspace_mib << 20)
    config.builder_optimization_level = settings.optimization_level
    config.max_aux_streams = 0  # one stream: the runtime captures it as a CUDA graph, and a board has no room to spare
    config.progress_monitor = monitor
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # the layers with their types and kernels
    tf32 = getattr(trt.BuilderFlag, "TF32", None)
    if tf32 is not None:
        config.clear_flag(tf32)  # on by default; what the file types float32 shall be float32
    if settings.compute_capability is None:
        _use_timing_cache(config, timing_cache)
    else:
        _aim_at(trt, config, settings.compute_capability)

    begun = time.monotonic()
    plan = builder.build_serialized_network(network, config)
    seconds = time.monotonic() - begun
    if plan is None:
        if monitor.cancelled:
            raise BuildCancelled("the build was cancelled")
        raise EngineError(_build_failure(trt, heard, onnx, settings))
    data = bytes(plan)
    timed, layers = b"", ""
    if settings.compute_capability is None:
        layers = _check_engine(trt, log, heard, data, bundle)
        cache = config.get_timing_cache()
        timed = bytes(cache.serialize()) if cache is not None else b""
    return BuiltEngine(
        plan=data,
        listing=heard.listing if settings.compute_capability else "",
        layers=layers,
        timing_cache=timed,
        seconds=seconds,
        tensorrt=trt.__version__,
        verified=settings.compute_capability is None,
        skipped_for_memory=heard.skipped_for_memory,
        skipped_otherwise=heard.skipped_otherwise,
        first_exception=heard.first_exception,
    )


def _check_network(network: tensorrt.INetworkDefinition, onnx: Path, bundle: Bundle) -> None:
    def described(mode: str, tensor: tensorrt.ITensor) -> tuple[str, tuple[int, ...], str]:
        return mode, tuple(tensor.shape), tensor.dtype.name

    inputs = [network.get_input(i) for i in range(network.num_inputs)]
    outputs = [network.get_output(i) for i in range(network.num_outputs)]
    got = {tensor.name: described("INPUT", tensor) for tensor in inputs}
    got |= {tensor.name: described("OUTPUT", tensor) for tensor in outputs}
    _compare(got, bundle, str(onnx))


def _check_engine(trt: ModuleType, log: tensorrt.ILogger, heard: Heard, plan: bytes, bundle: Bundle) -> str:
    """TensorRT's JSON of its layers. Raises EngineError where it does not load, or is not what ``bundle`` promises."""
    runtime = trt.Runtime(log)
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:
        raise EngineError(
            f"TensorRT {trt.__version__} cannot load the engine that it just built: {_reason(heard.errors)}"
        )
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    got = {
        name: (
            engine.get_tensor_mode(name).name,
            tuple(engine.get_tensor_shape(name)),
            engine.get_tensor_dtype(name).name,
        )
        for name in names
    }
    _compare(got, bundle, "the built engine")
    inspector = engine.create_engine_inspector()
    return "" if inspector is None else str(inspector.get_engine_information(trt.LayerInformationFormat.JSON))


def _compare(found: dict[str, tuple[str, tuple[int, ...], str]], bundle: Bundle, what: str) -> None:
    wrong = deviations(found, signature(bundle))
    if wrong:
        raise EngineError(f"{what} has {'; '.join(wrong)}: export the bundle again")


def _use_timing_cache(config: tensorrt.IBuilderConfig, data: bytes) -> None:
    cache = config.create_timing_cache(data)
    # false: made by another TensorRT or GPU, or damaged
    if cache is None or not config.set_timing_cache(cache, False):
        config.set_timing_cache(config.create_timing_cache(b""), False)


def _aim_at(trt: ModuleType, config: tensorrt.IBuilderConfig, compute_capability: str) -> None:
    if not (
        hasattr(trt, "ComputeCapability")
        and hasattr(config, "num_compute_capabilities")
        and hasattr(config, "set_compute_capability")
    ):
        raise InputError(f"{trt.__name__} {trt.__version__} compiles only for the GPU that is here")
    config.num_compute_capabilities = 1
    config.set_compute_capability(getattr(trt.ComputeCapability, compute_capability), 0)


def _parse_failure(trt: ModuleType, parser: tensorrt.OnnxParser, onnx: Path) -> str:
    if not parser.num_errors:
        return f"TensorRT {trt.__version__} cannot read {onnx} and does not say why: export the bundle again"
    error: tensorrt.ParserError = parser.get_error(0)
    reason = " ".join(line.strip() for line in error.desc().splitlines()[:2])
    if not error.node_operator():
        return f"TensorRT {trt.__version__} cannot read {onnx}: {reason}: copy or export the bundle again"
    more = f" (and {parser.num_errors - 1} more)" if parser.num_errors > 1 else ""
    return (
        f"TensorRT {trt.__version__} cannot take node {error.node()} of {onnx}, {error.node_operator()} "
        f"'{error.node_name()}'{more}: {reason}: export the bundle again with this version of thermal-edge"
    )


def _build_failure(trt: ModuleType, heard: Heard, onnx: Path, settings: BuildSettings) -> str:
    failure = f"TensorRT {trt.__version__} could not compile {onnx}: {_reason(heard.errors)}"
    no_tactic = "any implementation" in failure
    if no_tactic and heard.skipped_otherwise and not heard.skipped_for_memory:
        return (
            f"{failure}: {heard.skipped_otherwise} tactics failed, not for want of memory (the first: "
            f"{heard.first_exception}): try another --optimization-level, 0 to 5; this was "
            f"{settings.optimization_level}"
        )
    no_room = no_tactic and heard.skipped_for_memory
    if no_room or any(_OUT_OF_MEMORY.search(line) for line in heard.errors):
        return f"{failure}: memory ran out (workspace {settings.workspace_mib} MiB): {MEMORY_HINT}"
    return f"{failure}: export the bundle again with this version of thermal-edge"


def _reason(errors: list[str]) -> str:
    return _first_line(errors[-1]) if errors else "it does not say why"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _monitor(trt: ModuleType, progress: Progress) -> tensorrt.IProgressMonitor:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.cancelled = False

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            progress.start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            self.cancelled = self.cancelled or not progress.step(phase_name, step)
            return not self.cancelled

        def phase_finish(self, phase_name: str) -> None:
            progress.finish(phase_name)

    return Monitor()
