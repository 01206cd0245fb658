"""Torch to ONNX: trace the static detector and write its two typed graphs."""

from __future__ import annotations

import io
import warnings
from typing import cast

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from export.precision import DOMAIN, drop_markers, type_float16

OPSET = 17  # IR 8: read by TensorRT 8.5 .. 11 and onnxruntime 1.18 ..
INPUT = "image"
OUTPUTS = ("boxes", "scores", "labels", "converged")
# what is worth storing as float16: below, biases, norms and the first convolution stay as they are
_SMALL = 16384


def trace(detector: nn.Module, height: int, width: int) -> onnx.ModelProto:
    """The float32 graph of a `StaticDetector`, with the markers of `export.precision` still in it."""
    buffer = io.BytesIO()
    image = torch.zeros(1, height, width, 1, dtype=torch.uint8)
    with warnings.catch_warnings(), torch.no_grad():
        # the trace is fixed-shape on purpose; the TorchScript exporter announces its age
        warnings.simplefilter("ignore")
        torch.onnx.export(
            detector,
            (image,),
            cast(str, buffer),
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            custom_opsets={DOMAIN: 1},
        )
    model = onnx.load_from_string(buffer.getvalue())
    _constants_to_initializers(model)
    return model


def float32_graph(traced: onnx.ModelProto, fp16_storage: bool) -> onnx.ModelProto:
    """Float32 arithmetic; with ``fp16_storage`` large weights are stored as float16 and cast when loaded."""
    model = onnx.ModelProto()
    model.CopyFrom(traced)
    drop_markers(model)
    if fp16_storage:
        _store_as_float16(model)
    return model


def float16_graph(traced: onnx.ModelProto) -> onnx.ModelProto:
    """Float16 between the markers, float32 elsewhere."""
    model = onnx.ModelProto()
    model.CopyFrom(traced)
    type_float16(model)
    return model


def _store_as_float16(model: onnx.ModelProto) -> None:
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _SMALL:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype("float16"), f"{name}.stored"))
        casts.append(helper.make_node("Cast", [f"{name}.stored"], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)


def _constants_to_initializers(model: onnx.ModelProto) -> None:
    kept = []
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = model.graph.initializer.add()
            tensor.CopyFrom(node.attribute[0].t)
            tensor.name = node.output[0]
        else:
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)
