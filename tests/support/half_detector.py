"""A bundle that TensorRT can build: the tiny detector again, typed float16 as the exporter types it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge.model.bundle import ONNX_FP16, Bundle, sha256

HEIGHT, WIDTH, CELL, K = 64, 80, 8, 4
CELLS = (HEIGHT // CELL) * (WIDTH // CELL)


def half_model(k: int = K, weights: type = np.float16) -> onnx.ModelProto:
    """uint8 [1, 64, 80, 1] -> the ``k`` hottest cells of 8x8 px; a float16 convolution, the rest float32."""

    def constant(name: str, value: np.ndarray) -> onnx.TensorProto:
        return numpy_helper.from_array(value, name)

    y, x = np.divmod(np.arange(CELLS, dtype=np.float32), WIDTH // CELL)
    boxes = np.stack([x, y, x + 1, y + 1], axis=1) * np.float32(CELL)
    nodes = [
        helper.make_node("Cast", ["image"], ["half"], to=TensorProto.FLOAT16, name="to_half"),
        helper.make_node("Transpose", ["half"], ["plane"], perm=[0, 3, 1, 2], name="to_nchw"),
        helper.make_node("Conv", ["plane", "mean"], ["cells"], strides=[CELL, CELL], name="cell_means"),
        helper.make_node("Cast", ["cells"], ["cells32"], to=TensorProto.FLOAT, name="to_float"),
        helper.make_node("Reshape", ["cells32", "flat"], ["means"], name="flatten"),
        helper.make_node("TopK", ["means", "k"], ["scores", "where"], name="hottest"),
        helper.make_node("Gather", ["cell_boxes", "where"], ["boxes"], axis=0, name="boxes_of_cells"),
        helper.make_node("Gather", ["cell_labels", "where"], ["labels"], axis=0, name="labels_of_cells"),
        helper.make_node("ReduceMax", ["labels"], ["least"], axes=[1], keepdims=0, name="least_label"),
        helper.make_node("Add", ["least", "one"], ["converged"], name="always"),
    ]
    graph = helper.make_graph(
        nodes,
        "hottest_cells",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, HEIGHT, WIDTH, 1])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, k, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, k]),
            helper.make_tensor_value_info("labels", TensorProto.INT32, [1, k]),
            helper.make_tensor_value_info("converged", TensorProto.INT32, [1]),
        ],
        [
            constant("mean", np.full((1, 1, CELL, CELL), 1 / 255 / CELL**2, weights)),
            constant("flat", np.array([1, CELLS], np.int64)),
            constant("k", np.array([k], np.int64)),
            constant("cell_boxes", boxes),
            constant("cell_labels", np.zeros(CELLS, np.int32)),
            constant("one", np.ones(1, np.int32)),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def with_float16_graph(bundle: Path, data: bytes) -> Bundle:
    """Put ``data`` into the bundle as its ``model.fp16.onnx``."""
    (bundle / ONNX_FP16).write_bytes(data)
    loaded = Bundle.load(bundle)
    files = {**loaded.files, ONNX_FP16: sha256(bundle / ONNX_FP16)}
    dataclasses.replace(loaded, files=files).write_json()
    return Bundle.load(bundle)
