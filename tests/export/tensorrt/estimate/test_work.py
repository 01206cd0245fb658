"""Operations, bytes and kernels of a graph that can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from edge.errors import InputError
from export.tensorrt.estimate.work import Work, part_of, total, work_by_part
from export.tensorrt.listing import Kernel

HALF = TensorProto.FLOAT16
BUNDLED = Path(__file__).resolve().parents[4] / "edge/models/hituav-r18/model.fp16.onnx"


def value(name: str, *shape: int | str, kind: int = HALF) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def weights(name: str, *shape: int) -> onnx.TensorProto:
    tensor = onnx.TensorProto(name=name, data_type=HALF, dims=shape)
    tensor.raw_data = bytes(2 * int(onnx.numpy_helper.np.prod(shape)))
    return tensor


def graph(*, width: int | str = 6) -> onnx.ModelProto:
    """A convolution with its ReLU, a product, the best 2 of 12 numbers, and the largest of a cast."""
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["c"], "/backbone/body/conv1/Conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], "/backbone/body/relu/Relu"),
        helper.make_node("Flatten", ["r"], ["f"], "/roi_head/Flatten"),
        helper.make_node("Gemm", ["f", "v"], ["g"], "/roi_head/head/fc6/Gemm", transB=1),
        helper.make_node("TopK", ["g", "two"], ["best", "where"], "/proposals/top/TopK", axis=1),
        helper.make_node("Cast", ["best"], ["wide"], "/postprocess/Cast", to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["wide"], ["most"], "/postprocess/ReduceMax", axes=[1], keepdims=0),
        helper.make_node("Neg", ["most"], ["out"], "/postprocess/Neg"),
    ]
    two = helper.make_tensor("two", TensorProto.INT64, [1], [2])
    inside = helper.make_graph(
        nodes, "g", [value("image", 1, 3, 4, width)], [value("out", 1, kind=TensorProto.FLOAT)],
        [weights("w", 5, 3, 3, 3), weights("v", 12, 120), two],
    )  # fmt: skip
    return helper.make_model(inside, opset_imports=[helper.make_opsetid("", 17)])


CONV, GEMM = 2 * (3 * 9) * (5 * 4 * 6) / 1e9, 2 * 120 * 12 / 1e9


def test_a_rough_count_by_hand() -> None:
    """ReLU joins the convolution, the cast TopK, and the maximum ends that kernel; a view is none."""
    read, made = 72 + 135, 120
    assert work_by_part(graph()) == {
        "backbone": [Work(CONV, 2 * (read + made) / 1e6)],
        "TopK": [Work(0.0, (12 * 2 + 8 + 4) / 1e6, walked=12)],
        "RoI head": [Work(GEMM, 2 * (120 + 12 * 120 + 12) / 1e6)],
        "boxes": [Work(0.0, (4 + 4) / 1e6)],
    }


def test_a_listing_goes_before_the_count_and_names_its_nodes() -> None:
    listed = [
        Kernel("a", "backbone", 1000, ("backbone/body/conv1/Conv", "backbone/body/relu/Relu")),
        Kernel("b", "TopK", 500, ("proposals/top/TopK",)),
        Kernel("c", "backbone", 1, ("backbone/body/conv1/Conv",)),  # its operations were those of the first
    ]
    assert work_by_part(graph(), listed) == {
        "backbone": [Work(CONV, 1e-3), Work(0.0, 1e-6)],
        "TopK": [Work(0.0, 5e-4, walked=12)],
        "RoI head": [Work(GEMM, 0.0, kernels=0)],  # no kernel names it
    }


def test_a_shape_that_is_not_fixed_is_no_zero() -> None:
    with pytest.raises(InputError, match=r"the shape of c at Conv /backbone/body/conv1/Conv is not fixed"):
        work_by_part(graph(width="w"))


def test_the_sum_is_of_each_figure() -> None:
    assert total([Work(1.0, 2.0, 3, 4), Work(10.0, 20.0, 30, 40)]) == Work(11.0, 22.0, 33, 44)


@pytest.mark.parametrize(
    ("node", "part"),
    [("/backbone/body/conv1/Conv", "backbone"), ("/proposals/head/Conv", "pyramid and RPN"), ("/Cast_3", "boxes")],
)
def test_a_node_belongs_to_the_part_that_its_name_says(node: str, part: str) -> None:
    assert part_of(node) == part


def test_the_bundled_model() -> None:
    """Its operations are those that `edge-export onnx` prints; the rough count is a third above the listing at most."""
    parts = work_by_part(onnx.load(BUNDLED, load_external_data=False))
    gflop = {part: round(total(work).gflop, 2) for part, work in parts.items() if total(work).gflop}
    assert gflop == {"backbone": 35.41, "pyramid and RPN": 7.18, "RoI head": 3.48}
    every = total([w for work in parts.values() for w in work])
    assert 129 <= every.kernels <= 129 * 4 / 3
    assert 478 <= every.mbytes <= 478 * 4 / 3
    assert every.walked == 120_450
