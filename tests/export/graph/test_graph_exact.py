"""Small numbers by hand, one step below and above each limit of the graph; boxes and maps that are not square."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor

import export.graph.folding as folding
import export.graph.onnx_graph as onnx_graph
import export.graph.shared_weights as shared_weights
import export.graph.stages.postprocess as postprocess
from edge.errors import InputError
from export.graph.flops import Cost, cost_by_part
from export.graph.stages.boxes import at_least, clip_to_image, decode, pairwise_iou
from export.graph.stages.nms import suppress_native, suppress_unrolled
from export.graph.stages.postprocess import Postprocess
from export.graph.stages.winograd import WinogradConv2d, use_winograd
from export.graph.supported import check_pooled, check_samples, check_size, check_topk
from export.graph.trt_operators import refusals
from tests.export.graph.test_trt_operators import F16, F32, I64, model_of, node

# ---- sizes ----


@pytest.mark.parametrize(
    ("height", "width", "told"),
    [
        (32, 32, None),
        (1024, 1280, None),
        (512, 640, None),
        (1056, 640, "height 1056: expected a multiple of 32 from 32 to 1024, for instance 1024"),
        (512, 1312, "width 1312: expected a multiple of 32 from 32 to 1280, for instance 1280"),
        (1280, 1024, "height 1280"),
        (0, 640, "height 0: expected a multiple of 32 from 32 to 1024, for instance 32"),
        (512, 16, "width 16.*for instance 32"),
        (500, 640, "height 500.*for instance 512"),
        (495, 640, "height 495.*for instance 480"),
        (512, 648, "width 648.*for instance 640"),
    ],
)
def test_sizes_of_a_frame(height: int, width: int, told: str | None) -> None:
    if told is None:
        check_size(height, width)
        return
    with pytest.raises(InputError, match=told):
        check_size(height, width)


def test_most_boxes_and_samples() -> None:
    check_topk(3840, 1)
    with pytest.raises(InputError, match="keeps 3841 boxes"):
        check_topk(1, 3841)
    for fine in (1, 16):
        check_samples(fine)
    for wrong in (0, 17, -1):
        with pytest.raises(InputError, match=rf"{wrong} RoIAlign samples a bin and axis: expected 1\.\.16"):
            check_samples(wrong)


def test_levels_that_are_pooled_from() -> None:
    pool: Any = SimpleNamespace(featmap_names=["0", "1"])
    check_pooled(["0"], pool, [9])
    check_pooled(["0", "1"], pool, [-2, -3])
    check_pooled(["0", "1", "2"], pool, [-2, -3, -4])
    with pytest.raises(InputError, match="skip a level"):
        check_pooled(["0", "1"], pool, [-2, -4])
    with pytest.raises(InputError, match="takes maps 0, 1, and the backbone gives none"):
        check_pooled([], pool, [])


# ---- boxes ----


def test_a_box_from_its_deltas() -> None:
    anchor = torch.tensor([10.0, 20.0, 50.0, 30.0])  # 40 wide, 10 high, middle 30, 25
    found = decode(torch.tensor([1.0, -2.0, 0.0, 0.0]), anchor, (10.0, 10.0, 5.0, 5.0), 4.0)
    assert found.tolist() == pytest.approx([14.0, 18.0, 54.0, 28.0])
    grown = decode(torch.tensor([0.0, 0.0, 5 * math.log(2), -5 * math.log(2)]), anchor, (10.0, 10.0, 5.0, 5.0), 4.0)
    assert grown.tolist() == pytest.approx([-10.0, 22.5, 70.0, 27.5])
    most = decode(torch.tensor([0.0, 0.0, 1e3, 1e3]), anchor, (1.0, 1.0, 1.0, 1.0), math.log(3))
    assert most.tolist() == pytest.approx([-30.0, 10.0, 90.0, 40.0])


def test_a_box_is_clipped_to_width_and_height() -> None:
    box = torch.tensor([-5.0, -6.0, 500.0, 600.0])
    assert clip_to_image(box, (40, 70)).tolist() == [0.0, 0.0, 70.0, 40.0]
    assert clip_to_image(torch.tensor([60.0, 30.0, 69.0, 39.0]), (40, 70)).tolist() == [60.0, 30.0, 69.0, 39.0]


def test_both_sides_must_be_long_enough() -> None:
    boxes = torch.tensor([[0, 0, 2, 9], [0, 0, 9, 2], [0, 0, 1.9, 9], [0, 0, 9, 1.9]])
    assert at_least(boxes, 2.0).tolist() == [True, True, False, False]


def test_overlaps_of_boxes_that_are_not_square() -> None:
    boxes = torch.tensor([[[0.0, 0, 30, 10], [10, 5, 40, 25], [30, 0, 60, 10], [5, 5, 5, 9]]])
    found = pairwise_iou(boxes)
    assert found.shape == (1, 4, 4)
    assert found[0, 0].tolist() == pytest.approx([1.0, 100 / 800, 0.0, 0.0])
    assert found[0, 1, 2].item() == pytest.approx(50 / 850)
    assert torch.equal(found, found.transpose(1, 2))
    assert found[0, 3, 3] == 0


# ---- suppression ----

HALF = torch.tensor([[0.0, 0.0, 20.0, 10.0], [0.0, 0.0, 10.0, 10.0]])  # their IoU is 0.5


@pytest.mark.parametrize(("threshold", "kept"), [(0.5, [True, True]), (0.49, [True, False])])
def test_an_overlap_must_be_greater_than_the_threshold(threshold: float, kept: list[bool]) -> None:
    valid, scores = torch.ones(1, 2, dtype=torch.bool), torch.tensor([[0.9, 0.8]])
    assert suppress_unrolled(HALF[None], valid, threshold)[0].tolist() == [kept]
    assert suppress_native(HALF[None], scores, valid, threshold).tolist() == [kept]


def test_sets_are_apart_and_so_are_groups() -> None:
    boxes, valid = HALF[None].repeat(2, 1, 1), torch.ones(2, 2, dtype=torch.bool)
    keep, converged = suppress_unrolled(boxes, valid, 0.4, torch.tensor([[0, 0], [0, 1]]))
    assert keep.tolist() == [[True, False], [True, True]]
    assert converged.tolist() == [True]


@pytest.mark.parametrize(("n", "settled"), [(20, True), (21, False)])
def test_twenty_rounds_settle_a_chain_of_twenty(n: int, settled: bool) -> None:
    """Each box overlaps only the one before: a round settles one more, and in the last one nothing may change."""
    x = torch.arange(n) * 4.0
    chain = torch.stack((x, torch.zeros(n), x + 10, torch.full((n,), 10.0)), 1)[None]
    keep, converged = suppress_unrolled(chain, torch.ones(1, n, dtype=torch.bool), 0.4)
    assert converged.item() is settled
    if settled:
        assert keep[0].tolist() == [i % 2 == 0 for i in range(n)]


# ---- from logits to detections ----


def heads(classes: int = 2, score: float = 0.25, nms: float = 0.5, most: int = 3) -> Any:
    return SimpleNamespace(
        box_coder=SimpleNamespace(weights=(10.0, 10.0, 5.0, 5.0), bbox_xform_clip=4.0),
        score_thresh=score,
        nms_thresh=nms,
        detections_per_img=most,
        box_predictor=SimpleNamespace(cls_score=SimpleNamespace(out_features=classes + 1)),
    )


def logits(*rows: tuple[float, ...]) -> torch.Tensor:
    """Whose softmax these rows are."""
    return torch.tensor(rows).log()


BOXES = torch.tensor([[0.0, 0, 20, 10], [40, 10, 60, 15], [80, 10, 90, 30]])


def detect(native: bool, scores: torch.Tensor, boxes: torch.Tensor = BOXES, **more: Any) -> tuple[torch.Tensor, ...]:
    n = len(boxes)
    valid = more.pop("valid", torch.ones(n, dtype=torch.bool))
    stage = Postprocess(heads(**more), n, (40, 100), (0.5, 2.0), native, 20)
    found: tuple[torch.Tensor, ...] = stage(scores, torch.zeros(n, 4 * scores.shape[1]), boxes, valid)
    return found


@pytest.mark.parametrize("native", [True, False])
def test_scores_labels_and_frame_pixels(native: bool) -> None:
    """Across by 0.5, down by 2: frame pixels of network input pixels; the background is no class."""
    boxes, scores, labels, converged = detect(
        native, logits((0.1, 0.2, 0.7), (0.2, 0.75, 0.05), (0.8, 0.1, 0.1)), score=0.15
    )
    assert scores.tolist() == pytest.approx([0.75, 0.7, 0.2])
    assert labels.tolist() == [0, 1, 0]
    assert labels.dtype == torch.int32
    assert boxes.tolist() == [[20, 20, 30, 30], [0, 0, 10, 20], [0, 0, 10, 20]]
    assert converged.tolist() == [True]


@pytest.mark.parametrize("native", [True, False])
def test_what_is_below_the_threshold_is_all_zero(native: bool) -> None:
    quarter = logits((0.5, 0.25, 0.25), (0.49, 0.26, 0.25), (0.9, 0.05, 0.05))
    boxes, scores, labels, _ = detect(native, quarter)
    assert scores.tolist() == pytest.approx([0.26, 0.0, 0.0])
    assert labels.tolist() == [0, 0, 0]
    assert not boxes[1:].any()


@pytest.mark.parametrize("native", [True, False])
def test_what_is_not_valid_or_has_no_side_is_left_out(native: bool) -> None:
    rows = logits(*[(0.1, 0.8, 0.1)] * 3)
    valid = torch.tensor([True, False, True])
    assert detect(native, rows, valid=valid)[1].tolist() == pytest.approx([0.8, 0.8, 0.0])
    thin = torch.tensor([[0.0, 0, 0.011, 5], [40, 10, 40.009, 15], [80, 10, 90, 10.009]])
    assert detect(native, rows, thin)[1].tolist() == pytest.approx([0.8, 0.0, 0.0])
    outside = torch.tensor([[100.0, 0, 120, 10], [0, 40, 20, 60], [90, 35, 120, 60]])  # of 100 x 40
    boxes, scores, _, _ = detect(native, rows, outside)
    assert scores.tolist() == pytest.approx([0.8, 0.0, 0.0])
    assert boxes[0].tolist() == [45, 70, 50, 80]


@pytest.mark.parametrize("native", [True, False])
def test_classes_do_not_suppress_each_other(native: bool) -> None:
    same = BOXES[:1].repeat(2, 1)
    _, scores, labels, _ = detect(native, logits((0.1, 0.5, 0.4), (0.1, 0.45, 0.45)), same, most=4)
    assert scores.tolist() == pytest.approx([0.5, 0.45, 0.0, 0.0])
    assert labels.tolist() == [0, 1, 0, 0]


def test_how_many_come_out_and_go_in() -> None:
    def counts(proposals: int, classes: int, most: int) -> tuple[int, int]:
        stage = Postprocess(heads(classes, most=most), proposals, (1, 1), (1.0, 1.0), False, 1)
        return stage.count, stage.candidates

    assert counts(300, 4, 100) == (100, 1000)
    assert counts(300, 3, 100) == (100, 900)
    assert counts(10, 2, 100) == (20, 20)
    assert counts(2000, 2, 1500) == (1500, 1500)


@pytest.mark.parametrize(("score", "whole"), [(0.25, False), (0.41, True)])
def test_candidates_left_out_that_could_be_shown(score: float, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for two: of three that could be shown the two best suppress each other, so one row stays empty."""
    monkeypatch.setattr(postprocess, "CANDIDATES", 2)
    same = torch.tensor([[0.0, 0, 20, 10], [0, 0, 20, 10], [60, 0, 80, 10]])
    rows = logits((0.1, 0.8, 0.1), (0.2, 0.7, 0.1), (0.5, 0.4, 0.1))
    assert detect(False, rows, same, most=2, score=score)[3].tolist() == [whole]
    assert detect(False, rows, BOXES, most=2, score=score)[3].tolist() == [True]  # both rows are taken


