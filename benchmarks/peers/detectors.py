"""The detectors that are compared: the bundled model's weights, run by several programs."""

from __future__ import annotations

import importlib
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers.agreement import ROUNDED, SAME, Tolerance
from edge.data import RawDetections
from edge.engine.onnx_runtime import load
from edge.engine.openvino import OpenVinoEngine
from edge.engine.ort import OrtEngine
from edge.errors import InputError
from edge.model.bundle import ONNX_CPU, ONNX_INT8, Bundle

Grey = npt.NDArray[np.uint8]
Detect = Callable[[Grey], RawDetections]


class AbsentError(Exception):
    """A detector that cannot be measured here; says why."""


@dataclass(frozen=True)
class Loaded:
    """``detect``: (H, W) uint8 grey of the model's size to detections in its pixels. ``versions``: of what computes."""

    detect: Detect
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Detector:
    """``name``: as ``--only`` takes it. ``short``, ``what``: for a person. ``load``: of a bundle and a number of
    threads; raises AbsentError. ``tolerance``: within which it must find what ours finds.
    """

    name: str
    short: str
    what: str
    load: Callable[[Bundle, int], Loaded]
    tolerance: Tolerance = SAME


def ours_float(bundle: Bundle, threads: int) -> Loaded:
    engine = OrtEngine(bundle, threads, ONNX_CPU)
    return Loaded(engine.infer, engine.versions)


def ours_int8(bundle: Bundle, threads: int) -> Loaded:
    engine = OrtEngine(bundle, threads, held(bundle, ONNX_INT8))
    return Loaded(engine.infer, engine.versions)


def torchvision_eager(bundle: Bundle, threads: int) -> Loaded:
    torch = installed("torch", "pip install '.[export]'")
    from export.parity.compare import eager_detector

    torch.set_num_threads(threads)
    return Loaded(eager_detector(torchvision_model(bundle)), versions_of(torch, "torchvision"))


def torchvision_onnx(bundle: Bundle, threads: int) -> Loaded:
    """As torchvision's own documentation exports it; its input is float32 (3, H, W), its number of boxes is open."""
    torch, onnxruntime = installed("torch", "pip install '.[export]'"), load()
    model = torchvision_model(bundle)
    channels = len(model.transform.image_mean)
    options = onnxruntime.SessionOptions()  # as OrtEngine sets them
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing, about sizes that are fixed here
        file, image = str(Path(folder) / "torchvision.onnx"), torch.rand(channels, bundle.height, bundle.width)
        torch.onnx.export(model, ([image],), file, dynamo=False, opset_version=17, input_names=["image"])
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def detect(image: Grey) -> RawDetections:
        boxes, labels, scores = session.run(None, {"image": as_float(image, channels)})
        return RawDetections(boxes, scores, (labels - 1).astype(np.int32))

    return Loaded(detect, {**versions_of(torch, "torchvision"), "onnxruntime": onnxruntime.__version__})


def openvino(bundle: Bundle, threads: int, graph: str = ONNX_CPU) -> Loaded:
    """As ``--backend openvino`` runs it; INT8 whatever its weights are."""
    try:
        engine = OpenVinoEngine(bundle, threads, graph)
    except InputError as error:
        raise AbsentError(str(error)) from None
    return Loaded(engine.infer, engine.versions)


def openvino_int8(bundle: Bundle, threads: int) -> Loaded:
    return openvino(bundle, threads, held(bundle, ONNX_INT8))


def torchvision_model(bundle: Bundle) -> Any:
    """The torchvision FasterRCNN whose weights the bundle holds, in evaluation mode."""
    from export.detector.checkpoint import load_detector

    return load_detector(bundle.path).eval()


def as_float(image: Grey, channels: int) -> npt.NDArray[np.float32]:
    """(channels, H, W) float32 0..1 of (H, W) uint8."""
    return np.repeat(image.astype(np.float32)[None] / np.float32(255), channels, 0)


def held(bundle: Bundle, graph: str) -> str:
    """``graph`` itself. Raises AbsentError where the bundle has none."""
    if graph not in bundle.files:
        raise AbsentError(f"the bundle holds no {graph}")
    return graph


def installed(module: str, how: str) -> Any:
    """The module. Raises AbsentError where it is not installed or cannot be loaded."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise AbsentError(f"{module} cannot be imported ({error}): {how}") from None


def versions_of(torch: Any, *others: str) -> dict[str, str]:
    """Versions of torch and of other modules."""
    found = {"torch": str(torch.__version__)}
    return found | {name: str(importlib.import_module(name).__version__) for name in others}


OURS = "ours"  # what all others are compared with
DETECTORS = (
    Detector(OURS, "ours, float", "ours, float: `model.onnx` in ONNX Runtime", ours_float),
    Detector("int8", "ours, INT8", "ours, INT8: `model.int8.onnx` in ONNX Runtime", ours_int8, ROUNDED),
    Detector("openvino", "OpenVINO", "ours, float: `model.onnx` in OpenVINO", openvino),
    Detector("openvino-int8", "OpenVINO INT8", "ours, INT8: `model.int8.onnx` in OpenVINO", openvino_int8, ROUNDED),
    Detector(
        "torchvision-onnx", "torchvision's own ONNX", "torchvision's own ONNX export, in ONNX Runtime", torchvision_onnx
    ),
    Detector("torchvision", "torchvision eager", "torchvision, eager", torchvision_eager),
)
