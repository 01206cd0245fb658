"""ONNX Runtime on the CPU: the engine of laptops, of CI, and of a board without TensorRT."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.data import RawDetections
from edge.engine.onnx_runtime import load
from edge.errors import EngineError
from edge.model.bundle import ONNX_CPU, ONNX_INT8, Bundle
from edge.model.graph_io import INPUT, OUTPUTS, Found, deviations, raw_detections, signature
from edge.model.signed.opened import opened
from edge.seams import Engine

onnxruntime: Any = load()


class OrtEngine(Engine):
    """``model.onnx`` of a bundle, or another ``graph`` of it, in ONNX Runtime.

    It cannot tell where its time goes: ``last_ms`` stays empty. ``backend``: ``ort-int8`` with ``model.int8.onnx``.

    ``threads``: intra-operator threads, 0 = one a core that this process may use now. ONNX Runtime's own choice is one
    a core of the machine, each pinned to its core, which fails on a board whose power mode takes cores offline.

    Raises BundleError where the bundle has no such graph, EngineError where ONNX Runtime
    cannot load it or its inputs and outputs are not those of the bundle.
    """

    backend = "ort"

    def __init__(self, bundle: Bundle, threads: int = 0, graph: str = ONNX_CPU) -> None:
        super().__init__(bundle)
        path = bundle.file(graph)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads = threads or len(os.sched_getaffinity(0))
        options.inter_op_num_threads = 1
        # its warnings about folded constants mean nothing to a user, and its errors are raised, too: what it prints has
        # names out of the graph in it, which a terminal would obey
        options.log_severity_level = 4
        if graph == ONNX_INT8:
            self.backend = "ort-int8"
            # AVX2 and AVX-512 without VNNI add two products in 16 bits, which saturates. Where that could happen, that
            # is in layers with a weight beyond -64 .. 64, this moves weights to uint8, whose products are summed in
            # 32: slower, and right. Weights of 7 bits stay as they are, and fast. ONNX Runtime looks at them itself,
            # so nothing hangs on what model.json says of them
            options.add_session_config_entry("session.x64quantprecision", "1")
        with opened(bundle, graph) as found:
            self._session = _session(found, options, path)
        expected = signature(bundle)
        if wrong := deviations(_tensors(self._session), expected):
            raise EngineError(f"{path} has {'; '.join(wrong)}: export it again")
        self._shape = expected[INPUT].shape
        self.description = (
            f"ONNX Runtime {onnxruntime.__version__} on CPU, {threads} thread{'s' if threads > 1 else ''}"
        )
        self.versions = {"onnxruntime": onnxruntime.__version__}

    def _infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:
        try:
            answers = self._session.run(OUTPUTS, {INPUT: np.ascontiguousarray(image).reshape(self._shape)})
        except Exception as error:
            raise EngineError(f"ONNX Runtime failed: {_first_line(error)}") from None
        return raw_detections(dict(zip(OUTPUTS, answers, strict=True)))

    def _release(self) -> None:
        del self._session


def _session(found: Path, options: Any, path: Path) -> Any:
    """The graph, loaded from where it was ``found``; ``path``: for a message, where the user knows it."""
    try:
        return onnxruntime.InferenceSession(str(found), sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own classes derive from Exception only
        raise EngineError(
            f"ONNX Runtime {onnxruntime.__version__} cannot load {path}: {_first_line(error)}: "
            "export the bundle again, or install another onnxruntime"
        ) from None


def _tensors(session: Any) -> Found:
    nodes = [("INPUT", node) for node in session.get_inputs()] + [("OUTPUT", node) for node in session.get_outputs()]
    return {
        node.name: (mode, tuple(node.shape), node.type.removeprefix("tensor(").removesuffix(")").upper())
        for mode, node in nodes
    }


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