# ---- what it costs ----


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.fpn = nn.Conv2d(4, 2, 1)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"0": self.fpn(self.body(x))}


class Detector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = Net()
        self.image_input: Any = SimpleNamespace(channels=1, padded=(8, 16))
        self.proposals: Any = nn.Module()
        self.proposals.count = 7
        self.proposals.head = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1, groups=2))
        self.proposals.head.forward = lambda maps: [self.proposals.head[0](m) for m in maps]
        self.roi_head: Any = nn.Module()
        self.roi_head.pooled_size = (2, 3)
        self.roi_head.head = nn.Sequential(nn.Flatten(), nn.Linear(12, 5))
        self.roi_head.predictor = FastRCNNPredictor(5, 2)


def test_parameters_and_operations_by_hand() -> None:
    """A multiplication and an addition each: 2 x inputs x kernel x outputs; the RoI head once for each proposal."""
    costs = cost_by_part(Detector())  # type: ignore[arg-type]
    pixels = 8 * 16
    assert costs == {
        "backbone": Cost(36, 2 * 9 * 4 * pixels / 1e9),
        "pyramid": Cost(10, pytest.approx(2 * 4 * 2 * pixels / 1e9)),
        "proposals": Cost(20, 2 * 9 * 2 * pixels / 1e9),
        "RoI head": Cost(65 + 12 + 48, pytest.approx(7 * 2 * (12 * 5 + 5 * 2 + 5 * 8) / 1e9)),
    }
    assert list(costs) == ["backbone", "pyramid", "proposals", "RoI head"]


