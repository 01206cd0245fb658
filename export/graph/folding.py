"""Constant folding: what the tracer computes from shapes becomes constants, and every shape stands in the file.

The exporter spells each pad and reshape out as a chain of Shape, Slice and Concat. TensorRT would fold them, but
only the folded file shows that no shape depends on the picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

LARGEST = 65536  # elements of a result worth storing; tables beyond it are cheaper to compute when loaded


def fold_constants(model: onnx.ModelProto) -> None:
    """Replace, in place, what depends on constants and fixed shapes only, and write down all shapes."""
    with numbers_aside(model):
        while (inferred := _fold_once(model)) is None:
            pass
    model.graph.value_info.extend(inferred.value_info)


@contextmanager
def numbers_aside(model: onnx.ModelProto) -> Iterator[None]:
    """Inside, constants beyond `LARGEST` have a name, a type and a shape only: whoever infers shapes copies no weights.

    Each time that shapes are inferred the whole model is copied twice: seconds, and gigabytes with a large network.
    """
    large = {
        t.name: t.raw_data for t in model.graph.initializer if t.HasField("raw_data") and math.prod(t.dims) > LARGEST
    }
    for tensor in model.graph.initializer:
        if tensor.name in large:
            tensor.ClearField("raw_data")
    try:
        yield
    finally:
        for tensor in model.graph.initializer:
            if tensor.name in large:
                tensor.raw_data = large[tensor.name]


def _fold_once(model: onnx.ModelProto) -> onnx.GraphProto | None:
    """Returns the graph with all shapes that can be inferred where nothing is left to fold."""
    graph = model.graph
    del graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(model).graph
    shapes = _fixed_shapes(inferred)
    constants = {t.name: t for t in graph.initializer}
    values: dict[str, npt.NDArray[np.generic]] = {}
    outputs = {v.name for v in graph.output}
    alias: dict[str, str] = {}
    kept = []
    for node in graph.node:
        renamed = [alias.get(name, name) for name in node.input]
        if renamed != list(node.input):
            del node.input[:]
            node.input.extend(renamed)
        if node.op_type == "Identity" and node.output[0] not in outputs:
            alias[node.output[0]] = node.input[0]
            continue
        results = list(_results(node, shapes, constants, values, model))
        if not results or outputs & set(node.output):
            kept.append(node)
            continue
        for name, value in results:
            values[name] = value
            constants[name] = numpy_helper.from_array(value, name)
    folded = len(kept) < len(graph.node)
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in node.input} | outputs
    del graph.initializer[:]
    graph.initializer.extend(t for name, t in constants.items() if name in used)
    return None if folded else inferred


def _results(
    node: onnx.NodeProto,
    shapes: dict[str, list[int]],
    constants: dict[str, onnx.TensorProto],
    values: dict[str, npt.NDArray[np.generic]],
    model: onnx.ModelProto,
) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    """Name and value of each output, nothing where they are not known or too large."""
    if node.op_type == "Shape" and not node.attribute and node.input[0] in shapes:
        yield node.output[0], np.array(shapes[node.input[0]], np.int64)
        return
    inputs = [name for name in node.input if name]
    if node.domain or any(name not in constants for name in inputs):
        return
    if any(np.prod(shapes.get(name, [LARGEST + 1])) > LARGEST for name in node.output):
        return
    if any(np.prod(constants[name].dims) > LARGEST for name in inputs):
        return
    for name in inputs:
        if name not in values:
            values[name] = numpy_helper.to_array(constants[name])
    graph = helper.make_graph(
        [node],
        "constant",
        [helper.make_tensor_value_info(name, constants[name].data_type, values[name].shape) for name in inputs],
        [helper.make_empty_tensor_value_info(name) for name in node.output],
    )
    evaluator = ReferenceEvaluator(helper.make_model(graph, opset_imports=model.opset_import))
    answers = evaluator.run(None, {name: values[name] for name in inputs})
    yield from zip(node.output, (np.asarray(a) for a in answers), strict=True)


def _fixed_shapes(graph: onnx.GraphProto) -> dict[str, list[int]]:
    shapes = {t.name: list(t.dims) for t in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        if tensor.HasField("shape") and all(d.HasField("dim_value") for d in tensor.shape.dim):
            shapes[value.name] = [d.dim_value for d in tensor.shape.dim]
    return shapes
