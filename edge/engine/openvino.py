"""OpenVINO on the CPU: with an INT8 graph faster than ONNX Runtime on x86. Taken only where it is asked for.

Its package is not among the dependencies, see `INSTALL`: it would bring another one, openvino-telemetry, which reports
over the network each time that OpenVINO is imported. It is left out, and where it is there it is not let in.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edge.data import RawDetections
from edge.errors import BundleError, EngineError, InputError
from edge.model.bundle import ONNX_CPU, ONNX_INT8, Bundle
from edge.model.graph_io import INPUT, OUTPUTS, Found, deviations, raw_detections, signature
from edge.model.signed.opened import opened
from edge.seams import Engine
from edge.system.cpu import PAIR_BITS, byte_products, fewer_bits, what_it_has, what_it_lacks

if TYPE_CHECKING:
    from edge.engine.select import EngineOptions

INSTALL = "pip install --no-deps 'openvino>=2026.4'"  # the oldest that was tried
TELEMETRY = "openvino_telemetry"
# types as OpenVINO names them, and as ONNX does
_TYPES = {"u8": "UINT8", "f32": "FLOAT", "f16": "FLOAT16", "i32": "INT32", "i64": "INT64", "boolean": "BOOL"}


def load() -> ModuleType:
    """The module, imported without its telemetry. Raises ImportError where it is missing or cannot be loaded."""
    if module := sys.modules.get("openvino"):
        return module
    kept = sys.modules.get(TELEMETRY)
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]  # nobody finds it; OpenVINO does nothing in its place
    try:
        return importlib.import_module("openvino")
    finally:
        del sys.modules[TELEMETRY]
        if kept is not None:
            sys.modules[TELEMETRY] = kept


def version_of(openvino: ModuleType) -> str:
    """Such as 2026.4.1, without the build behind it."""
    return str(openvino.__version__).partition("-")[0]


def open_engine(bundle: Bundle, options: EngineOptions) -> Engine:
    """`OpenVinoEngine` with INT8 where the bundle has it and this processor computes it rightly, else with float.

    A note of the engine says why INT8 was not taken. Nothing is timed: the same machine always runs the same graph.
    Raises what `OpenVinoEngine` raises.
    """
    why_not = no_int8(bundle)
    engine = OpenVinoEngine(bundle, options.threads, ONNX_CPU if why_not is not None else ONNX_INT8)
    engine.notes = [graph_words(bundle)] if why_not else []
    return engine


def no_int8(bundle: Bundle) -> str | None:
    """Why the float graph runs here; '' where there is no other; None where INT8 runs."""
    if ONNX_INT8 not in bundle.files:
        return ""
    bits = bundle.weight_bits
    if byte_products(bits):
        return None
    wrong = f", without which OpenVINO's sums of weights of {bits} bits overflow" if bits > PAIR_BITS else ""
    return f"{what_it_lacks(bits)}{wrong}{fewer_bits(bits)}"


def graph_words(bundle: Bundle) -> str:
    """Which graph of the bundle runs here, and why."""
    why_not = no_int8(bundle)
    if why_not is None:
        return f"{ONNX_INT8}: this processor has {what_it_has(bundle.weight_bits)}"
    return f"{ONNX_CPU} and not {ONNX_INT8}: {why_not}" if why_not else ONNX_CPU


class OpenVinoEngine(Engine):
    """``graph`` of a bundle, ``model.onnx`` or ``model.int8.onnx``, in OpenVINO.

    INT8 with weights of 8 bits is wrong on x86 without VNNI and AMX, see `no_int8`. It cannot tell where its time goes:
    ``last_ms`` stays empty. ``backend``: ``openvino-int8`` with ``model.int8.onnx``.

    ``threads``: 0 = one a core that this process may use now; none is tied to a core.

    Raises InputError where OpenVINO is not installed, BundleError where the bundle has no such graph, EngineError where
    OpenVINO cannot load it or its inputs and outputs are not those of the bundle.
    """

    backend = "openvino"

    def __init__(self, bundle: Bundle, threads: int = 0, graph: str = ONNX_CPU) -> None:
        super().__init__(bundle)
        path = bundle.file(graph)
        try:
            openvino: Any = load()
        except ImportError as error:
            missing = isinstance(error, ModuleNotFoundError) and error.name == "openvino"
            raise InputError(
                f"OpenVINO {'is not installed' if missing else f'cannot be loaded ({error})'}: run: {INSTALL}; "
                "or use --backend ort"
            ) from None
        version = version_of(openvino)
        threads = threads or len(os.sched_getaffinity(0))
        asked = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # two programs would wait for the same core beside a free one
            "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 where the processor has it, float16 on ARM
        }
        try:
            core = openvino.Core()
            with opened(bundle, graph) as checked:
                model = core.read_model(str(checked))
                found = _tensors(model)
                compiled = core.compile_model(model, "CPU", asked)
            threads = compiled.get_property("INFERENCE_NUM_THREADS")  # no more than the machine has cores
            self._request = compiled.create_infer_request()
        except BundleError:
            raise
        except Exception as error:  # OpenVINO raises RuntimeError, and others where a value is not as it expects
            raise EngineError(
                f"OpenVINO {version} cannot load {path}: {_last_line(error)}: export the bundle again, or use "
                "--backend ort"
            ) from None
        expected = signature(bundle)
        if wrong := deviations(found, expected):
            raise EngineError(f"{path} has {'; '.join(wrong)}: export it again")
        self._shape = expected[INPUT].shape
        self.description = f"OpenVINO {version} on CPU, {threads} thread{'s' if threads > 1 else ''}"
        if graph == ONNX_INT8:
            self.backend = "openvino-int8"
            self.description += f"; {ONNX_INT8}"
        self.versions = {"openvino": version}

    def _infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:
        try:
            answers = self._request.infer({INPUT: np.ascontiguousarray(image).reshape(self._shape)})
            tensors = {name: answers[name] for name in OUTPUTS}
        except Exception as error:
            raise EngineError(f"OpenVINO failed: {_last_line(error)}") from None
        return raw_detections(tensors)

    def _release(self) -> None:
        del self._request


def _tensors(model: Any) -> Found:
    """A port has one or more names; where one of them is of `OUTPUTS`, it is that one."""
    found: Found = {}
    for mode, ports in (("INPUT", model.inputs), ("OUTPUT", model.outputs)):
        for port in ports:
            name = next((name for name in OUTPUTS if name in port.names), port.any_name)
            shape = tuple(n.get_length() if n.is_static else -1 for n in port.partial_shape)
            kind = port.element_type.get_type_name()
            found[name] = (mode, shape, _TYPES.get(kind, kind.upper()))
    return found


def _last_line(error: Exception) -> str:
    """What was wrong: OpenVINO says first where in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