# ---- folding and storing ----


def table(n: int) -> onnx.ModelProto:
    """x plus a table of n computed values."""
    nodes = [helper.make_node("Add", ["a", "b"], ["t"]), helper.make_node("Add", ["x", "t"], ["y"])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [n])],
        [numpy_helper.from_array(np.ones(k, np.float32), name) for name, k in (("a", n), ("b", 1))],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("n", "left"), [(6, 1), (7, 2)])
def test_a_table_is_folded_up_to_the_limit(n: int, left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "LARGEST", 6)
    model = table(n)
    folding.fold_constants(model)
    assert len(model.graph.node) == left
    if left == 1:
        assert numpy_helper.to_array(model.graph.initializer[0]).tolist() == [2.0] * n
    assert [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim] == [n]


@pytest.mark.parametrize(("n", "stored"), [(3, TensorProto.FLOAT), (4, TensorProto.FLOAT16)])
def test_large_weights_are_stored_in_half(n: int, stored: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_graph, "LARGE", 4)
    model = table(n)
    onnx_graph._store_as_float16(model)
    kinds = {tensor.name.partition(".")[0]: tensor.data_type for tensor in model.graph.initializer}
    assert kinds == {"a": stored, "b": TensorProto.FLOAT}
    assert [node.op_type for node in model.graph.node] == ["Cast"] * (n == 4) + ["Add", "Add"]
    onnx.checker.check_model(model, full_check=True)


