"""ONNX Runtime on the CPU: the engine of laptops, of CI, and of a board without TensorRT."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnxruntime

from edge.data import RawDetections
from edge.engine.outputs import checked
from edge.errors import EngineError
from edge.model.bundle import ONNX_CPU, Bundle
from edge.seams import Engine

OUTPUTS = ["boxes", "scores", "labels", "converged"]


class OrtEngine(Engine):
    """``model.onnx`` of a bundle in ONNX Runtime.

    ``threads``: intra-operator threads, 0 = one a physical core.

    Raises BundleError where the bundle has no ``model.onnx``, EngineError where ONNX Runtime
    cannot load it or its inputs and outputs are not those of the bundle.
    """

    backend = "ort"

    def __init__(self, bundle: Bundle, threads: int = 0) -> None:
        super().__init__(bundle)
        path = bundle.file(ONNX_CPU)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # its warnings about folded constants mean nothing to a user
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own classes derive from Exception only
            raise EngineError(
                f"ONNX Runtime {onnxruntime.__version__} cannot load {path}: {_first_line(error)}: "
                "export the bundle again, or install another onnxruntime"
            ) from None
        self._check_signature()
        self._binding_shape = (1, bundle.height, bundle.width, 1)
        self.description = f"ONNX Runtime {onnxruntime.__version__} on CPU"
        self.versions = {"onnxruntime": onnxruntime.__version__}

    def _infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:
        feed = {"image": np.ascontiguousarray(image).reshape(self._binding_shape)}
        try:
            boxes, scores, labels, converged = self._session.run(OUTPUTS, feed)
        except Exception as error:
            raise EngineError(f"ONNX Runtime failed: {_first_line(error)}") from None
        return checked(boxes[0], scores[0], labels[0], converged)

    def _release(self) -> None:
        del self._session

    def _check_signature(self) -> None:
        bundle, k = self.bundle, self.bundle.max_detections
        expected: dict[str, list[int]] = {
            "image": [1, bundle.height, bundle.width, 1],
            "boxes": [1, k, 4],
            "scores": [1, k],
            "labels": [1, k],
            "converged": [1],
        }
        got = {node.name: node.shape for node in (*self._session.get_inputs(), *self._session.get_outputs())}
        if got != expected:
            raise EngineError(f"{bundle.path / ONNX_CPU} has {got}: model.json promises {expected}: export it again")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
