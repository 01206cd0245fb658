"""``model.int8.onnx`` into a bundle: the graph for CPUs that multiply bytes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import onnx
from onnx import TensorProto, external_data_helper, numpy_helper
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from edge.model.bundle import ONNX_FP16, ONNX_INT8, WEIGHTS, Bundle, sha256
from edge.system.files import reason_of, write_whole
from export.graph.half_weights import fold_norms, with_half_weights
from export.graph.int8.calibrate import Frames, calibrated
from export.graph.int8.layers import plan_of
from export.graph.int8.pooling import pool_before_relu
from export.graph.int8.ranges import METHOD
from export.graph.int8.rewrite import WEIGHT_BITS, quantised, stored_weights
from export.graph.onnx_graph import float32_graph, trace
from export.graph.shared_weights import share_weights
from export.graph.stages.winograd import without_winograd
from export.graph.static import StaticDetector

Progress = Callable[[str, int, int], None]  # what is done, how much of it, of how much


def add_int8(
    bundle: Bundle,
    model: FasterRCNN,
    frames: Frames,
    progress: Progress = lambda _what, _done, _of: None,
) -> Bundle:
    """Write ``model.int8.onnx`` into the folder of ``bundle``, and ``model.json`` anew; returns the bundle with it.

    ``model``: the detector that the bundle was made of; it stays as it is. ``frames``: what activations are measured
    on, see `export.graph.int8.calibrate.calibration_frames`. The same detector and frames give the same bytes.

    Raises InputError where no layer can compute in INT8, the detector's numbers overflow, or the folder cannot be
    written; EngineError where ONNX Runtime fails.
    """
    progress("trace for INT8", 0, 1)
    plain = float_graph(bundle, model)
    plan = plan_of(plain)
    grids = calibrated(plain, plan, frames, lambda done, of: progress("calibrate", done, of))
    progress("write the INT8 graph", 0, 1)
    graph = quantised(plain, plan, grids)
    pool_before_relu(graph.graph)
    if WEIGHTS in bundle.files:
        _share(graph, bundle)
    else:
        stored_weights(graph)
        onnx.checker.check_model(graph, full_check=True)
    said = {
        "method": METHOD,
        "frames": len(frames.images),
        "frames_sha256": frames.sha256,
        "layers": len(plan.layers),
        "weight_bits": WEIGHT_BITS,
    }
    return _placed(bundle, graph.SerializeToString(), said)


def float_graph(bundle: Bundle, model: FasterRCNN) -> onnx.ModelProto:
    """What is rounded: the CPU's graph in float32, batch norms folded, each convolution as one node."""
    if WEIGHTS in bundle.files:
        model = with_half_weights(model)
    else:
        model = copy.deepcopy(model).eval().requires_grad_(False)
        fold_norms(model)
    static = StaticDetector(model, bundle.height, bundle.width, "cpu")
    without_winograd(static)
    return float32_graph(trace(static))


def _share(graph: onnx.ModelProto, bundle: Bundle) -> None:
    """Take the large weights from the bundle's file of weights, in place; rounding them is part of the graph."""
    share_weights(graph, onnx.load(bundle.file(ONNX_FP16)))
    places = _places(bundle)
    for tensor in graph.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT16:
            continue
        data = numpy_helper.to_array(tensor).tobytes()
        if data in places:
            tensor.raw_data = data
            external_data_helper.set_external_data(tensor, WEIGHTS, places[data], len(data))
            tensor.ClearField("raw_data")


def _places(bundle: Bundle) -> Mapping[bytes, int]:
    """Where in the file of weights each tensor of the graph for TensorRT lies, by its content."""
    content, places = bundle.file(WEIGHTS).read_bytes(), {}
    for tensor in onnx.load(bundle.file(ONNX_FP16), load_external_data=False).graph.initializer:
        if external_data_helper.uses_external_data(tensor):
            said = {entry.key: entry.value for entry in tensor.external_data}
            offset, length = int(said["offset"]), int(said["length"])
            places[content[offset : offset + length]] = offset
    return places


def _placed(bundle: Bundle, graph: bytes, said: Mapping[str, Any]) -> Bundle:
    """The file, and then what names it: whoever is interrupted leaves a bundle that is whole without it."""
    others = {name: digest for name, digest in bundle.files.items() if name != ONNX_INT8}
    try:
        if ONNX_INT8 in bundle.files:
            replace(bundle, files=others, int8={}).write_json()
        write_whole(bundle.path / ONNX_INT8, graph)
        files = {**others, ONNX_INT8: sha256(bundle.path / ONNX_INT8)}
        added = replace(bundle, files=files, int8=said)
        added.write_json()
    except OSError as error:
        raise InputError(
            f"{bundle.path} cannot be written ({reason_of(error)}): free some space, or give --out FOLDER"
        ) from None
    return added
