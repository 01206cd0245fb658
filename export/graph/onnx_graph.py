"""Torch to ONNX: trace the static detector, and write its two typed graphs."""

from __future__ import annotations

import io
import warnings
from typing import Literal, cast

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from edge.errors import InputError
from edge.model.graph_io import INPUT, OUTPUTS, outputs
from export.graph.folding import fold_constants
from export.graph.precision import DOMAIN, drop_markers, type_float16
from export.graph.shared_weights import LARGE
from export.graph.static import StaticDetector

Storage = Literal["fp32", "fp16", "shared"]
OPSET = 17  # IR 8: read by TensorRT 8.5 .. 11 and onnxruntime 1.18 ..


def trace(detector: StaticDetector) -> onnx.ModelProto:
    """The float32 graph of a detector, with the markers of `export.graph.precision` still in it.

    Raises InputError where a module of the model has no form in ONNX.
    """
    height, width = detector.image_input.original
    buffer = io.BytesIO()
    image = torch.zeros(1, height, width, 1, dtype=torch.uint8)
    with warnings.catch_warnings(), torch.no_grad():
        # that shapes get fixed is the purpose, and the TorchScript exporter announces its age
        warnings.simplefilter("ignore")
        try:
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
        except torch.onnx.errors.OnnxExporterError as error:
            what = str(error).split(". ")[0]
            raise InputError(f"a part of the model has no form in ONNX ({what}): replace it") from None
    model = onnx.load_from_string(buffer.getvalue())
    _constants_to_initializers(model)
    _declare_outputs(model, detector.max_detections)
    return model


def float32_graph(traced: onnx.ModelProto, storage: Storage = "fp32") -> onnx.ModelProto:
    """Float32 arithmetic; stored as "fp16", large weights take half the space and are cast when loaded."""
    model = onnx.ModelProto()
    model.CopyFrom(traced)
    drop_markers(model)
    fold_constants(model)
    if storage == "fp16":
        _store_as_float16(model)
    return model


def float16_graph(traced: onnx.ModelProto) -> onnx.ModelProto:
    """Float16 between the markers, float32 elsewhere."""
    model = onnx.ModelProto()
    model.CopyFrom(traced)
    type_float16(model)
    fold_constants(model)
    return model


def _store_as_float16(model: onnx.ModelProto) -> None:
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < LARGE:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype("float16"), f"{name}.stored"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)


def _constants_to_initializers(model: onnx.ModelProto) -> None:
    """Every constant as an initializer under one name; the exporter writes equal ones once, and Identities of it."""
    graph = model.graph
    constants = {t.name for t in graph.initializer}
    outputs = {v.name for v in graph.output}
    alias: dict[str, str] = {}
    kept = []
    for node in graph.node:
        inputs = [alias.get(name, name) for name in node.input]
        del node.input[:]
        node.input.extend(inputs)
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = graph.initializer.add()
            tensor.CopyFrom(node.attribute[0].t)
            tensor.name = node.output[0]
            constants.add(tensor.name)
        elif node.op_type == "Identity" and inputs[0] in constants and node.output[0] not in outputs:
            alias[node.output[0]] = inputs[0]
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def _declare_outputs(model: onnx.ModelProto, k: int) -> None:
    """Write the fixed output shapes that the tracer lost over ``NonMaxSuppression``.

    Raises ValueError where an output is of another type: a fault of this package.
    """
    expected = {
        name: (TensorProto.DataType.Value(tensor.dtypes[0]), list(tensor.shape)) for name, tensor in outputs(k).items()
    }
    got = {value.name: value.type.tensor_type.elem_type for value in model.graph.output}
    if got != {name: kind for name, (kind, _) in expected.items()}:
        raise ValueError(f"traced graph has outputs of types {got}: expected {expected}")
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(name, *what) for name, what in expected.items())