def halves(*values: np.ndarray) -> onnx.ModelProto:
    tensors = [numpy_helper.from_array(value.astype(np.float16), f"w{i}") for i, value in enumerate(values)]
    return helper.make_model(helper.make_graph([], "g", [], [], tensors))


def test_each_weight_lies_once_at_the_start_of_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_weights, "LARGE", 4)
    first, second, small = np.arange(5), np.arange(4) + 9, np.arange(3)
    graphs = {"a": halves(first, small), "b": halves(second, first)}
    content = shared_weights.move_weights(graphs, "model.weights")
    assert content == first.astype("<f2").tobytes() + bytes(4096 - 10) + second.astype("<f2").tobytes()

    def place(tensor: onnx.TensorProto) -> dict[str, str]:
        return {entry.key: entry.value for entry in tensor.external_data}

    a, b = graphs["a"].graph.initializer, graphs["b"].graph.initializer
    assert place(a[0]) == place(b[1]) == {"location": "model.weights", "offset": "0", "length": "10"}
    assert place(b[0]) == {"location": "model.weights", "offset": "4096", "length": "8"}
    assert place(a[1]) == {}
    assert not a[0].raw_data


def test_the_known_orders_of_a_weight() -> None:
    assert list(shared_weights._ways((3,))) == [((3,), (0,))]
    assert list(shared_weights._ways((2, 12))) == [
        ((2, 12), (0, 1)),
        ((2, 12), (1, 0)),
        *(((2, p, 12 // p), (0, 2, 1)) for p in (2, 3, 4, 6)),
    ]
    assert list(shared_weights._ways((4, 3, 2, 1))) == [((4, 3, 2, 1), (0, 1, 2, 3)), ((4, 3, 2, 1), (2, 3, 1, 0))]
    master = np.arange(12, dtype=np.float16).reshape(2, 6)
    swapped = master.reshape(2, 3, 2).transpose(0, 2, 1).reshape(2, 6)
    assert shared_weights._way(master, swapped) == ((2, 3, 2), (0, 2, 1))
    assert shared_weights._way(master, master[::-1]) is None


# ---- what TensorRT takes ----


def expanded(n: int) -> onnx.ModelProto:
    return model_of(node("Expand", "x s"), inputs={"x": (F32, [1])}, constants={"s": np.array([n], np.int64)})


def top(k: int, of: int) -> onnx.ModelProto:
    two = helper.make_node("TopK", ["x", "k"], ["y", "at"], name="n", axis=1)
    return model_of(two, inputs={"x": (F32, [9, of])}, constants={"k": np.array([k], np.int64)})


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (expanded(2**31 - 1), None),
        (expanded(2**31), "at most 2147483647"),
        (top(5, 5), None),
        (top(6, 5), "K = 6 of 5 elements"),
        (model_of(node("Relu", "x"), inputs={"x": (F32, [4])}, opset=20), None),
        (model_of(node("Resize", "x r s", mode="cubic"), inputs={"x": (F32, [1, 1, 2, 2])},
                  constants={"r": np.zeros(0, np.float32), "s": np.ones(4, np.float32)}), "only nearest and linear"),
        (model_of(node("Resize", "x r s", mode="linear"), inputs={"x": (F32, [1, 1, 2, 2])},
                  constants={"r": np.zeros(0, np.float32), "s": np.ones(4, np.float32)}), None),
        (model_of(node("ScatterElements", "x i u", reduction="mul"),
                  inputs={"x": (F32, [4]), "i": (I64, [2]), "u": (F32, [2])}), "reduction"),
        (model_of(node("ScatterElements", "x i u"),
                  inputs={"x": (F32, [4]), "i": (I64, [2]), "u": (F32, [2])}), None),
        (model_of(node("Less", "a b"), inputs={"a": (F16, [4]), "b": (F32, [4])}), "mixes FLOAT and FLOAT16"),
        (model_of(node("Where", "c a b"),
                  inputs={"c": (TensorProto.BOOL, [4]), "a": (F16, [4]), "b": (F16, [4])}), None),
        (model_of(node("And", "a b"), inputs={"a": (TensorProto.BOOL, [4]), "b": (TensorProto.BOOL, [4])}), None),
        (model_of(node("Compress", "x c"), inputs={"x": (F32, [4]), "c": (TensorProto.BOOL, [4])}), "depends on"),
    ],
)  # fmt: skip
def test_one_step_below_and_above(model: onnx.ModelProto, told: str | None) -> None:
    lines = refusals(model)
    assert (lines == []) if told is None else any(told in line for line in lines), lines


# ---- minimal filtering ----


@pytest.mark.parametrize(
    ("changed", "gains"),
    [
        ({}, True),
        ({"in_channels": 127}, False),
        ({"out_channels": 127}, False),
        ({"kernel_size": (3, 1), "padding": (1, 0)}, False),
        ({"kernel_size": 5, "padding": 1}, False),
        ({"stride": 2}, False),
        ({"padding": 0}, False),
        ({"dilation": 2}, False),
        ({"groups": 2}, False),
        ({"padding_mode": "reflect"}, False),
    ],
)
def test_which_convolutions_gain(changed: dict[str, Any], gains: bool) -> None:
    like = {"in_channels": 128, "out_channels": 128, "kernel_size": 3, "padding": 1, **changed}
    net = nn.Sequential(nn.Sequential(nn.Conv2d(**like)))
    use_winograd(net)
    assert isinstance(net[0][0], WinogradConv2d) is gains


@pytest.mark.parametrize(("height", "width", "tiles"), [(28, 36, 63), (32, 32, 64), (29, 29, 64), (28, 33, 63)])
def test_from_64_tiles_on(height: int, width: int, tiles: int) -> None:
    conv = nn.Conv2d(2, 3, 3, padding=1).requires_grad_(False)
    filtered = WinogradConv2d(conv)
    x = torch.rand(1, 2, height, width, generator=torch.Generator().manual_seed(0))
    expected = conv(x)
    assert torch.allclose(filtered(x), expected, atol=1e-5)
    asked: list[int] = []
    hook = conv.register_forward_hook(lambda *_: asked.append(1))
    filtered(x)
    hook.remove()
    assert bool(asked) is (tiles < 64)
