"""Kernels, their bytes and the part of the network they belong to, from TensorRT-RTX's own words."""

from __future__ import annotations

import pytest

from edge.errors import EngineError
from export.tensorrt.listing import HEAD, Kernel, by_part, kernels


def tensor(kind: str, dims: str) -> str:
    return (
        f"{{ Name: t, Dimensions: [{dims}], Strides: [9,1], StrideOrder: [1,0], Datatype: {kind}, Format: (Linear) }}"
    )


def line(name: str, reads: str, constants: str, writes: str, *nodes: str) -> str:
    said = "".join(f"[ONNX Layer: /{node}]" for node in nodes)
    return (
        f"Name: {name}, LayerType: kgen, Inputs: [ {reads}], Constants: [ {constants}], Outputs: [ {writes}], "
        f"TacticName: t_0x1, StreamId: 0, Metadata: {said}"
    )


LISTING = "\n".join(
    [
        HEAD,
        line("conv", tensor("Half", "1,2,3"), tensor("Float", "4,5"), tensor("UInt8", "7"), "backbone/body/conv1/Conv"),
        line("round", f"{tensor('Bool', '10,10')}, {tensor('Float', '10')}", "", tensor("Float", "10"),
             "proposals/suppress/Where", "proposals/suppress/ReduceMax", "proposals/Cast"),
        line("flag", "", tensor("Int64", "1"), tensor("Int32", "")),
        "",
        "Bindings:",
        "image",
    ]
)  # fmt: skip


def test_bytes_are_what_is_read_and_written() -> None:
    assert kernels(LISTING) == [
        Kernel("conv", "backbone", 6 * 2 + 20 * 4 + 7),
        Kernel("round", "NMS", 100 + 40 + 40),
        Kernel("flag", "boxes", 8 + 4),
    ]
    assert by_part(kernels(LISTING)) == {"backbone": (1, 99), "NMS": (1, 180), "boxes": (1, 12)}


@pytest.mark.parametrize(
    ("node", "part"),
    [
        ("image_input/Div", "backbone"),
        ("backbone/body/layer1/Conv", "backbone"),
        ("backbone/fpn/Add", "pyramid and RPN"),
        ("proposals/head/cls_logits/Conv", "pyramid and RPN"),
        ("proposals/top_3/TopK", "TopK"),
        ("proposals/best/TopK", "TopK"),
        ("postprocess/best_1/TopK", "TopK"),
        ("postprocess/suppress/ReduceMax", "NMS"),
        ("roi_head/Gather_7", "RoIAlign"),
        ("roi_head/head/fc6/Gemm", "RoI head"),
        ("roi_head/predictor/cls_score/Gemm", "RoI head"),
        ("proposals/Exp", "boxes"),
        ("Cast_2", "boxes"),
    ],
)
def test_parts_of_a_frame(node: str, part: str) -> None:
    assert kernels(line("k", "", "", "", node))[0].part == part


def test_another_form_is_told() -> None:
    with pytest.raises(EngineError, match="lists no kernels"):
        kernels("Layers:\n{ json }")
    with pytest.raises(EngineError, match="type Int4, whose size is not known"):
        kernels(line("k", tensor("Int4", "8"), "", ""))
